/**
 * Oversubscription: what an agent could give to revocable tasks, over and above what it has. How much
 * that is, a resource estimator decides; this file has the interface of estimators and the one that
 * is built in.
 */
import type { Resource } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { Resources, validateResources } from '../resources/index.js';
import type { AgentExecutor, AgentState } from './state.js';

/** What an executor and its tasks hold. A command task counts as an executor of the same id. */
export interface ExecutorUsage {
  readonly frameworkId: string;
  readonly executorId: string;
  /** Of tasks that have not ended. */
  readonly taskIds: readonly string[];
  /** What it was given, each bound to its role: an upper bound of what it really uses. */
  readonly allocated: readonly Resource[];
  /** Its processes that the agent has started, for looking at what they really use. */
  readonly pids: readonly number[];
}

/** What an agent has, and who holds what of it. */
export interface ResourceUsage {
  /** All that the agent has, reservations and volumes included; nothing that is revocable. */
  readonly total: readonly Resource[];
  /** What all executors and tasks hold together, bound to no role; some may be revocable. */
  readonly used: readonly Resource[];
  readonly executors: readonly ExecutorUsage[];
}

/**
 * Says how much an agent may be oversubscribed. It is asked when the agent starts and then once in
 * each `--oversubscribed_resources_interval`, never before its last answer has come. When it throws,
 * rejects or gives what is not valid, that is logged and its last answer stays. It may not change what
 * it is told.
 */
export interface ResourceEstimator {
  /**
   * What revocable tasks could be given beyond those that run already: amounts by name that are
   * neither reserved nor disks with a source. They count as revocable whether it says so or not.
   */
  oversubscribable(usage: ResourceUsage): readonly Resource[] | Promise<readonly Resource[]>;
}

/** Always the same in all: what revocable tasks hold already is not oversubscribed again. */
export function fixedEstimator(resources: readonly Resource[]): ResourceEstimator {
  const fixed = revocableResources(resources);
  return {
    oversubscribable: ({ used }) => fixed.minus(Resources.fromWire(used).revocable()).toWire(),
  };
}

/** Most resources that an estimator may name. */
export const MAX_OVERSUBSCRIBED_RESOURCES = 1_000;

/**
 * Resources that an agent may be oversubscribed by, as revocable ones.
 * @throws PlateauError `INVALID_RESOURCES` naming the resource and what is wrong with it.
 */
export function revocableResources(list: readonly Resource[]): Resources {
  if (list.length > MAX_OVERSUBSCRIBED_RESOURCES) {
    throw invalid(`${list.length} resources are more than ${MAX_OVERSUBSCRIBED_RESOURCES}`);
  }
  const revocable = list.map((resource) => ({ ...resource, revocable: {} }));
  const problem = validateResources(revocable);
  if (problem !== undefined) throw invalid(problem);
  const resources = Resources.fromWire(revocable);
  const odd = resources.items.find(
    ({ isReserved, disk, allocationRole }) =>
      isReserved || disk !== undefined || allocationRole !== undefined,
  );
  if (odd === undefined) return resources;
  throw invalid(`'${odd.name}' may be neither reserved, nor a disk with a source, nor allocated`);
}

function invalid(problem: string): PlateauError {
  return new PlateauError('INVALID_RESOURCES', `oversubscribed resources: ${problem}`);
}

/** What is used on an agent now. */
export function resourceUsage(state: AgentState, total: Resources): ResourceUsage {
  const executors = [...state.executors()].map(executorUsage);
  const allocated = executors.flatMap((executor) => executor.allocated);
  return {
    total: total.toWire(),
    used: Resources.fromWire(allocated).unallocated().toWire(),
    executors,
  };
}

function executorUsage(executor: AgentExecutor): ExecutorUsage {
  const tasks = [...executor.active.values()];
  const pids = [executor, ...tasks].flatMap(({ process }) => process?.pid ?? []);
  return {
    frameworkId: executor.framework.id,
    executorId: executor.id,
    taskIds: tasks.map(({ id }) => id),
    allocated: executor.usedResources,
    pids,
  };
}
