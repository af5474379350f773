/** What each event of the master means for the ledger and for handlers. */
import {
  type InverseOffer,
  type OperationStatus,
  type SchedulerCall,
  type SchedulerEventFailure,
  type SchedulerEventMessage,
  type TaskStatus,
  durationInfoMs,
  timeInfoMs,
} from '../../core/api/index.js';
import { type TaskRecord, isEnded, isLost } from '../decisions/index.js';
import type {
  HandlerDefinition,
  HandlerEvents,
  HandlerKind,
  InverseOfferView,
  Rescinded,
  StatusFilter,
  TaskUpdate,
} from '../framework/index.js';
import { say } from './core-context.js';
import type { CoreParts } from './core-parts.js';
import type { Callee } from './effects.js';
import { judgeUpdate, updatedTask } from './task-status.js';
import type { Turn } from './turns.js';

/** A call of each handler of a kind with an event. */
export function calleesOf<Kind extends keyof HandlerEvents>(
  parts: CoreParts,
  kind: Kind,
  event: HandlerEvents[Kind],
): readonly Callee[] {
  return parts.handlers(kind).map((handler) => ({ handler, event }));
}

/** A turn in which nothing is noted and the handlers of a kind are called. */
export function plainTurn<Kind extends keyof HandlerEvents>(
  parts: CoreParts,
  kind: Kind,
  event: HandlerEvents[Kind],
): Turn | undefined {
  if (parts.handlers(kind).length === 0) return undefined;
  return { label: kind, begin: () => calleesOf(parts, kind, event) };
}

/** A turn for one handler without an event: `start`, `every`. */
export function handlerTurn(handler: HandlerDefinition): Turn {
  return { label: handler.method, begin: () => [{ handler, event: undefined }] };
}

/**
 * UPDATE: the record changes, the handlers are told, and when all of that is durable the update is
 * acknowledged. A repetition is acknowledged again and nothing else.
 * @param onChange called when the task has another state.
 */
export function statusTurn(parts: CoreParts, status: TaskStatus, onChange: () => void): Turn {
  const { ledger, context, kills, reconciliation } = parts;
  const { counters } = context;
  const taskId = status.task_id.value;
  return {
    label: 'status',
    begin() {
      counters.count('updates');
      reconciliation.answered(taskId);
      if (status.state === 'TASK_RUNNING') kills.stillThere(taskId);
      const verdict = judgeUpdate(ledger, status);
      if (verdict === 'repeated') counters.count('updates_repeated');
      else if (verdict === 'outdated') counters.count('updates_outdated');
      else if (verdict !== 'news') counters.count('updates_without_news');
      // Should the task have gone back for once, the master knows.
      if (verdict === 'outdated') reconciliation.ask([taskId]);
      if (verdict !== 'news') return [];
      return applyUpdate(parts, status, onChange);
    },
    end(draft) {
      const { uuid, agent_id } = status;
      const task = ledger.stored(taskId);
      if (uuid !== undefined && task !== undefined && task.updateUuid !== uuid) {
        ledger.put({ ...task, updateUuid: uuid });
      }
      forgetOldest(parts);
      if (uuid === undefined || agent_id === undefined) return;
      counters.count('acknowledgements');
      const acknowledge = { agent_id, task_id: status.task_id, uuid };
      draft.calls.push({ message: { type: 'ACKNOWLEDGE', acknowledge } });
    },
  };
}

function applyUpdate(
  parts: CoreParts,
  status: TaskStatus,
  onChange: () => void,
): readonly Callee[] {
  const { ledger, context, kills, unsent } = parts;
  const before = ledger.stored(status.task_id.value);
  if (before === undefined) {
    context.counters.count('updates_of_unknown_tasks');
    say(context, 'warn', 'an update is about a task that is not in the state of the framework', {
      taskId: status.task_id.value,
      state: status.state,
    });
  }
  const after = updatedTask(before, status, context.world.clock.now());
  ledger.put(after);
  unsent.delete(after.id);
  if (isEnded(after.state)) kills.ended(after.id);
  if (after.state !== before?.state) onChange();
  const update: TaskUpdate = {
    task: after,
    state: after.state,
    previous: before?.state ?? 'LAUNCHING',
    status,
  };
  context.emit({ kind: 'publish-update', update });
  return statusCallees(parts, update);
}

