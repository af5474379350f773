/**
 * Fills one agent task by task, driven through the allocator: whoever is offered the agent launches one
 * task and gives the rest back. Each user is a framework in a role of its own.
 */
import { TestCluster } from '../../unit/allocator/test-cluster.js';
import { resources } from '../../unit/allocator/resource-text.js';
import type { Resources } from '../../../core/resources/index.js';

/** What one task needs, in whole units of cpus and mem. */
export interface Demand {
  readonly cpus: number;
  readonly mem: number;
}

export interface Filled {
  /** Tasks of each user. */
  readonly tasks: readonly number[];
  /** Dominant share of each user. */
  readonly shares: readonly number[];
  readonly free: Demand;
}

/** What the agent has of each. */
export const CAPACITY = 400;

/** The dominant share of one task. */
export function taskShare({ cpus, mem }: Demand): number {
  return Math.max(cpus, mem) / CAPACITY;
}

/**
 * @param until `first`: ends when a task does not fit for the first time, as progressive filling of
 *   demands that are all positive does; `all`: goes on until nobody's task fits.
 */
export async function fill(demands: readonly Demand[], until: 'first' | 'all'): Promise<Filled> {
  const cluster = new TestCluster({ minAllocatable: [] });
  const tasks = demands.map(() => 0);
  const names = demands.map((_, user) => `user-${user}`);
  cluster.addAgent('agent', `cpus:${CAPACITY};mem:${CAPACITY}`);
  for (const name of names) cluster.addFramework(name, [name]);
  let free = resources(`cpus:${CAPACITY};mem:${CAPACITY}`);
  for (;;) {
    cluster.allocator.runNow();
    const offer = cluster.outstanding.pop();
    if (offer === undefined) break;
    const user = names.indexOf(offer.role);
    const { cpus, mem } = demands[user] ?? { cpus: 0, mem: 0 };
    const task = resources(`cpus:${cpus};mem:${mem}`).allocatedTo(offer.role);
    const fits = offer.resources.contains(task);
    const rest = fits ? offer.resources.minus(task) : offer.resources;
    cluster.allocator.recoverResources(offer.frameworkId, offer.agentId, rest);
    free = rest.unallocated();
    if (fits) tasks[user] = (tasks[user] ?? 0) + 1;
    else if (until === 'first') break;
    else cluster.suppress(offer.role);
  }
  const shares = names.map((name) => cluster.metric(`mesos/roles/${name}/shares/dominant`) ?? 0);
  cluster.allocator.dispose();
  await cluster.settle();
  return { tasks, shares, free: amounts(free) };
}

function amounts(bag: Resources): Demand {
  return { cpus: bag.scalar('cpus') / 1000, mem: bag.scalar('mem') / 1000 };
}
