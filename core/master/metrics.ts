/** Counters of the master, and its gauges, under the names that Mesos gave them. */
import type { Resources } from '../resources/index.js';
import type { Cluster } from './cluster.js';
import type { Agent } from './agent.js';
import type { Framework } from './framework.js';
import { OperationCounts } from './operation-metrics.js';

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

/** Gauges: what is true now. Costs a walk over all agents, frameworks and tasks. */
export function gauges(cluster: Cluster): Map<string, number> {
  const values = new Map<string, number>();
  for (const [name, state] of GAUGED_STATES)
    values.set(`master/${name}`, cluster.countTasks(state));
  const frameworks = [...cluster.frameworks.values()];
  const agents = [...cluster.agents.values()];
  values.set('master/outstanding_offers', cluster.offers.size);
  gaugeFrameworks(values, frameworks);
  gaugeAgents(values, agents);
  values.set('master/slaves_unreachable', cluster.unreachableAgents.size);
  for (const name of ['cpus', 'gpus', 'mem', 'disk']) gaugeResource(values, name, agents);
  return values;
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

function gaugeAgents(values: Map<string, number>, agents: readonly Agent[]): void {
  const connected = agents.filter((agent) => agent.isConnected).length;
  const active = agents.filter((agent) => agent.isActive).length;
  values.set('master/slaves_active', active);
  values.set('master/slaves_inactive', agents.length - active);
  values.set('master/slaves_connected', connected);
  values.set('master/slaves_disconnected', agents.length - connected);
}

/** What is revocable is measured apart, as Mesos does. */
function gaugeResource(values: Map<string, number>, name: string, agents: readonly Agent[]): void {
  for (const isRevocable of [false, true]) {
    let total = 0;
    let used = 0;
    for (const agent of agents) {
      total += amountOf(agent.total, name, isRevocable);
      used += amountOf(agent.usedTotal, name, isRevocable);
    }
    const key = `master/${name}${isRevocable ? '_revocable' : ''}`;
    values.set(`${key}_total`, total / 1000);
    values.set(`${key}_used`, used / 1000);
    values.set(`${key}_percent`, total === 0 ? 0 : used / total);
  }
}

function amountOf(resources: Resources, name: string, isRevocable: boolean): number {
  return (isRevocable ? resources.revocable() : resources.nonRevocable()).scalar(name);
}
