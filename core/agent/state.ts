/**
 * What the agent knows: frameworks with their executors and tasks, and a bounded history. A task is
 * `active` until it reaches a terminal state, `terminated` until the scheduler has acknowledged that,
 * then history. Executors and frameworks leave when nothing of them is left to do.
 */
import {
  type CheckInfo,
  type CheckpointExecutorKind,
  type CheckpointProcess,
  type CheckpointTaskEnding,
  type DrainConfig,
  type CheckpointTaskProbeContext,
  type ExecutorInfo,
  type FrameworkInfo,
  type FrameworkInfoCapabilityType,
  type NetworkInfo,
  type Operation,
  type Resource,
  type Task,
  type TaskInfo,
  type TaskState,
  hasCapability,
  isTerminalState,
} from '../api/index.js';
import {
  type AgentId,
  type ContainerId,
  type ExecutorId,
  type FrameworkId,
  type TaskId,
  id,
  Ring,
} from '../base/index.js';
import type { AgentConfig } from './config.js';

/** Uuids of status updates remembered per task, to recognise what an executor sends again. */
export const MAX_REMEMBERED_UUIDS = 100;

/** A status update that is in the checkpoint, or about to be. */
export interface RecordedUpdate {
  /** Updates of a task are numbered in order. */
  readonly number: number;
  /** The task as it was after it. */
  readonly task: Task;
  /** Whether its record was handed to the store. */
  isCommitted: boolean;
}

/** What the record of a task says, which its updates may have overtaken. */
export interface RecordedTask {
  readonly task: Task;
  /** Updates with lower numbers are included. */
  readonly nextUpdate: number;
}

/** A task on this agent. */
export class AgentTask {
  readonly executor: AgentExecutor;
  readonly id: TaskId;
  /** As pages and the master see it; replaced as a whole when something changes. */
  task: Task;
  /** What was asked for, until it has been handed to the container or executor. */
  info: TaskInfo | undefined;
  /** Whether it may be given to a custom executor: its record is safe. */
  isDurable = false;
  /** The container, when the launcher runs the task itself. */
  containerId: ContainerId | undefined;
  process: CheckpointProcess | undefined;
  /** The networks of its container, where that does not use the one of the host. */
  networkInfos: readonly NetworkInfo[] | undefined;
  maxCompletionTimeMs: number | undefined;
  /** What the launcher's task is to be checked for, besides its health. */
  check: CheckInfo | undefined;
  /** Whom and in what environment the commands of its checks run as; set when it has such. */
  probeContext: CheckpointTaskProbeContext | undefined;
  /** All tasks of its group, itself included; empty outside of groups. */
  group: readonly TaskId[] = [];
  /** Set once somebody wants the task to end. */
  ending: CheckpointTaskEnding | undefined;
  /** Number of its next status update. */
  nextUpdate = 0;
  /** Its status updates in the checkpoint, by key, the oldest first. */
  readonly updates = new Map<string, RecordedUpdate>();
  /** Its own record there, by the order of commits; undefined while there is none. */
  recorded: RecordedTask | undefined;
  /** Keys of acknowledged ones whose removal is not durable yet: a restart would repeat them. */
  readonly acknowledgedKeys = new Set<string>();
  /** Uuids of the latest updates from the executor. */
  readonly seenUuids = new RecentUuids();

  constructor(executor: AgentExecutor, task: Task) {
    this.executor = executor;
    this.id = id<'TaskId'>(task.task_id.value);
    this.task = task;
  }

  get state(): TaskState {
    return this.task.state;
  }

  get isTerminal(): boolean {
    return isTerminalState(this.task.state);
  }
}

/** The latest uuids, found without a search. */
class RecentUuids {
  readonly #uuids = new Set<string>();

  has(uuid: string): boolean {
    return this.#uuids.has(uuid);
  }

  add(uuid: string): void {
    if (this.#uuids.size >= MAX_REMEMBERED_UUIDS) {
      for (const oldest of this.#uuids) {
        this.#uuids.delete(oldest);
        break;
      }
    }
    this.#uuids.add(uuid);
  }
}

/**
 * Where an executor stands: its process is asked for or has not subscribed, it serves tasks, it has
 * been told to end, its process is gone.
 */
export type ExecutorPhase = 'registering' | 'running' | 'terminating' | 'terminated';

/** One run of an executor, be it a process of its own or the launcher standing in for it. */
export class AgentExecutor {
  readonly framework: AgentFramework;
  readonly kind: CheckpointExecutorKind;
  readonly info: ExecutorInfo;
  readonly id: ExecutorId;
  readonly containerId: ContainerId;
  /** The sandbox. */
  readonly directory: string;
  /** Process of a custom executor. */
  process: CheckpointProcess | undefined;
  phase: ExecutorPhase = 'registering';
  /** Whether a custom executor has ever been given a task: one that never was is of no use. */
  hasBeenGivenTasks = false;
  /** Tasks that are not terminal, queued ones included. */
  readonly active = new Map<TaskId, AgentTask>();
  /** Tasks that a custom executor has not been given yet, in order; part of `active`. */
  readonly queued = new Map<TaskId, AgentTask>();
  /** Tasks whose terminal update waits for its acknowledgement. */
  readonly terminated = new Map<TaskId, AgentTask>();
  readonly completed: Ring<Task>;

