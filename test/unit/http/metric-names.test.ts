import { expect } from 'chai';
import { ServedCluster } from './served-cluster.js';

/** Metrics of a Mesos master, by the names that its documentation gives them, that are served here. */
const SERVED = [
  'master/cpus_percent',
  'master/cpus_used',
  'master/cpus_total',
  'master/cpus_revocable_percent',
  'master/cpus_revocable_total',
  'master/cpus_revocable_used',
  'master/disk_percent',
  'master/disk_used',
  'master/disk_total',
  'master/disk_revocable_percent',
  'master/disk_revocable_total',
  'master/disk_revocable_used',
  'master/gpus_percent',
  'master/gpus_used',
  'master/gpus_total',
  'master/gpus_revocable_percent',
  'master/gpus_revocable_total',
  'master/gpus_revocable_used',
  'master/mem_percent',
  'master/mem_used',
  'master/mem_total',
  'master/mem_revocable_percent',
  'master/mem_revocable_total',
  'master/mem_revocable_used',
  'master/elected',
  'master/uptime_secs',
  'system/cpus_total',
  'system/load_15min',
  'system/load_5min',
  'system/load_1min',
  'system/mem_free_bytes',
  'system/mem_total_bytes',
  'master/slave_registrations',
  'master/slave_removals',
  'master/slave_reregistrations',
  'master/slave_unreachable_scheduled',
  'master/slave_unreachable_canceled',
  'master/slave_unreachable_completed',
  'master/slaves_active',
  'master/slaves_connected',
  'master/slaves_disconnected',
  'master/slaves_inactive',
  'master/slaves_unreachable',
  'master/frameworks_active',
  'master/frameworks_connected',
  'master/frameworks_disconnected',
  'master/frameworks_inactive',
  'master/outstanding_offers',
  'master/tasks_error',
  'master/tasks_failed',
  'master/tasks_finished',
  'master/tasks_killed',
  'master/tasks_killing',
  'master/tasks_lost',
  'master/tasks_running',
  'master/tasks_staging',
  'master/tasks_starting',
  'master/tasks_unreachable',
  'master/operations/total',
  'master/invalid_executor_to_framework_messages',
  'master/invalid_framework_to_executor_messages',
  'master/invalid_operation_status_update_acknowledgements',
  'master/invalid_status_update_acknowledgements',
  'master/invalid_status_updates',
  'master/dropped_messages',
  'master/messages_decline_offers',
  'master/messages_executor_to_framework',
  'master/messages_exited_executor',
  'master/messages_framework_to_executor',
  'master/messages_kill_task',
  'master/messages_launch_tasks',
  'master/messages_operation_status_update_acknowledgement',
  'master/messages_reconcile_operations',
  'master/messages_reconcile_tasks',
  'master/messages_register_framework',
  'master/messages_register_slave',
  'master/messages_reregister_framework',
  'master/messages_reregister_slave',
  'master/messages_resource_request',
  'master/messages_revive_offers',
  'master/messages_status_update',
  'master/messages_status_update_acknowledgement',
  'master/messages_unregister_framework',
  'master/messages_unregister_slave',
  'master/recovery_slave_removals',
  'master/slave_removals/reason_registered',
  'master/slave_removals/reason_unhealthy',
  'master/slave_removals/reason_unregistered',
  'master/valid_framework_to_executor_messages',
  'master/valid_operation_status_update_acknowledgements',
  'master/valid_status_update_acknowledgements',
  'master/valid_status_updates',
  'master/task_lost/source_master/reason_invalid_offers',
  'master/task_lost/source_master/reason_slave_removed',
  'master/valid_executor_to_framework_messages',
  'master/event_queue_dispatches',
  'master/event_queue_http_requests',
  'master/event_queue_messages',
  'master/operator_event_stream_subscribers',
  'allocator/mesos/allocation_run_ms',
  'allocator/mesos/allocation_run_ms/count',
  'allocator/mesos/allocation_run_ms/max',
  'allocator/mesos/allocation_run_ms/min',
  'allocator/mesos/allocation_run_ms/p50',
  'allocator/mesos/allocation_run_ms/p90',
  'allocator/mesos/allocation_run_ms/p95',
  'allocator/mesos/allocation_run_ms/p99',
  'allocator/mesos/allocation_run_ms/p999',
  'allocator/mesos/allocation_run_ms/p9999',
  'allocator/mesos/allocation_runs',
  'allocator/mesos/allocation_run_latency_ms',
  'allocator/mesos/allocation_run_latency_ms/count',
  'allocator/mesos/allocation_run_latency_ms/max',
  'allocator/mesos/allocation_run_latency_ms/min',
  'allocator/mesos/allocation_run_latency_ms/p50',
  'allocator/mesos/allocation_run_latency_ms/p90',
  'allocator/mesos/allocation_run_latency_ms/p95',
  'allocator/mesos/allocation_run_latency_ms/p99',
  'allocator/mesos/allocation_run_latency_ms/p999',
  'allocator/mesos/allocation_run_latency_ms/p9999',
  'allocator/mesos/event_queue_dispatches',
  'allocator/mesos/resources/cpus/offered_or_allocated',
  'allocator/mesos/resources/cpus/total',
  'allocator/mesos/resources/disk/offered_or_allocated',
  'allocator/mesos/resources/disk/total',
  'allocator/mesos/resources/mem/offered_or_allocated',
  'allocator/mesos/resources/mem/total',
];

/** Those that mean nothing here, and why. */
const MEANINGLESS: Readonly<Record<string, readonly string[]>> = {
  'there is no replicated log': ['registrar/log/recovered', 'registrar/log/ensemble_size'],
  'frameworks and agents are authenticated by HTTP alone': ['master/messages_authenticate'],
  'only the driver of old schedulers sends it': ['master/messages_deactivate_framework'],
  'agents say it in other messages': ['master/messages_update_slave'],
};

/** Those that would mean something and are not measured yet. */
const NOT_YET = [
  ...['calls', 'calls/CALL', 'events', 'events/EVENT', 'operations', 'operations/OPERATION'].map(
    (name) => `master/frameworks/NAME/ID/${name}`,
  ),
  ...['subscribed', 'tasks/active/STATE', 'tasks/terminal/STATE', 'roles/ROLE/suppressed'].map(
    (name) => `master/frameworks/NAME/ID/${name}`,
  ),
  ...['sent', 'accepted', 'declined', 'rescinded'].map(
    (name) => `master/frameworks/NAME/ID/offers/${name}`,
  ),
  ...['total', 'STATE', 'OPERATION/total', 'OPERATION/STATE'].map(
    (name) => `master/operations/${name}`,
  ),
  'master/task_lost/source_slave/reason_executor_terminated',
  'registrar/state_fetch_ms',
  ...['', '/max', '/min', '/p50', '/p90', '/p95', '/p99', '/p999', '/p9999'].map(
    (part) => `registrar/state_store_ms${part}`,
  ),
];

describe('Metrics under the names of Mesos', () => {
  let names: ReadonlySet<string>;

  before(async () => {
    const cluster = await new ServedCluster().start();
    await cluster.subscribe();
    names = new Set(Object.keys(await cluster.json('/metrics/snapshot')));
    await cluster.stop();
  });

  it('are there when they mean something', () => {
    expect(SERVED.filter((name) => !names.has(name))).to.deep.equal([]);
  });

  it('are left out, not served as zeros, when they mean nothing or are not measured', () => {
    const absent = [...Object.values(MEANINGLESS).flat(), ...NOT_YET];
    expect(
      absent.filter((name) => names.has(name) && name !== 'master/operations/total'),
    ).to.deep.equal([]);
  });
});