function statusCallees(parts: CoreParts, update: TaskUpdate): readonly Callee[] {
  const kinds: readonly HandlerKind[] = isLost(update.state) ? ['status', 'lost'] : ['status'];
  return kinds
    .flatMap((kind) => parts.handlers(kind))
    .filter(({ filter }) => isWanted(filter, update))
    .map((handler) => ({ handler, event: update }));
}

function isWanted(filter: StatusFilter | undefined, { state, task }: TaskUpdate): boolean {
  if (filter?.states !== undefined && !filter.states.includes(state)) return false;
  if (filter?.task === undefined) return true;
  // `search` does not depend on where an earlier one ended, as `test` does.
  return typeof filter.task === 'string'
    ? filter.task === task.name
    : task.name.search(filter.task) >= 0;
}

function forgetOldest({ ledger, context }: CoreParts): void {
  const { forgotten, keyed } = ledger.forgetOldest();
  if (forgotten === 0) return;
  context.counters.count('tasks_forgotten', forgotten);
  for (const { id, name, key } of keyed) {
    say(context, 'error', 'forgot an ended task with a key: its work may be done again', {
      taskId: id,
      name,
      key,
      remedy: 'return forget(task) for work whose end has been dealt with',
    });
  }
}

/** UPDATE_OPERATION_STATUS: told to handlers, then acknowledged. A repetition is acknowledged again and nothing else. */
export function operationTurn(parts: CoreParts, status: OperationStatus): Turn {
  return {
    label: 'operation',
    begin: () => {
      const { counters } = parts.context;
      counters.count('operation_updates');
      const verdict = parts.operations.note(status);
      if (verdict !== 'news') {
        counters.count(`operation_updates_${verdict === 'repeated' ? 'repeated' : 'without_news'}`);
        return [];
      }
      return calleesOf(parts, 'operation', {
        operationId: status.operation_id?.value,
        state: status.state,
        message: status.message,
        status,
      });
    },
    end(draft) {
      const message = acknowledgeOperation(status);
      if (message === undefined) return;
      parts.context.counters.count('acknowledgements');
      draft.calls.push({ message });
    },
  };
}

function acknowledgeOperation(status: OperationStatus): SchedulerCall | undefined {
  const { uuid, agent_id, operation_id, resource_provider_id } = status;
  if (uuid === undefined || operation_id === undefined) return undefined;
  return {
    type: 'ACKNOWLEDGE_OPERATION_STATUS',
    acknowledge_operation_status: {
      ...(agent_id !== undefined && { agent_id }),
      ...(resource_provider_id !== undefined && { resource_provider_id }),
      operation_id,
      uuid: uuid.value,
    },
  };
}

export function inverseOfferTurn(parts: CoreParts, inverse: InverseOffer): Turn | undefined {
  if (parts.handlers('inverse-offer').length === 0) return undefined;
  return {
    label: 'inverse-offer',
    begin: () => calleesOf(parts, 'inverse-offer', inverseView(parts, inverse)),
  };
}

function inverseView(parts: CoreParts, inverse: InverseOffer): InverseOfferView {
  const { start, duration } = inverse.unavailability;
  const agentId = inverse.agent_id?.value;
  return {
    id: inverse.id,
    inverse,
    agentId,
    from: timeInfoMs(start),
    durationMs: duration === undefined ? undefined : durationInfoMs(duration),
    tasks: tasksOn(parts, agentId),
  };
}

export function failureTurn(parts: CoreParts, failure: SchedulerEventFailure): Turn | undefined {
  if (parts.handlers('failure').length === 0) return undefined;
  const agentId = failure.agent_id?.value;
  const executorId = failure.executor_id?.value;
  const { status } = failure;
  return {
    label: 'failure',
    begin() {
      const tasks = tasksOn(parts, agentId).filter(
        (task) => executorId === undefined || (task.executorId ?? task.id) === executorId,
      );
      return calleesOf(parts, 'failure', { agentId, executorId, status, tasks });
    },
  };
}

function tasksOn({ ledger }: CoreParts, agentId: string | undefined): readonly TaskRecord[] {
  return ledger.live().filter((task) => task.agentId === agentId);
}

export function messageTurn(parts: CoreParts, message: SchedulerEventMessage): Turn | undefined {
  const { agent_id, executor_id, data } = message;
  return plainTurn(parts, 'message', {
    agentId: agent_id.value,
    executorId: executor_id.value,
    data: new Uint8Array(Buffer.from(data, 'base64')),
  });
}

export function rescindTurn(parts: CoreParts, rescinded: Rescinded): Turn | undefined {
  return plainTurn(parts, 'rescind', rescinded);
}