  constructor(options: {
    readonly framework: AgentFramework;
    readonly kind: CheckpointExecutorKind;
    readonly info: ExecutorInfo;
    readonly containerId: ContainerId;
    readonly directory: string;
    readonly maxCompletedTasks: number;
  }) {
    this.framework = options.framework;
    this.kind = options.kind;
    this.info = options.info;
    this.id = id<'ExecutorId'>(options.info.executor_id.value);
    this.containerId = options.containerId;
    this.directory = options.directory;
    this.completed = new Ring(options.maxCompletedTasks);
  }

  /** Whether it survives a restart of the agent: what the launcher runs always does. */
  get isCheckpointed(): boolean {
    return this.kind !== 'CUSTOM' || this.framework.info.checkpoint === true;
  }

  /** The task of that id that is not history yet. */
  find(taskId: TaskId): AgentTask | undefined {
    return this.active.get(taskId) ?? this.terminated.get(taskId);
  }

  /** Resources of the executor itself and of its active tasks. */
  get usedResources(): readonly Resource[] {
    const tasks = [...this.active.values()].flatMap((task) => task.task.resources ?? []);
    return [...(this.info.resources ?? []), ...tasks];
  }
}

/** A framework with executors on this agent. */
export class AgentFramework {
  readonly id: FrameworkId;
  info: FrameworkInfo;
  /** Set when the master has removed it: its tasks end, and nobody hears of them. */
  isTerminating = false;
  readonly executors = new Map<ExecutorId, AgentExecutor>();
  readonly completedExecutors: Ring<AgentExecutor>;

  constructor(frameworkId: FrameworkId, info: FrameworkInfo, maxCompletedExecutors: number) {
    this.id = frameworkId;
    this.info = info;
    this.completedExecutors = new Ring(maxCompletedExecutors);
  }

  can(capability: FrameworkInfoCapabilityType): boolean {
    return hasCapability(this.info, capability);
  }

  /** The task of that id that is not history yet. */
  find(taskId: TaskId): AgentTask | undefined {
    // A command task bears the id of its executor: the common case needs no search.
    const own = this.executors.get(id<'ExecutorId'>(taskId))?.find(taskId);
    if (own !== undefined) return own;
    for (const executor of this.executors.values()) {
      const task = executor.kind === 'COMMAND' ? undefined : executor.find(taskId);
      if (task !== undefined) return task;
    }
    return undefined;
  }
}

/** An operator wants the host empty. */
export interface AgentDrain {
  readonly config: DrainConfig;
  /** When it was asked for, in milliseconds since 1970. */
  readonly startedMs: number;
}

/** Everything together. */
export class AgentState {
  /** Set when the agent is to end: it takes no more tasks. */
  isEnding = false;
  /** As the master has told it since the last registration; undefined: tasks may run. */
  drain: AgentDrain | undefined;
  /** Given by the master at the first registration. */
  agentId: AgentId | undefined;
  /** Dynamic reservations and persistent volumes, as the master has told them last. */
  checkpointedResources: readonly Resource[] = [];
  /** By uuid: operations that are over, and whose outcome is not acknowledged. */
  readonly operations = new Map<string, Operation>();
  readonly frameworks = new Map<FrameworkId, AgentFramework>();
  readonly completedFrameworks: Ring<AgentFramework>;
  readonly #config: AgentConfig;

  constructor(config: AgentConfig) {
    this.#config = config;
    this.completedFrameworks = new Ring(config.maxCompletedFrameworks);
  }

  /** The framework, with its history if it was here before, under its newest info. */
  admitFramework(frameworkId: FrameworkId, info: FrameworkInfo): AgentFramework {
    const known =
      this.frameworks.get(frameworkId) ??
      this.completedFrameworks.take((framework) => framework.id === frameworkId) ??
      new AgentFramework(frameworkId, info, this.#config.maxCompletedExecutorsPerFramework);
    known.info = info;
    // In the history it may stand as removed: it came back.
    if (!this.frameworks.has(frameworkId)) known.isTerminating = false;
    this.frameworks.set(frameworkId, known);
    return known;
  }

  addExecutor(
    framework: AgentFramework,
    run: Pick<AgentExecutor, 'kind' | 'info' | 'containerId' | 'directory'>,
  ): AgentExecutor {
    const maxCompletedTasks = this.#config.maxCompletedTasksPerExecutor;
    const executor = new AgentExecutor({ framework, ...run, maxCompletedTasks });
    framework.executors.set(executor.id, executor);
    return executor;
  }

  find(frameworkId: FrameworkId, taskId: TaskId): AgentTask | undefined {
    return this.frameworks.get(frameworkId)?.find(taskId);
  }

  /** Every executor that is not history. */
  *executors(): Iterable<AgentExecutor> {
    for (const framework of this.frameworks.values()) yield* framework.executors.values();
  }
}
