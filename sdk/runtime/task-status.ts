/** What an update makes of the record of a task, and whether it says anything new. */
import type { TaskStatus } from '../../core/api/index.js';
import { type TaskRecord, type TaskStateName, isEnded, stateName } from '../decisions/index.js';
import type { StoredTask, TaskLedger } from './task-ledger.js';

/** Name of tasks that the master knows and the framework does not; their ids tell them apart. */
export const UNKNOWN_TASK_NAME = '(unknown)';

/**
 * `repeated`: this very update was dealt with. `no-news`: it says what is known, or comes too late.
 * `outdated`: the task was further already. `ignored`: it is about a task that nobody knows and that has ended.
 * Only `news` reaches handlers.
 */
export type UpdateVerdict = 'news' | 'repeated' | 'no-news' | 'outdated' | 'ignored';

/** How far a task has come. */
const STAGES: ReadonlyMap<TaskStateName, number> = new Map([
  ['STAGING', 1],
  ['STARTING', 2],
  ['RUNNING', 3],
  ['KILLING', 4],
]);

/**
 * Whether an agent tells of a stage that the task has passed: after a subscription the master says what it
 * knows, and what was on its way at that time comes afterwards.
 */
function isPassed(state: TaskStateName, known: TaskStateName): boolean {
  const [stage, reached] = [STAGES.get(state), STAGES.get(known)];
  return stage !== undefined && reached !== undefined && stage < reached;
}

export function judgeUpdate(ledger: TaskLedger, status: TaskStatus): UpdateVerdict {
  const task = ledger.stored(status.task_id.value);
  const { uuid } = status;
  const state = stateName(status.state);
  if (task === undefined) return uuid === undefined && isSettled(status) ? 'ignored' : 'news';
  if (uuid !== undefined && uuid === task.updateUuid) return 'repeated';
  if (ledger.isFinal(task.id)) return 'no-news';
  // What the master answers has no uuid, and is the truth.
  if (uuid !== undefined && isPassed(state, task.state)) return 'outdated';
  if (uuid !== undefined || state !== task.state) return 'news';
  return status.healthy !== undefined && status.healthy !== task.healthy ? 'news' : 'no-news';
}

/** Nobody can do anything about such a task. */
function isSettled(status: TaskStatus): boolean {
  const state = stateName(status.state);
  return isEnded(state) || state === 'UNKNOWN';
}

/** The record of a task after an update; a task without a record gets one. */
export function updatedTask(
  before: StoredTask | undefined,
  status: TaskStatus,
  nowMs: number,
): StoredTask {
  const { container_status: container, executor_id: executorId } = status;
  const base: StoredTask = before ?? unknownTask(status, nowMs);
  // Written out: records that are spread and added to have each a shape of their own, which is slow to read.
  return {
    id: base.id,
    name: base.name,
    ...(base.key === undefined ? undefined : { key: base.key }),
    role: base.role,
    agentId: base.agentId,
    hostname: base.hostname,
    ...(base.agentUrl === undefined ? undefined : { agentUrl: base.agentUrl }),
    attributes: base.attributes,
    cpus: base.cpus,
    memMiB: base.memMiB,
    ports: base.ports,
    state: stateName(status.state),
    reason: status.reason,
    message: status.message,
    healthy: status.healthy ?? base.healthy,
    executorId: executorId?.value ?? base.executorId,
    containerId: container?.container_id?.value ?? base.containerId,
    launchedAt: base.launchedAt,
    updatedAt: nowMs,
    ...(base.killedAt === undefined ? undefined : { killedAt: base.killedAt }),
    ...(base.killGraceMs === undefined ? undefined : { killGraceMs: base.killGraceMs }),
    ...(base.updateUuid === undefined ? undefined : { updateUuid: base.updateUuid }),
    ...(base.data === undefined ? undefined : { data: base.data }),
  };
}

function unknownTask(status: TaskStatus, nowMs: number): TaskRecord {
  return {
    id: status.task_id.value,
    name: UNKNOWN_TASK_NAME,
    role: '',
    agentId: status.agent_id?.value ?? '',
    hostname: '',
    attributes: {},
    cpus: 0,
    memMiB: 0,
    ports: [],
    state: 'LAUNCHING',
    launchedAt: nowMs,
    updatedAt: nowMs,
  };
}
