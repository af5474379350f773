/**
 * What the handlers of an executor are given and may return. They get tasks of their own framework on one
 * agent; everything on the wire is done for them.
 */
import type { AgentInfo, ExecutorInfo, FrameworkInfo, TaskInfo } from '../../core/api/index.js';
import type { Ids, Logger, Random } from '../../core/base/index.js';

/** A task that was launched on this executor. */
export interface ExecutorTask {
  readonly id: string;
  readonly name: string;
  /** What the framework sent along with it. */
  readonly data: Uint8Array;
  /** The same as text. */
  readonly payload: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The whole message. */
  readonly info: TaskInfo;
  /**
   * Aborted when the task is to end: it is killed, another of its group has failed, or the executor shuts
   * down. The handler is expected to return soon; its grace period runs.
   */
  readonly signal: AbortSignal;
}

/** Tasks that run together: when one fails or is killed, so are the others. */
export interface TaskGroup {
  readonly tasks: readonly ExecutorTask[];
  /** That of all of its tasks. */
  readonly signal: AbortSignal;
}

/** States that a handler may tell. All but the first two are final. */
export type ReportedState = 'STARTING' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED' | 'ERROR';

/** News of a task. */
export interface TaskReport {
  /** Default: as it is. */
  readonly state?: ReportedState;
  readonly message?: string;
  /** Bytes, or text, for the scheduler. */
  readonly data?: Uint8Array | string;
  readonly healthy?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a launch handler may return: details of the update that says FINISHED. */
export type TaskResult = Pick<TaskReport, 'message' | 'data' | 'labels'>;

/** The clock of the executor. */
export interface ExecutorClock {
  /** Wall time in milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment. Never goes back. */
  elapsed(): number;
}

/** What every handler gets beside its event. */
export interface ExecutorEventContext {
  readonly frameworkId: string;
  readonly executorId: string;
  /** Undefined until the first subscription, if the environment does not tell it. */
  readonly agentId: string | undefined;
  /** The folder of the executor. */
  readonly sandbox: string;
  readonly isConnected: boolean;
  readonly clock: ExecutorClock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Logger;
  /** Tasks that have not ended. */
  readonly tasks: readonly ExecutorTask[];
  /**
   * Tells the scheduler about a task. Updates of a task arrive in order and each once, whatever happens to
   * the agent meanwhile. Resolves when the agent has it safe; there is no need to wait for that.
   * @throws PlateauError `INVALID_DECISION` when the task is not known or has ended, or when too many of its updates
   *   wait for the agent.
   */
  update(report: TaskReport & { readonly task: string | ExecutorTask }): Promise<void>;
  /**
   * Sends bytes or text to the scheduler. Best effort: it may be lost.
   * @throws PlateauError `STREAM_ENDED`, `AGENT_UNREACHABLE` or `CALL_REFUSED` when it is.
   */
  message(data: Uint8Array | string): Promise<void>;
}

/** What launch handlers get: `update` is about their own task, or all tasks of their group. */
export interface ExecutorContext extends ExecutorEventContext {
  update(report: TaskReport & { readonly task?: string | ExecutorTask }): Promise<void>;
}

/** The framework or an operator wants a task to end. Its signal is aborted already. */
export interface KillRequest {
  readonly task: ExecutorTask;
  /** Milliseconds until the task counts as killed whether it has ended or not. */
  readonly graceMs: number;
}

/** The scheduler has sent bytes. */
export interface SchedulerMessage {
  readonly data: Uint8Array;
  /** The same as text. */
  readonly text: string;
}

/** The executor is about to end. The signals of all tasks are aborted. */
export interface ExecutorShutdown {
  readonly reason: string;
  /** Milliseconds until it ends, whether handlers are done or not. */
  readonly graceMs: number;
}

export interface AgentConnected {
  /** Whether it is the first time, rather than the return of a lost agent. */
  readonly first: boolean;
  readonly executor: ExecutorInfo;
  readonly framework: FrameworkInfo;
  readonly agent: AgentInfo;
}

export interface AgentDisconnected {
  readonly reason: string;
  /** Milliseconds for which the agent is looked for; undefined: the executor shuts down. */
  readonly retryForMs: number | undefined;
}

/** What the handlers other than those of launches are given. */
export interface ExecutorEvents {
  readonly kill: KillRequest;
  readonly message: SchedulerMessage;
  readonly shutdown: ExecutorShutdown;
  readonly connected: AgentConnected;
  readonly disconnected: AgentDisconnected;
}

export type ExecutorEventKind = keyof ExecutorEvents;
export type ExecutorHandlerKind = 'launch' | 'launch-group' | ExecutorEventKind;

/** What a launch handler returns: the end of the task, now or later. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without `return` returns void
export type LaunchResult = void | TaskResult | undefined;

export type LaunchHandler = (
  task: ExecutorTask,
  context: ExecutorContext,
) => LaunchResult | PromiseLike<LaunchResult>;

export type LaunchGroupHandler = (
  group: TaskGroup,
  context: ExecutorContext,
) => LaunchResult | PromiseLike<LaunchResult>;

export type ExecutorEventHandler<K extends ExecutorEventKind> = (
  event: ExecutorEvents[K],
  context: ExecutorEventContext,
  // oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without `return` returns void
) => void | PromiseLike<void>;
