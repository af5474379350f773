/**
 * What an executor does, decided without network, time or handlers: inputs in, effects out. It owns the life of
 * each task, the updates that wait, and the end of the process. Invariants: a task has one final state and
 * nothing is told after it; every task that was launched is told of; after `exit` nothing happens.
 */
import {
  type ExecutorCall,
  type ExecutorEvent,
  type TaskInfo,
  type TaskState,
  durationInfoMs,
  hasCapability,
  isTerminalState,
} from '../../core/api/index.js';
import type { World } from '../../core/base/index.js';
import { Connection } from './connection.js';
import { type CoreTask, CoreTasks, invalidReport, killGraceMs, statusOf } from './core-tasks.js';
import type { ExecutorDefinition } from './definition.js';
import type { CoreReport, ExecutorEffect, ExecutorInput, Outcome } from './effects.js';
import type { ExecutorSettings } from './environment.js';
import { UpdateQueue } from './update-queue.js';

/** Updates of one task that may wait for the agent. */
export const MAX_WAITING_UPDATES_PER_TASK = 1_000;
/** Milliseconds after which an update that was not acknowledged is sent again. */
export const RESEND_AFTER_MS = 5_000;
/** Longest wait for the last acknowledgements before the process ends, in milliseconds. */
export const LAST_UPDATES_MS = 1_000;

/** The part of the shutdown grace that handlers get; the rest is for the updates that follow. */
const HANDLERS_SHARE = 0.8;

/** How the executor ends. */
interface Closing {
  readonly reason: string;
  /** What is said of tasks that end now. */
  readonly state: 'TASK_KILLED' | 'TASK_FAILED';
  readonly graceMs: number;
  readonly code: number;
}

export interface ExecutorCoreOptions {
  readonly settings: ExecutorSettings;
  readonly definition: Pick<
    ExecutorDefinition,
    'killGraceMs' | 'onStuck' | 'exitWhenIdleMs' | 'handlers'
  >;
  readonly world: Pick<World, 'clock' | 'ids' | 'random'>;
}

export class ExecutorCore {
  readonly #options: ExecutorCoreOptions;
  readonly #connection: Connection;
  readonly #updates = new UpdateQueue();
  readonly #tasks = new CoreTasks();
  #effects: ExecutorEffect[] = [];
  #canTellKilling = false;
  #hadTasks = false;
  #isIdle = false;
  #isResending = false;
  /** No agent will ever take what still waits. */
  #isForsaken = false;
  #closing: Closing | undefined;
  #isShutdownHandled = false;
  #isLeaving = false;
  #hasExited = false;

  constructor(options: ExecutorCoreOptions) {
    this.#options = options;
    this.#connection = new Connection(options.settings, options.world.random);
  }

  get isConnected(): boolean {
    return this.#connection.isSubscribed;
  }

  /** Ids of the tasks that have not ended. */
  get liveTasks(): readonly string[] {
    return this.#tasks.ids;
  }

  /** To be called once, at first. */
  start(): readonly ExecutorEffect[] {
    this.#setTimer('give-up', this.#connection.patienceMs);
    this.#open();
    return this.#take();
  }

