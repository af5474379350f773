/** The tasks of an executor that have not ended, and what is told of one. */
import {
  type TaskInfo,
  type TaskState,
  type TaskStatus,
  durationInfoMs,
  makeTaskStatus,
} from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import type { CoreReport } from './effects.js';

/** Characters of the message of an update. */
export const MAX_UPDATE_MESSAGE_CHARS = 4_096;

export interface CoreTask {
  readonly id: string;
  readonly info: TaskInfo;
  /** Tasks of one group share it. */
  readonly group: object | undefined;
  /** What was told last. */
  state: TaskState;
  /** When the grace period of its kill ends, in elapsed milliseconds; undefined: it is not killed. */
  killDueMs: number | undefined;
}

export class CoreTasks {
  readonly #tasks = new Map<string, CoreTask>();

  get size(): number {
    return this.#tasks.size;
  }

  get ids(): readonly string[] {
    return [...this.#tasks.keys()];
  }

  get all(): readonly CoreTask[] {
    return [...this.#tasks.values()];
  }

  get(taskId: string): CoreTask | undefined {
    return this.#tasks.get(taskId);
  }

  /** Takes tasks in; those that are there already are left out. Returns the new ones. */
  add(infos: readonly TaskInfo[], isGroup: boolean): readonly CoreTask[] {
    const group = isGroup ? {} : undefined;
    const added: CoreTask[] = [];
    for (const info of infos) {
      const id = info.task_id.value;
      if (this.#tasks.has(id)) continue;
      const task: CoreTask = { id, info, group, state: 'TASK_STAGING', killDueMs: undefined };
      this.#tasks.set(id, task);
      added.push(task);
    }
    return added;
  }

  /** It has ended. */
  delete(task: CoreTask): void {
    this.#tasks.delete(task.id);
  }

  /** A task and those that share a group with it. */
  groupOf(task: CoreTask): readonly CoreTask[] {
    if (task.group === undefined) return [task];
    return this.all.filter(({ group }) => group === task.group);
  }
}

/** Milliseconds that a killed task has: of the kill, else of the task, else as given. */
export function killGraceMs(
  { info }: CoreTask,
  ofCallMs: number | undefined,
  otherwiseMs: number,
): number {
  const period = info.kill_policy?.grace_period;
  const ownMs = period === undefined ? otherwiseMs : durationInfoMs(period);
  return Math.max(0, ofCallMs ?? ownMs);
}

/** An update as it goes over the wire. */
export function statusOf(options: {
  readonly taskId: string;
  readonly executorId: string;
  readonly state: TaskState;
  readonly details: Omit<CoreReport, 'state'>;
  readonly uuid: string;
  readonly timeMs: number;
}): TaskStatus & { readonly uuid: string } {
  const { details, uuid, ...rest } = options;
  const { message, data, healthy, labels } = details;
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => ({ key, value }));
  return {
    ...makeTaskStatus({
      ...rest,
      source: 'SOURCE_EXECUTOR',
      message: message?.slice(0, MAX_UPDATE_MESSAGE_CHARS),
      uuid,
      healthy,
    }),
    uuid,
    ...(data !== undefined && { data }),
    ...(pairs.length > 0 && { labels: { labels: pairs } }),
  };
}

export function invalidReport(taskId: string, why: string): PlateauError {
  return new PlateauError('INVALID_DECISION', `The task ${taskId} cannot be updated: ${why}.`, {
    context: { taskId },
  });
}
