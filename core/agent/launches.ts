/**
 * Takes tasks from the master. All tasks of one message become durable in one transaction; then each
 * goes its own way, none waits for another. What cannot be launched is told at once.
 */
import {
  type CheckpointExecutorKind,
  type CheckpointTaskProbeContext,
  type CommandInfo,
  type ExecutorInfo,
  type LinkMasterMessageRunTasks,
  type Resource,
  type Task,
  type TaskInfo,
  type TaskStatusReason,
  type ValueRange,
  commandExecutorName,
  durationInfoMs,
  hasCapability,
  messagesEqual,
} from '../api/index.js';
import { type ContainerId, type TaskId, assert, id } from '../base/index.js';
import { Resources, fromThousandths } from '../resources/index.js';
import { runsCommands } from './check-settings.js';
import { type Batch, KEYS } from './checkpoint.js';
import type { CommandTasks } from './command-tasks.js';
import type { TaskContext } from './task-context.js';
import type { CustomExecutors } from './custom-executors.js';
import { newContainerId } from './container-ids.js';
import { containerEnvironment, taskEnvironment } from './environment.js';
import { MAX_INFO_CHARS, sizeFault, taskSizeFault } from './limits.js';
import { nestedDirectory, runDirectory } from './paths.js';
import type { ContainerSpec, ParentContainer } from './ports.js';
import { executorRecord } from './records.js';
import { sandboxDiskMiB } from './sandbox-disk.js';
import { type AgentExecutor, type AgentFramework, AgentTask } from './state.js';
import { userOf } from './user.js';

/** What the executor that stands for a command task counts, beside the task, as Mesos has it. */
export const COMMAND_EXECUTOR_CPUS = 0.1;
export const COMMAND_EXECUTOR_MEMORY_MIB = 32;

export class Launches {
  readonly #context: TaskContext;
  readonly #commandTasks: CommandTasks;
  readonly #customExecutors: CustomExecutors;

  constructor(
    context: TaskContext,
    runners: { readonly commandTasks: CommandTasks; readonly customExecutors: CustomExecutors },
  ) {
    this.#context = context;
    this.#commandTasks = runners.commandTasks;
    this.#customExecutors = runners.customExecutors;
  }