  step(input: ExecutorInput): readonly ExecutorEffect[] {
    if (this.#hasExited) return [];
    this.#perform(input);
    return this.#finish();
  }

  /**
   * What a handler tells of tasks. `uuids` are those of the updates: each is settled once.
   * @throws PlateauError `INVALID_DECISION`; nothing has changed then.
   */
  report(
    taskIds: readonly string[],
    report: CoreReport,
  ): { readonly effects: readonly ExecutorEffect[]; readonly uuids: readonly string[] } {
    const tasks = taskIds.map((taskId) => this.#reportable(taskId));
    if (this.#hasExited) return { effects: [], uuids: [] };
    const uuids = tasks.map((task) => this.#report(task, report));
    this.#endGroups(tasks);
    return { effects: this.#finish(), uuids };
  }

  #perform(input: ExecutorInput): void {
    if (input.kind === 'event') this.#hear(input.event);
    else if (input.kind === 'timer') this.#timer(input.name);
    else if (input.kind === 'done') this.#done(input.taskIds, input.outcome);
    else if (input.kind === 'disconnected') this.#disconnected(input.reason, input.isFinal);
    else if (input.kind === 'update-refused') this.#refused(input.uuid, input.reason);
    else if (input.kind === 'shutdown-handled') this.#isShutdownHandled = true;
    else if (input.kind === 'crashed') this.#close(crash(input.message));
    else if (input.kind === 'stop') this.#close(this.#orderly(input.reason));
    // `update-lost`: the timer for resending is armed already, and a new subscription tells all.
  }

  /** What follows from any change. */
  #finish(): readonly ExecutorEffect[] {
    this.#sendDue();
    this.#lookForIdleness();
    this.#lookForEnd();
    return this.#take();
  }

  #hear(event: ExecutorEvent): void {
    const { launch, launch_group, kill, acknowledged, message, subscribed } = event;
    if (subscribed !== undefined) this.#subscribed(subscribed);
    if (launch !== undefined) this.#launch([launch.task], false);
    if (launch_group !== undefined) this.#launch(launch_group.task_group.tasks ?? [], true);
    if (kill !== undefined) {
      const period = kill.kill_policy?.grace_period;
      this.#kill(kill.task_id.value, period && durationInfoMs(period));
    }
    if (acknowledged !== undefined && this.#updates.acknowledge(acknowledged.uuid)) {
      this.#emit({ kind: 'settled', uuid: acknowledged.uuid });
    }
    if (message !== undefined) this.#emit({ kind: 'deliver', data: message.data });
    if (event.type === 'SHUTDOWN') this.#close(this.#orderly('the agent wants it to end'));
    if (event.type === 'ERROR') {
      const reason = `the agent says: ${event.error?.message ?? 'error'}`;
      this.#close({ ...this.#orderly(reason), code: 1 });
    }
  }

  #subscribed(subscribed: NonNullable<ExecutorEvent['subscribed']>): void {
    const first = this.#connection.isFirst;
    this.#connection.subscribed();
    this.#emit({ kind: 'cancel-timer', name: 'give-up' });
    const { executor_info: executor, framework_info: framework, agent_info: agent } = subscribed;
    this.#canTellKilling = hasCapability(framework, 'TASK_KILLING_STATE');
    this.#emit({ kind: 'connected', first, executor, framework, agent });
  }

  /** While it ends, too, an agent is looked for that takes the last updates. */
  #disconnected(reason: string, isFinal: boolean): void {
    const isNews = this.#connection.lost();
    this.#updates.forgetSent();
    const next = this.#connection.next(reason, isFinal);
    const retryForMs = next.kind === 'retry' ? this.#connection.patienceMs : undefined;
    if (isNews && this.#closing === undefined) {
      this.#emit({ kind: 'disconnected', reason, retryForMs });
    }
    if (next.kind === 'give-up') {
      this.#isForsaken = true;
      this.#close(this.#orderly(next.reason));
      return;
    }
    if (isNews && this.#closing === undefined) {
      this.#setTimer('give-up', this.#connection.patienceMs);
    }
    this.#setTimer('subscribe', next.waitMs);
  }

