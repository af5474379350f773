/**
 * Gives the persistent volumes of a task to the executor that it is for, which runs already: the task
 * is delivered only when they are in the executor's sandbox. A task whose volumes cannot be had fails,
 * with its group.
 */
import { errorMessage } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { TaskContext } from './task-context.js';
import type { AgentExecutor, AgentTask } from './state.js';
import { userOf } from './user.js';

export class ExecutorVolumes {
  readonly #context: TaskContext;
  readonly #onLinked: (executor: AgentExecutor) => void;
  readonly #asked = new WeakSet<AgentTask>();
  readonly #linked = new WeakSet<AgentTask>();

  /** `onLinked` is told whenever a task has become ready. */
  constructor(context: TaskContext, onLinked: (executor: AgentExecutor) => void) {
    this.#context = context;
    this.#onLinked = onLinked;
  }

  /** Whether a task of a subscribed executor has its volumes; if not, they are on their way then. */
  isReady(task: AgentTask): boolean {
    const resources = task.task.resources ?? [];
    if (!resources.some(({ disk }) => disk?.persistence !== undefined)) return true;
    if (this.#linked.has(task)) return true;
    if (!this.#asked.has(task)) {
      this.#asked.add(task);
      void this.#link(task, Resources.fromWire(resources));
    }
    return false;
  }

  async #link(task: AgentTask, resources: Resources): Promise<void> {
    const { checkpointed, config, timers, volumes } = this.#context;
    const { executor } = task;
    const wanted = checkpointed.mountsOf(resources);
    let problem = await checkpointed.whenReady(wanted);
    if (timers.isDisposed) return;
    try {
      const user = userOf(executor.framework, executor.info.command ?? {}, config.switchUser);
      const target = { sandbox: executor.directory, user, volumes: wanted };
      if (problem === undefined) await volumes.link(target);
    } catch (error) {
      problem = errorMessage(error);
    }
    if (timers.isDisposed) return;
    if (problem !== undefined) {
      this.#fail(task, problem);
      return;
    }
    this.#linked.add(task);
    this.#onLinked(executor);
  }

  #fail(task: AgentTask, problem: string): void {
    const { checkpoint, reports } = this.#context;
    const batch = checkpoint.batch();
    const group = task.group.flatMap((taskId) => task.executor.queued.get(taskId) ?? []);
    for (const each of new Set([task, ...group])) {
      reports.change(batch, each, {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_CONTAINER_UPDATE_FAILED',
        message: `Failed to give the executor its volumes: ${problem}`,
      });
    }
    batch.commit();
  }
}