  run(message: LinkMasterMessageRunTasks): void {
    const { state, checkpoint, world } = this.#context;
    const frameworkId = message.framework_info.id?.value;
    if (frameworkId === undefined) {
      world.log.warn('ignoring tasks of a framework without id');
      return;
    }
    const fault =
      sizeFault('FrameworkInfo', message.framework_info, MAX_INFO_CHARS) ??
      (message.executor_info && sizeFault('ExecutorInfo', message.executor_info, MAX_INFO_CHARS));
    if (fault !== undefined) {
      this.#refuseAll(message, fault);
      this.#tellUnlaunched(message);
      return;
    }
    const before = state.frameworks.get(id<'FrameworkId'>(frameworkId));
    const isKnown =
      before !== undefined && messagesEqual('FrameworkInfo', before.info, message.framework_info);
    const framework = state.admitFramework(id<'FrameworkId'>(frameworkId), message.framework_info);
    const batch = checkpoint.batch();
    if (!isKnown) {
      batch.put(KEYS.framework(framework.id), 'CheckpointFramework', {
        framework_info: message.framework_info,
      });
    }
    const tasks = this.#acceptable(framework, message);
    this.#dispatch(batch, framework, { ...message, tasks });
    batch.afterwards(() => this.#tellUnlaunched(message));
    batch.commit();
    this.#context.reports.tidyFramework(framework);
  }

  /** Refuses tasks whose framework or executor cannot be taken. */
  #refuseAll(message: LinkMasterMessageRunTasks, fault: string): void {
    for (const { task_id } of message.tasks ?? []) {
      this.#context.reports.reportUnknown({
        frameworkId: id<'FrameworkId'>(message.framework_info.id?.value ?? ''),
        taskId: id<'TaskId'>(task_id.value),
        isPartitionAware: hasCapability(message.framework_info, 'PARTITION_AWARE'),
        reason: 'REASON_TASK_INVALID',
        message: fault,
      });
    }
  }

  /** The tasks of a message that can be taken; of a group all of them, or none. */
  #acceptable(
    framework: AgentFramework,
    { tasks = [], group }: LinkMasterMessageRunTasks,
  ): readonly TaskInfo[] {
    const acceptable = tasks.filter((task) => this.#isAcceptable(framework, task));
    if (group !== true || acceptable.length === tasks.length) return acceptable;
    for (const info of acceptable) {
      this.#refuse(framework, info, {
        reason: 'REASON_TASK_GROUP_INVALID',
        message: 'Another task of the group cannot be taken',
      });
    }
    return [];
  }

  /** The master counts an executor that it wants started: it has to know when there is none. */
  #tellUnlaunched(message: LinkMasterMessageRunTasks): void {
    const { executor_info: info, framework_info: owner, launch_executor: isNew } = message;
    if (info === undefined || isNew !== true) return;
    const framework = this.#context.state.frameworks.get(id<'FrameworkId'>(owner.id?.value ?? ''));
    const executor = framework?.executors.get(id<'ExecutorId'>(info.executor_id.value));
    // The end of one that still runs, or ends, is told when it comes.
    if (executor !== undefined && executor.phase !== 'terminated') return;
    this.#context.send({
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: owner.id?.value ?? '' },
        executor_id: info.executor_id,
        status: 0,
      },
    });
  }

  #dispatch(
    batch: Batch,
    framework: AgentFramework,
    message: LinkMasterMessageRunTasks & { readonly tasks: readonly TaskInfo[] },
  ): void {
    const { tasks } = message;
    const executorInfo = message.executor_info ?? tasks[0]?.executor;
    if (tasks.length === 0) return;
    const isGone =
      executorInfo !== undefined &&
      message.launch_executor === false &&
      !framework.executors.has(id<'ExecutorId'>(executorInfo.executor_id.value));
    if (isGone) {
      // The master does not know yet that it has ended, and counts nothing for another one.
      for (const info of tasks) this.#refuse(framework, info, EXECUTOR_ENDS);
    } else if (executorInfo === undefined) {
      for (const task of tasks) this.#runCommandTask(batch, framework, task);
    } else if (executorInfo.type === 'DEFAULT') {
      this.#runGroup(batch, framework, executorInfo, tasks);
    } else {
      this.#runOnCustom(batch, framework, {
        info: executorInfo,
        tasks,
        isGroup: message.group === true,
      });
    }
  }

  /** Says why a task cannot be taken, to its scheduler; true: it can. */
  #isAcceptable(framework: AgentFramework, info: TaskInfo): boolean {
    if (framework.isTerminating || this.#context.state.isEnding) {
      const what = framework.isTerminating ? 'The framework' : 'The agent';
      this.#refuse(framework, info, {
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: `${what} is ending and takes no more tasks`,
      });
      return false;
    }
    const fault = taskSizeFault(info);
    if (fault !== undefined) {
      this.#refuse(framework, info, { reason: 'REASON_TASK_INVALID', message: fault });
      return false;
    }
    const known = framework.find(id<'TaskId'>(info.task_id.value));
    if (known === undefined) return true;
    if (known.isTerminal) {
      this.#refuse(framework, info, {
        reason: 'REASON_TASK_INVALID',
        message: 'The end of an earlier task with this id has not been acknowledged yet',
      });
    } else {
      // Whatever the master believes, the task runs: a terminal state would not be true.
      this.#context.world.log.warn('ignoring a task that is here already', { task: known.id });
    }
    return false;
  }

  #refuse(
    framework: AgentFramework,
    info: TaskInfo,
    why: { readonly reason: TaskStatusReason; readonly message: string },
  ): void {
    this.#context.reports.reportUnknown({
      frameworkId: framework.id,
      taskId: id<'TaskId'>(info.task_id.value),
      isPartitionAware: framework.can('PARTITION_AWARE'),
      ...why,
    });
  }

  #runCommandTask(batch: Batch, framework: AgentFramework, info: TaskInfo): void {
    const executorInfo = commandExecutorInfo(framework, info);
    if (framework.executors.has(id<'ExecutorId'>(executorInfo.executor_id.value))) {
      this.#refuse(framework, info, {
        reason: 'REASON_TASK_INVALID',
        message: 'The id of the task is that of an executor which runs',
      });
      return;
    }
    const executor = this.#addExecutor(batch, framework, executorInfo, 'COMMAND');
    executor.phase = 'running';
    this.#launch(batch, executor, { info, containerId: executor.containerId, group: [] });
  }

  /** A group of the default executor, which the launcher stands in for. */
  #runGroup(
    batch: Batch,
    framework: AgentFramework,
    executorInfo: ExecutorInfo,
    tasks: readonly TaskInfo[],
  ): void {
    const { world } = this.#context;
    const executorId = id<'ExecutorId'>(executorInfo.executor_id.value);
    const known = framework.executors.get(executorId);
    if (known !== undefined && (known.kind !== 'GROUP' || known.phase !== 'running')) {
      for (const info of tasks) this.#refuse(framework, info, EXECUTOR_ENDS);
      return;
    }
    const executor = known ?? this.#addExecutor(batch, framework, executorInfo, 'GROUP');
    executor.phase = 'running';
    const group = tasks.map((info) => id<'TaskId'>(info.task_id.value));
    for (const info of tasks) {
      this.#launch(batch, executor, { info, containerId: newContainerId(world), group });
    }
  }

  #runOnCustom(
    batch: Batch,
    framework: AgentFramework,
    launch: {
      readonly info: ExecutorInfo;
      readonly tasks: readonly TaskInfo[];
      readonly isGroup: boolean;
    },
  ): void {
    const known = framework.executors.get(id<'ExecutorId'>(launch.info.executor_id.value));
    const isEnding = known?.phase === 'terminating' || known?.phase === 'terminated';
    if (known !== undefined && (known.kind !== 'CUSTOM' || isEnding)) {
      for (const info of launch.tasks) this.#refuse(framework, info, EXECUTOR_ENDS);
      return;
    }
    const executor = known ?? this.#addExecutor(batch, framework, launch.info, 'CUSTOM');
    const added = launch.tasks.map((info) => this.#addTask(executor, info));
    if (launch.isGroup) for (const task of added) task.group = added.map((other) => other.id);
    for (const task of added) this.#context.reports.putTask(batch, task);
    if (known === undefined) this.#customExecutors.start(batch, executor);
    this.#customExecutors.enqueue(batch, executor, added);
  }

  #addExecutor(
    batch: Batch,
    framework: AgentFramework,
    info: ExecutorInfo,
    kind: CheckpointExecutorKind,
  ): AgentExecutor {
    const { config, state, world, collector } = this.#context;
    assert(state.agentId, 'tasks come after the registration');
    const containerId = newContainerId(world);
    const directory = runDirectory(config.workDir, {
      agentId: state.agentId,
      frameworkId: framework.id,
      executorId: id<'ExecutorId'>(info.executor_id.value),
      containerId,
    });
    const executor = state.addExecutor(framework, { info, kind, containerId, directory });
    collector.retain(directory);
    if (executor.isCheckpointed) {
      batch.put(KEYS.executor(containerId), 'CheckpointExecutor', executorRecord(executor));
    } else {
      // Nobody would know of the sandbox after a crash otherwise; its end renews the record.
      collector.note(batch, containerId, directory);
    }
    return executor;
  }

  #addTask(executor: AgentExecutor, info: TaskInfo): AgentTask {
    const task = new AgentTask(executor, wireTask(executor, info));
    task.info = info;
    executor.active.set(task.id, task);
    return task;
  }

  #launch(
    batch: Batch,
    executor: AgentExecutor,
    launch: {
      readonly info: TaskInfo;
      readonly containerId: ContainerId;
      readonly group: readonly TaskId[];
    },
  ): void {
    const { info } = launch;
    const task = this.#addTask(executor, info);
    task.containerId = launch.containerId;
    task.group = launch.group;
    const limit = info.max_completion_time;
    task.maxCompletionTimeMs = limit === undefined ? undefined : durationInfoMs(limit);
    task.info = undefined;
    const container = this.#taskContainer(task, info, launch.containerId);
    task.check = info.check;
    // Commands inside of an image find the environment that the container has.
    if (runsCommands(info) && info.container?.type !== 'DOCKER') {
      task.probeContext = probeContext(container);
    }
    this.#commandTasks.prepare(batch, task, container);
  }

  /** The executor of a group, which has a sandbox and no process. */
  #parentOf({ directory: sandbox, info }: AgentExecutor): ParentContainer {
    const volumes = this.#context.checkpointed.mountsOf(Resources.fromWire(info.resources ?? []));
    return { sandbox, volumes, container: info.container };
  }

  #taskContainer(task: AgentTask, info: TaskInfo, containerId: ContainerId): ContainerSpec {
    const { executor } = task;
    const { config, address, checkpointed, state } = this.#context;
    const sandbox =
      executor.kind === 'GROUP'
        ? nestedDirectory(executor.directory, containerId)
        : executor.directory;
    const resources = Resources.fromWire(info.resources ?? []);
    const role = resources.allocationRoles()[0];
    const command: CommandInfo = info.command ?? {};
    const memoryMiB = fromThousandths(resources.scalar('mem')) + COMMAND_EXECUTOR_MEMORY_MIB;
    const agentId = state.agentId ?? '';
    const volumes = checkpointed.mountsOf(resources);
    return {
      containerId,
      sandbox,
      command,
      container: info.container,
      ...(volumes.length > 0 && { volumes }),
      ...(executor.kind === 'GROUP' && { parent: this.#parentOf(executor) }),
      environment: {
        ...containerEnvironment({ executor, agentId, sandbox, address, config }),
        ...taskEnvironment({ taskId: task.id, role, address }),
      },
      user: userOf(executor.framework, command, config.switchUser),
      ports: portsOf(info.resources),
      limits: {
        cpus: fromThousandths(resources.scalar('cpus')) + COMMAND_EXECUTOR_CPUS,
        memoryMiB,
        diskMiB: sandboxDiskMiB(resources),
      },
    };
  }
}

