/**
 * The policies that dominant resource fairness is compared with, and what happens on an agent to which
 * they give more than it has. All policies are carried out by the same allocator; they differ in what
 * it is told: slots, cpus alone, or cpus and memory.
 */
import type { Amounts } from '../model/amounts.js';
import type { SpeedModel } from '../model/agent-model.js';

export interface Policy {
  readonly name: string;
  /** What the allocator is told that an agent has. */
  readonly offered: (capacity: Amounts) => Amounts;
  /** What it counts for a task. */
  readonly demandOf: (usage: Amounts) => Amounts;
}

export const DRF: Policy = {
  name: 'DRF',
  offered: (capacity) => capacity,
  demandOf: (usage) => usage,
};

/** Each task takes one of the slots, whatever it uses. */
export function slots(perAgent: number): Policy {
  return {
    name: `${perAgent} slots`,
    offered: () => ({ slots: perAgent }),
    demandOf: () => ({ slots: 1 }),
  };
}

/** Memory is not counted at all. */
export const CPU_FAIR: Policy = {
  name: 'CPU-fair',
  offered: ({ cpus = 0 }) => ({ cpus }),
  demandOf: ({ cpus = 0 }) => ({ cpus }),
};

/** How much slower paging makes a task: per GiB of its own, and per part of excess. */
export const PAGING_FACTOR = 4;
/** Memory may be exceeded by this part before anything pages: tasks touch less than they ask for. */
export const PAGING_TOLERANCE = 0.08;
const MIB_PER_GIB = 1024;

/**
 * On an agent whose processors are overcommitted, all tasks share them. Where memory is, tasks page,
 * and take `1 + factor x own GiB x excess` times as long. Nothing fails. The published table says
 * nothing about how its tasks suffered: factor and tolerance are chosen so that the rows of 3 to 6
 * slots come out near it.
 */
export const overcommitSpeed: SpeedModel = (usage, load, capacity) => {
  const processors = Math.min(1, (capacity['cpus'] ?? 0) / (load['cpus'] ?? 0));
  const filled = (load['mem'] ?? 0) / (capacity['mem'] ?? 0);
  const excess = Math.max(0, filled - 1 - PAGING_TOLERANCE);
  const ownGiB = (usage['mem'] ?? 0) / MIB_PER_GIB;
  return processors / (1 + PAGING_FACTOR * ownGiB * excess);
};
