/** Counters of the master, and its gauges, under the names that Mesos gave them. */
import type { OfferOperationType } from '../api/index.js';
import { type Resources, ScalarItem } from '../resources/index.js';
import type { Cluster } from './cluster.js';
import type { Agent } from './agent.js';
import type { Framework } from './framework.js';
import { OperationCounts } from './operation-metrics.js';
import { addPending } from './operation-records.js';

/** Counters that exist from the start, so that a reader sees a zero and not a gap. */
export const COUNTERS = [
  'dropped_messages',
  'messages_decline_offers',
  'messages_executor_to_framework',
  'messages_exited_executor',
  'messages_framework_to_executor',
  'messages_kill_task',
  'messages_launch_tasks',
  'messages_operation_status_update',
  'messages_operation_status_update_acknowledgement',
  'messages_reconcile_operations',
  'messages_reconcile_tasks',
  'messages_register_framework',
  'messages_register_slave',
  'messages_reregister_framework',
  'messages_reregister_slave',
  'messages_resource_request',
  'messages_revive_offers',
  'messages_status_update',
  'messages_status_update_acknowledgement',
  'messages_suppress_offers',
  'messages_unregister_framework',
  'messages_unregister_slave',
  'invalid_executor_to_framework_messages',
  'invalid_framework_to_executor_messages',
  'invalid_operation_status_update_acknowledgements',
  'invalid_operation_status_updates',
  'invalid_status_update_acknowledgements',
  'invalid_status_updates',
  'valid_executor_to_framework_messages',
  'valid_framework_to_executor_messages',
  'valid_operation_status_update_acknowledgements',
  'valid_operation_status_updates',
  'valid_status_update_acknowledgements',
  'valid_status_updates',
  'recovery_slave_removals',
  'slave_registrations',
  'slave_reregistrations',
  'slave_removals',
  'slave_removals/reason_registered',
  'slave_removals/reason_unhealthy',
  'slave_removals/reason_unregistered',
  'slave_unreachable_canceled',
  'slave_unreachable_completed',
  'slave_unreachable_scheduled',
  'task_lost/source_master/reason_invalid_offers',
  'task_lost/source_master/reason_slave_removed',
  'task_lost/source_slave/reason_executor_terminated',
  'tasks_dropped',
  'tasks_error',
  'tasks_failed',
  'tasks_finished',
  'tasks_gone',
  'tasks_gone_by_operator',
  'tasks_killed',
  'tasks_lost',
] as const;

export type CounterName = (typeof COUNTERS)[number];

/** Counts what happened since this master started. */
export class Metrics {
  readonly operations = new OperationCounts();
  readonly #counters = new Map<CounterName, number>(COUNTERS.map((name) => [name, 0]));

  /** Counts one more. */
  count(name: CounterName): void {
    this.#counters.set(name, this.get(name) + 1);
  }

  get(name: CounterName): number {
    return this.#counters.get(name) ?? 0;
  }

  /** All counters, with the prefix of the master. */
  *entries(): Iterable<readonly [string, number]> {
    for (const [name, value] of this.#counters) yield [`master/${name}`, value];
  }
}

const GAUGED_STATES = [
  ['tasks_staging', 'TASK_STAGING'],
  ['tasks_starting', 'TASK_STARTING'],
  ['tasks_running', 'TASK_RUNNING'],
  ['tasks_killing', 'TASK_KILLING'],
] as const;

/** Agents that are looked at in one step, which takes a fraction of a millisecond. */
const AGENTS_PER_STEP = 100;

/**
 * Gauges: what is true now, with how many operations of each type are pending. A walk over all agents
 * and frameworks, in steps: what happens between two of them may show, or not.
 */
export function* gaugeSteps(cluster: Cluster): Generator<undefined, Gauges> {
  const values = new Map<string, number>();
  const frameworks = [...cluster.frameworks.values()];
  for (const [name, state] of GAUGED_STATES) {
    const tasks = frameworks.reduce((sum, { counts }) => sum + counts.tasksIn(state), 0);
    values.set(`master/${name}`, tasks);
  }
  values.set('master/outstanding_offers', cluster.offers.size);
  gaugeFrameworks(values, frameworks);
  const sums = new AgentSums();
  let left = AGENTS_PER_STEP;
  for (const agent of cluster.agents.values()) {
    if (left-- === 0) {
      yield;
      left = AGENTS_PER_STEP;
    }
    sums.add(agent);
  }
  sums.write(values);
  values.set('master/slaves_unreachable', cluster.unreachableAgents.size);
  return { values, pending: sums.pending };
}

/** What `gaugeSteps` comes to. */
export interface Gauges {
  readonly values: ReadonlyMap<string, number>;
  /** Operations that the agents have not answered. */
  readonly pending: ReadonlyMap<OfferOperationType, number>;
}

function gaugeFrameworks(values: Map<string, number>, frameworks: readonly Framework[]): void {
  const connected = frameworks.filter((framework) => framework.isConnected).length;
  const unreachable = frameworks.reduce((sum, one) => sum + one.unreachableTasks.size, 0);
  values.set('master/frameworks_active', connected);
  values.set('master/frameworks_inactive', frameworks.length - connected);
  values.set('master/frameworks_connected', connected);
  values.set('master/frameworks_disconnected', frameworks.length - connected);
  values.set('master/tasks_unreachable', unreachable);
}

const GAUGED_RESOURCES = ['cpus', 'gpus', 'mem', 'disk'] as const;

/** What agents are and have, added up one by one. */
class AgentSums {
  readonly pending = new Map<OfferOperationType, number>();
  readonly #totals = new Map<string, number>();
  readonly #used = new Map<string, number>();
  #agents = 0;
  #connected = 0;
  #active = 0;

  add(agent: Agent): void {
    this.#agents++;
    if (agent.isConnected) this.#connected++;
    if (agent.isActive) this.#active++;
    addAmounts(this.#totals, agent.total);
    addAmounts(this.#used, agent.usedTotal);
    addPending(this.pending, agent);
  }

  /** What is revocable is measured apart, as Mesos does. */
  write(values: Map<string, number>): void {
    values.set('master/slaves_active', this.#active);
    values.set('master/slaves_inactive', this.#agents - this.#active);
    values.set('master/slaves_connected', this.#connected);
    values.set('master/slaves_disconnected', this.#agents - this.#connected);
    for (const name of GAUGED_RESOURCES) {
      for (const key of [name, revocableName(name)]) {
        const total = this.#totals.get(key) ?? 0;
        const amount = this.#used.get(key) ?? 0;
        values.set(`master/${key}_total`, total / 1000);
        values.set(`master/${key}_used`, amount / 1000);
        values.set(`master/${key}_percent`, total === 0 ? 0 : amount / total);
      }
    }
  }
}

/** Adds scalars in thousandths: there may be very many agents, so that nothing is made on the way. */
function addAmounts(sums: Map<string, number>, { items }: Resources): void {
  for (const item of items) {
    if (!(item instanceof ScalarItem)) continue;
    const key = item.revocable ? revocableName(item.name) : item.name;
    sums.set(key, (sums.get(key) ?? 0) + item.total);
  }
}

function revocableName(name: string): string {
  return `${name}_revocable`;
}
