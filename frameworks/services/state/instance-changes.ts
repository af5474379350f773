/** What an update makes of what is remembered of an instance, and what others are told of it. Pure. */
import { type PlacedTask, type TaskUpdate, isEnded } from '../../../sdk/index.js';
import type { App } from '../apps/app.js';
import { instanceData } from '../decide/instances.js';
import type { EventLog } from './events.js';
import { type InstanceRecord, type TaskFailure, timestamp } from './model.js';

/** Characters of a failure's message that are kept. */
export const MAX_KEPT_MESSAGE = 4_000;

/** The record after an update; undefined: there is nothing to remember yet. */
export function instanceAfter(
  before: InstanceRecord | undefined,
  { task, status }: TaskUpdate,
  nowMs: number,
): InstanceRecord | undefined {
  const data = instanceData(task);
  if (data === undefined || (before === undefined && task.state !== 'RUNNING')) return before;
  const base: InstanceRecord = before ?? {
    app: data.app,
    startedAt: nowMs,
    failures: 0,
    addresses: [],
  };
  const addresses = addressesOf(status);
  const known = { ...base, addresses: addresses.length > 0 ? addresses : base.addresses };
  if (!data.checked) {
    return task.state === 'RUNNING'
      ? { ...known, healthySince: known.healthySince ?? nowMs }
      : known;
  }
  // Only a status that speaks of health says something about it.
  if (status.healthy === undefined) return known;
  if (status.healthy) {
    return {
      ...known,
      healthySince: known.healthySince ?? nowMs,
      firstSuccess: known.firstSuccess ?? nowMs,
      lastSuccess: nowMs,
      failures: 0,
    };
  }
  return {
    ...known,
    healthySince: undefined,
    lastFailure: nowMs,
    lastFailureCause: messageOf(status.message ?? 'the health check failed'),
    failures: known.failures + 1,
  };
}

/** What is kept of a message: it may be of any length. */
function messageOf(text: string): string {
  return text.slice(0, MAX_KEPT_MESSAGE);
}

function addressesOf(status: TaskUpdate['status']): InstanceRecord['addresses'] {
  const networks = status.container_status?.network_infos ?? [];
  return networks.flatMap(({ ip_addresses: addresses = [] }) =>
    addresses.flatMap(({ ip_address: ipAddress, protocol }) =>
      ipAddress === undefined ? [] : [{ ipAddress, protocol: protocol ?? 'IPv4' }],
    ),
  );
}

/** What is shown as the last failure of an app; undefined: the end was none. */
export function failureOf({ task, status }: TaskUpdate, nowMs: number): TaskFailure | undefined {
  if (task.killedAt !== undefined || task.state === 'FINISHED') return undefined;
  const data = instanceData(task);
  return {
    appId: data?.app ?? '',
    host: task.hostname,
    message: messageOf(status.message ?? ''),
    state: status.state,
    taskId: task.id,
    timestamp: timestamp(nowMs),
    version: data?.version ?? '',
    slaveId: task.agentId === '' ? null : task.agentId,
  };
}

/** Marathon's word for a state of an instance. */
function conditionOf({ task }: TaskUpdate): string {
  const { state } = task;
  if (state === 'GONE_BY_OPERATOR') return 'Gone';
  return state.charAt(0) + state.slice(1).toLowerCase();
}

/** Events about an update. */
export function instanceEvents(
  log: EventLog,
  update: TaskUpdate,
  more: {
    readonly before: InstanceRecord | undefined;
    readonly after: InstanceRecord | undefined;
    readonly nowMs: number;
  },
): void {
  const { task, status, previous, state } = update;
  const data = instanceData(task);
  if (data === undefined) return;
  const { before, after, nowMs } = more;
  const about = { appId: data.app, host: task.hostname, version: data.version };
  log.add('status_update_event', nowMs, {
    slaveId: task.agentId,
    taskId: task.id,
    taskStatus: status.state,
    message: status.message ?? '',
    ...about,
    ipAddresses: after?.addresses ?? [],
    ports: task.ports,
  });
  if (state !== previous) {
    log.add('instance_changed_event', nowMs, {
      instanceId: task.id,
      condition: conditionOf(update),
      runSpecId: data.app,
      agentId: task.agentId,
      host: task.hostname,
      runSpecVersion: data.version,
    });
  }
  if (!data.checked) return;
  const wasAlive = before?.healthySince !== undefined;
  const isAlive = after?.healthySince !== undefined && !isEnded(state);
  if (status.healthy === false && !isEnded(state)) {
    log.add('failed_health_check_event', nowMs, { ...about, taskId: task.id, instanceId: task.id });
  }
  if (status.healthy === false && isEnded(state)) {
    const reason = status.message ?? 'the health check failed';
    log.add('unhealthy_instance_kill_event', nowMs, {
      ...about,
      taskId: task.id,
      instanceId: task.id,
      slaveId: task.agentId,
      reason,
    });
  }
  if (wasAlive === isAlive) return;
  log.add('health_status_changed_event', nowMs, {
    ...about,
    taskId: task.id,
    instanceId: task.id,
    alive: isAlive,
  });
}

/** Events about instances that are about to be launched. */
export function launchEvents(
  log: EventLog,
  app: App,
  placed: readonly PlacedTask[],
  nowMs: number,
): void {
  for (const { id, view } of placed) {
    log.add('instance_changed_event', nowMs, {
      instanceId: id,
      condition: 'Provisioned',
      runSpecId: app.id,
      agentId: view.agentId,
      host: view.hostname,
      runSpecVersion: app.version,
    });
  }
}
