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
  'master/task_lost/source_slave/reason_executor_terminated',
  'master/valid_executor_to_framework_messages',
  'master/event_queue_dispatches',
  'master/event_queue_http_requests',
  'master/event_queue_messages',
  'master/operator_event_stream_subscribers',
  'registrar/queued_operations',
  'registrar/state_fetch_ms',
  'registrar/state_store_ms',
  ...['count', 'max', 'min', 'p50', 'p90', 'p95', 'p99', 'p999', 'p9999'].map(
    (part) => `registrar/state_store_ms/${part}`,
  ),
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

/** What the names of the figures of the subscribed framework are made of. */
const CALLS = `accept accept_inverse_offers acknowledge acknowledge_operation_status decline
  decline_inverse_offers kill message reconcile reconcile_operations request revive shutdown subscribe
  suppress teardown update_framework`.split(/\s+/);
const EVENTS = `error failure heartbeat inverse_offers message offers rescind rescind_inverse_offer
  subscribed update update_operation_status`.split(/\s+/);
const OPERATIONS = `create create_disk destroy destroy_disk grow_volume launch launch_group reserve
  shrink_volume unreserve`.split(/\s+/);
const ACTIVE = ['killing', 'running', 'staging', 'starting', 'unknown', 'unreachable'];
const TERMINAL = `dropped error failed finished gone gone_by_operator killed lost`.split(/\s+/);
const OPERATION_STATES = `dropped error failed finished gone_by_operator pending recovering
  unreachable`.split(/\s+/);

const OF_FRAMEWORK = [
  'calls',
  ...CALLS.map((name) => `calls/${name}`),
  'events',
  ...EVENTS.map((name) => `events/${name}`),
  'operations',
  ...OPERATIONS.map((name) => `operations/${name}`),
  ...['sent', 'accepted', 'declined', 'rescinded'].map((name) => `offers/${name}`),
  ...ACTIVE.map((name) => `tasks/active/task_${name}`),
  ...TERMINAL.map((name) => `tasks/terminal/task_${name}`),
  'subscribed',
  'roles/r/suppressed',
];

const OF_OPERATIONS = [
  'total',
  ...OPERATION_STATES,
  ...OPERATIONS.filter((name) => !name.startsWith('launch')).flatMap((name) =>
    ['total', ...OPERATION_STATES].map((state) => `${name}/${state}`),
  ),
].map((name) => `master/operations/${name}`);

describe('Metrics under the names of Mesos', () => {
  let names: ReadonlySet<string>;
  let prefix = '';

  before(async () => {
    const cluster = await new ServedCluster().start();
    await cluster.subscribe('größer');
    names = new Set(Object.keys(await cluster.json('/metrics/snapshot')));
    prefix = `master/frameworks/gr%C3%B6%C3%9Fer/${cluster.frameworkId}/`;
    await cluster.stop();
  });

  it('are there when they mean something', () => {
    const all = [...SERVED, ...OF_OPERATIONS, ...OF_FRAMEWORK.map((name) => prefix + name)];
    expect(all.filter((name) => !names.has(name))).to.deep.equal([]);
  });

  it('are no others for frameworks and operations', () => {
    const known = new Set([...OF_OPERATIONS, ...OF_FRAMEWORK.map((name) => prefix + name)]);
    const own = [...names].filter((name) => /^master\/(?:frameworks|operations)\//.test(name));
    expect(own.filter((name) => !known.has(name))).to.deep.equal([]);
  });

  it('are left out, not served as zeros, when they mean nothing', () => {
    const absent = Object.values(MEANINGLESS).flat();
    expect(absent.filter((name) => names.has(name))).to.deep.equal([]);
  });
});