  #launch(infos: readonly TaskInfo[], isGroup: boolean): void {
    const tasks = this.#tasks.add(infos, isGroup);
    if (tasks.length < infos.length) this.#log('warn', 'a task was launched that runs already');
    if (tasks.length === 0) return;
    this.#hadTasks = true;
    for (const { info } of tasks) this.#updates.addTask(info);
    const { handlers } = this.#options.definition;
    const runsGroup = isGroup && handlers.has('launch-group');
    const handler = handlers.get(runsGroup ? 'launch-group' : 'launch');
    if (handler === undefined || this.#closing !== undefined) {
      const message =
        this.#closing === undefined
          ? `The executor has no ${isGroup ? '@OnLaunchGroup' : '@OnLaunch'} handler`
          : `The executor is about to end: ${this.#closing.reason}`;
      for (const task of tasks) this.#tell(task, 'TASK_FAILED', { message });
      return;
    }
    const state = handler.reportRunning ? 'TASK_RUNNING' : 'TASK_STARTING';
    for (const task of tasks) this.#tell(task, state, {});
    const launched = tasks.map(({ info }) => info);
    if (runsGroup) this.#emit({ kind: 'launch', tasks: launched, isGroup: true });
    else for (const info of launched) this.#emit({ kind: 'launch', tasks: [info], isGroup: false });
  }

  /** With its group. A further kill can only shorten the grace period. */
  #kill(taskId: string, ofCallMs: number | undefined): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) {
      this.#log('info', `a task was killed that does not run: ${taskId}`);
      return;
    }
    for (const one of this.#tasks.groupOf(task)) this.#killOne(one, ofCallMs);
  }

  #killOne(task: CoreTask, ofCallMs: number | undefined): void {
    const { world, definition } = this.#options;
    const { id: taskId } = task;
    const graceMs = killGraceMs(task, ofCallMs, definition.killGraceMs);
    const dueMs = world.clock.elapsed() + graceMs;
    const isFirst = task.killDueMs === undefined;
    if (task.killDueMs === undefined || dueMs < task.killDueMs) {
      task.killDueMs = dueMs;
      this.#setTimer(killTimer(taskId), graceMs);
    }
    if (!isFirst) return;
    if (this.#canTellKilling) this.#tell(task, 'TASK_KILLING', {});
    this.#emit({ kind: 'abort', taskIds: [taskId], reason: 'the task is killed' });
    this.#emit({ kind: 'kill', taskId, graceMs });
  }

  #done(taskIds: readonly string[], outcome: Outcome): void {
    const tasks = taskIds.flatMap((taskId) => this.#tasks.get(taskId) ?? []);
    for (const task of tasks) this.#endOf(task, outcome);
    this.#endGroups(tasks);
  }

  #endOf(task: CoreTask, outcome: Outcome): void {
    const closing = this.#closing;
    if (task.killDueMs !== undefined) {
      this.#tell(task, 'TASK_KILLED', { message: 'The task has ended after it was killed' });
    } else if (closing !== undefined) {
      this.#tell(task, closing.state, { message: `The executor ends: ${closing.reason}` });
    } else if (outcome.kind === 'returned') this.#tell(task, 'TASK_FINISHED', outcome.report);
    else this.#tell(task, 'TASK_FAILED', { message: outcome.message });
  }

  /** Those that share a group with one that did not end well are killed. */
  #endGroups(tasks: readonly CoreTask[]): void {
    for (const task of tasks) {
      if (!isTerminalState(task.state) || task.state === 'TASK_FINISHED') continue;
      const others = this.#tasks.groupOf(task).filter((other) => other !== task);
      for (const other of others) this.#killOne(other, undefined);
    }
  }

  #reportable(taskId: string): CoreTask {
    const task = this.#tasks.get(taskId);
    if (task === undefined) {
      throw invalidReport(taskId, 'it does not run: it has ended, or was never launched here');
    }
    if (this.#updates.sizeOf(taskId) >= MAX_WAITING_UPDATES_PER_TASK) {
      throw invalidReport(
        taskId,
        `${MAX_WAITING_UPDATES_PER_TASK} of its updates wait for the agent; await those before`,
      );
    }
    return task;
  }

  #report(task: CoreTask, { state, ...details }: CoreReport): string {
    const isOngoing = state === undefined || state === 'RUNNING' || state === 'STARTING';
    const isEnding = task.state === 'TASK_KILLING';
    // A task that is being killed does not run again because it tells its progress.
    const keepsState = state === undefined || (isOngoing && isEnding);
    return this.#tell(task, keepsState ? task.state : `TASK_${state}`, details);
  }

  /** Makes an update. Returns its uuid. */
  #tell(task: CoreTask, state: TaskState, details: Omit<CoreReport, 'state'>): string {
    const { world, settings } = this.#options;
    const uuid = world.ids.uuidBytes();
    const { executorId } = settings;
    const timeMs = world.clock.now();
    this.#updates.add(statusOf({ taskId: task.id, executorId, state, details, uuid, timeMs }));
    task.state = state;
    if (isTerminalState(state)) {
      this.#tasks.delete(task);
      this.#emit({ kind: 'cancel-timer', name: killTimer(task.id) });
    }
    return uuid;
  }

  #refused(uuid: string, reason: string): void {
    const fate = this.#updates.refuse(uuid);
    this.#log('warn', `the agent refused an update, which is ${fate}: ${reason}`);
    if (fate === 'dropped') this.#emit({ kind: 'settled', uuid });
  }

  #timer(name: string): void {
    const taskId = name.startsWith(KILL_PREFIX) ? name.slice(KILL_PREFIX.length) : undefined;
    if (taskId !== undefined) this.#killIsDue(taskId);
    else if (name === 'subscribe') this.#open();
    else if (name === 'give-up') {
      this.#isForsaken = true;
      this.#close(this.#orderly('no agent takes it back in time'));
    } else if (name === 'resend') {
      this.#isResending = false;
      if (this.isConnected) this.#updates.forgetSent();
    } else if (name === 'idle') this.#close(this.#orderly('it has no tasks'));
    else if (name === 'shutdown') this.#shutdownIsDue();
    else if (name === 'leave') this.#exit();
  }

  /** The handler has not returned: only the end of the process can end the task. */
  #killIsDue(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return;
    const message = 'The task did not end within the grace period of its kill';
    this.#tell(task, 'TASK_KILLED', { message });
    if (this.#options.definition.onStuck === 'leave') {
      this.#log('warn', `the handler of a killed task has not returned: ${taskId}`);
      return;
    }
    const reason = `the handler of ${taskId}, which was killed, does not return`;
    const { graceMs } = this.#orderly(reason);
    this.#close({ reason, state: 'TASK_FAILED', graceMs, code: 1 });
  }

  #shutdownIsDue(): void {
    const { state = 'TASK_KILLED', reason = '' } = this.#closing ?? {};
    const message = `The executor ends, and the task did not end in time: ${reason}`;
    for (const task of this.#tasks.all) {
      this.#tell(task, task.killDueMs === undefined ? state : 'TASK_KILLED', { message });
    }
    this.#isShutdownHandled = true;
  }

  #orderly(reason: string): Closing {
    const graceMs = this.#options.settings.shutdownGraceMs * HANDLERS_SHARE;
    return { reason, state: 'TASK_KILLED', graceMs, code: 0 };
  }

  /** From now on tasks end; when all have, the executor does. */
  #close(closing: Closing): void {
    if (this.#isForsaken) this.#emit({ kind: 'cancel-timer', name: 'subscribe' });
    if (this.#closing !== undefined) return;
    this.#closing = closing;
    const { reason, graceMs } = closing;
    this.#log('info', `the executor ends: ${reason}`);
    for (const name of ['give-up', 'idle']) this.#emit({ kind: 'cancel-timer', name });
    this.#emit({ kind: 'abort', taskIds: this.liveTasks, reason: `the executor ends: ${reason}` });
    this.#setTimer('shutdown', graceMs);
    this.#emit({ kind: 'shutdown', reason, graceMs });
  }

  #lookForEnd(): void {
    if (this.#closing === undefined || this.#tasks.size > 0 || !this.#isShutdownHandled) return;
    if (this.#updates.size === 0 || this.#isForsaken) this.#exit();
    else if (!this.#isLeaving) {
      this.#isLeaving = true;
      const share = this.#options.settings.shutdownGraceMs * (1 - HANDLERS_SHARE);
      this.#setTimer('leave', Math.min(LAST_UPDATES_MS, share));
    }
  }

  #exit(): void {
    if (this.#hasExited) return;
    const { code = 0, reason = '' } = this.#closing ?? {};
    this.#hasExited = true;
    this.#emit({ kind: 'exit', code, reason });
  }

  #lookForIdleness(): void {
    const { exitWhenIdleMs } = this.#options.definition;
    if (exitWhenIdleMs === undefined || this.#closing !== undefined) return;
    const isIdle = this.#hadTasks && this.#tasks.size === 0 && this.#updates.size === 0;
    if (isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    if (isIdle) this.#setTimer('idle', exitWhenIdleMs);
    else this.#emit({ kind: 'cancel-timer', name: 'idle' });
  }

  #open(): void {
    const subscribe = this.#updates.takeAll();
    this.#emit({ kind: 'open', call: { ...this.#caller(), type: 'SUBSCRIBE', subscribe } });
  }

  #sendDue(): void {
    if (!this.isConnected) return;
    for (const status of this.#updates.takeDue()) {
      const call: ExecutorCall = { ...this.#caller(), type: 'UPDATE', update: { status } };
      this.#emit({ kind: 'send', uuid: status.uuid ?? '', call });
    }
    if (this.#updates.size === 0 || this.#isResending) return;
    this.#isResending = true;
    this.#setTimer('resend', RESEND_AFTER_MS);
  }

  #caller(): Pick<ExecutorCall, 'framework_id' | 'executor_id'> {
    const { frameworkId, executorId } = this.#options.settings;
    return { framework_id: { value: frameworkId }, executor_id: { value: executorId } };
  }

  #setTimer(name: string, delayMs: number): void {
    this.#emit({ kind: 'set-timer', name, delayMs });
  }

  #log(level: 'info' | 'warn' | 'error', message: string): void {
    this.#emit({ kind: 'log', level, message });
  }

  #emit(effect: ExecutorEffect): void {
    this.#effects.push(effect);
  }

  #take(): readonly ExecutorEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

const KILL_PREFIX = 'kill ';

function killTimer(taskId: string): string {
  return `${KILL_PREFIX}${taskId}`;
}

function crash(message: string): Closing {
  return { reason: message, state: 'TASK_FAILED', graceMs: 0, code: 1 };
}
