/**
 * How well a task suits an offer, in [0, 1]. A fitness is local when it depends on nothing but what is left
 * of the offer and which tasks are on its agent: then offers are only judged again when something was placed
 * there, which makes large rounds cheap. Those of this file are local.
 */
import type { TaskSpec } from '../decisions/index.js';
import type { Fitness, OfferView } from './offers.js';

const LOCAL = new WeakSet<Fitness>();

/**
 * Says that a fitness is local: it depends on the view and on the resources, constraints and name of the
 * spec, not on its key or data, nor on tasks of other agents. Nobody checks that.
 */
export function localFitness(fitness: Fitness): Fitness {
  LOCAL.add(fitness);
  return fitness;
}

export function isLocal(fitness: Fitness): boolean {
  return LOCAL.has(fitness);
}

/** What part of the room that is left the task would take: cpus and memory, the mean of those it wants. */
function tightness({ cpus, memMiB }: TaskSpec, view: OfferView): number {
  const ofCpus = cpus === 0 ? 0 : share(cpus, view.cpus);
  const ofMemory = memMiB === 0 ? 0 : share(memMiB, view.memMiB);
  if (cpus === 0) return ofMemory;
  return memMiB === 0 ? ofCpus : (ofCpus + ofMemory) / 2;
}

function share(wanted: number, left: number): number {
  return left > wanted ? wanted / left : 1;
}

/** The fullest agent that has room: few agents are used, large tasks find room later. */
export const packFitness: Fitness = localFitness(tightness);

/** The agent with the fewest tasks of the name, and of these the one with most room. */
export const spreadFitness: Fitness = localFitness((spec, view) => {
  const here = view.tasksHere(spec.name) + 1;
  return 1 / here - tightness(spec, view) / (here * (here + 1));
});

/** Several at once, each with its weight: `mixFitness([packFitness, 3], [nearData, 1])`. */
export function mixFitness(
  ...parts: readonly (readonly [fitness: Fitness, weight: number])[]
): Fitness {
  const total = parts.reduce((sum, [, weight]) => sum + weight, 0);
  const mixed: Fitness = (spec, view, tasks) => {
    let sum = 0;
    for (const [fitness, weight] of parts) sum += weight * fitness(spec, view, tasks);
    return total > 0 ? sum / total : 0;
  };
  return parts.every(([fitness]) => isLocal(fitness)) ? localFitness(mixed) : mixed;
}