const EXECUTOR_ENDS = {
  reason: 'REASON_EXECUTOR_TERMINATED',
  message: 'The executor of the task is ending',
} as const;

/** What commands of checks share with the command of their task. */
function probeContext({ user, environment, command }: ContainerSpec): CheckpointTaskProbeContext {
  const common = Object.entries(environment).map(([name, value]) => ({ name, value }));
  return {
    user,
    environment: { variables: [...common, ...(command.environment?.variables ?? [])] },
  };
}

/** The ports of the host that are among the resources. */
function portsOf(resources: readonly Resource[] = []): readonly ValueRange[] {
  return resources.flatMap(({ name, ranges }) => (name === 'ports' ? (ranges?.range ?? []) : []));
}

/** The executor that stands for a command task in the API. */
export function commandExecutorInfo(framework: AgentFramework, task: TaskInfo): ExecutorInfo {
  const role = task.resources?.[0]?.allocation_info;
  const overhead = (name: string, value: number): Resource => ({
    name,
    type: 'SCALAR',
    scalar: { value },
    ...(role !== undefined && { allocation_info: role }),
  });
  return {
    executor_id: { value: task.task_id.value },
    framework_id: { value: framework.id },
    command: { shell: false, value: 'plateau-launcher', arguments: ['plateau-launcher'] },
    resources: [
      overhead('cpus', COMMAND_EXECUTOR_CPUS),
      overhead('mem', COMMAND_EXECUTOR_MEMORY_MIB),
    ],
    name: commandExecutorName(task.task_id.value, commandText(task.command)),
    source: task.task_id.value,
    ...(task.discovery !== undefined && { discovery: task.discovery }),
    ...(task.labels !== undefined && { labels: task.labels }),
  };
}

function commandText(command: CommandInfo | undefined): string {
  if (command?.shell !== false) return command?.value ?? '';
  return [command.value ?? '', ...(command.arguments ?? []).slice(1)].join(' ');
}

/** A task as pages and the master see it, before anything has happened to it. */
function wireTask(executor: AgentExecutor, info: TaskInfo): Task {
  const { framework } = executor;
  const command = info.command ?? executor.info.command;
  return {
    name: info.name,
    task_id: info.task_id,
    framework_id: { value: framework.id },
    ...(executor.kind !== 'COMMAND' && { executor_id: { value: executor.id } }),
    agent_id: info.agent_id,
    state: 'TASK_STAGING',
    resources: info.resources,
    labels: info.labels,
    discovery: info.discovery,
    container: info.container,
    health_check: info.health_check,
    kill_policy: info.kill_policy,
    limits: info.limits,
    user: command?.user,
  };
}
