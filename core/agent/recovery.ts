/**
 * Rebuilds what the agent knew from its checkpoint, and learns from the containerizer what became of
 * it meanwhile. No task is started a second time: one whose container nobody has seen was not started,
 * and is told so. After a reboot nothing of the past runs, whatever processes have the old pids.
 */
import {
  type AgentInfo,
  type CheckpointAgent,
  type CheckpointSandbox,
  type CheckpointUpdate,
  type MessageName,
  type Messages,
  type Resource,
  decodeJson,
  messagesEqual,
} from '../api/index.js';
import {
  type ContainerId,
  PlateauError,
  type Store,
  type StoreEntry,
  errorMessage,
  id,
} from '../base/index.js';
import { CHECKPOINT_FORMAT, KEYS } from './checkpoint.js';
import type { CommandTasks } from './command-tasks.js';
import type { TaskContext } from './task-context.js';
import type { CustomExecutors } from './custom-executors.js';
import type { NestedContainers } from './nested-containers.js';
import type { ContainerFate, KnownContainer } from './ports.js';
import { isReconfigurable } from './reconfiguration.js';
import { restoreExecutor, restoreTask } from './records.js';
import type { AgentExecutor, AgentTask } from './state.js';

export interface RecoveryOptions {
  readonly context: TaskContext;
  readonly store: Store;
  readonly bootId: string;
  /** What the agent would register as now. */
  readonly agentInfo: AgentInfo;
  readonly commandTasks: CommandTasks;
  readonly customExecutors: CustomExecutors;
  readonly containers: NestedContainers;
}

/** What is left to be done by others. */
export interface Recovered {
  /** Volumes whose folders were to be removed. */
  readonly destroyedVolumes: readonly Resource[];
}

/** What runs or may run from before. */
interface Survivors {
  readonly tasks: readonly AgentTask[];
  readonly executors: readonly AgentExecutor[];
}

const REBOOTED: ContainerFate = { kind: 'lost', message: 'the host was rebooted' };
const NEVER_SEEN: ContainerFate = {
  kind: 'lost',
  message: 'the agent was restarted before it was started',
};

export class Recovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * Recovers everything; afterwards terminal updates of what ended are on their way to the store.
   * @throws PlateauError `WORK_DIR_FORMAT` when the checkpoint is of another version, `INVALID_FLAG`
   *   when the configuration changed in a way that tasks which may still run do not allow.
   */
  async run(): Promise<Recovered> {
    const { context, bootId } = this.#options;
    const agent = await this.#readAgent();
    const isReboot = agent !== undefined && agent.boot_id !== bootId;
    const change = agent === undefined ? undefined : this.#changeOf(agent);
    await this.#recoverSandboxes();
    await this.#restoreResources();
    // After a reboot nothing runs any more, and with another make-up it is another agent.
    if (agent !== undefined && (change === undefined || !isReboot)) {
      context.state.agentId = id<'AgentId'>(agent.agent_info.id?.value ?? '');
      await this.#restore();
    } else {
      await this.#startAnew();
    }
    const survivors = this.#survivors();
    if (change !== undefined) this.#refuseWhileRunning(change, survivors);
    if (agent !== undefined) this.#renewAgent(agent);
    const isNew = context.state.agentId === undefined;
    const nested = isNew ? [] : await this.#options.containers.restore(this.#options.store);
    const known = [...knownOf(survivors), ...nested];
    const fates = await context.containerizer.recover(isReboot ? [] : known);
    const fateOf = (containerId: ContainerId): ContainerFate =>
      isReboot ? REBOOTED : (fates.get(containerId) ?? NEVER_SEEN);
    this.#adopt(survivors, fateOf);
    this.#options.containers.adopt(fateOf);
    const destroyed = await this.#options.store.get(KEYS.destroyedVolumes);
    return {
      destroyedVolumes: (destroyed && decode('CheckpointResources', destroyed).resources) ?? [],
    };
  }

  async #readAgent(): Promise<CheckpointAgent | undefined> {
    const entry = await this.#options.store.get(KEYS.agent);
    if (entry === undefined) return undefined;
    const agent = decode('CheckpointAgent', entry);
    if (agent.format > CHECKPOINT_FORMAT) throw otherFormat(`format ${agent.format}`);
    return agent;
  }

  /** What is different from the last start in a way that the policy forbids. */
  #changeOf(agent: CheckpointAgent): string | undefined {
    const { agentInfo, context } = this.#options;
    const { reconfigurationPolicy, recover } = context.config;
    if (recover === 'cleanup') return undefined;
    return isReconfigurable(agent.agent_info, agentInfo, reconfigurationPolicy);
  }

  /** Tasks rely on what the agent was when they were launched; without any it may change at will. */
  #refuseWhileRunning(change: string, survivors: Survivors): void {
    const count = survivors.tasks.length + survivors.executors.length;
    if (count === 0) return;
    throw new PlateauError(
      'INVALID_FLAG',
      `${change} since the agent was last started, and ${count} of its tasks and executors may ` +
        'still run: start it as before; or with --reconfiguration_policy=additive if it only has ' +
        'more than before; or start it once with --recover=cleanup, which ends them and exits',
      { context: { agent: this.#options.context.state.agentId } },
    );
  }

  /** Brings the record of the agent itself up to date, or removes it with the old id. */
  #renewAgent(before: CheckpointAgent): void {
    const { context, agentInfo, bootId } = this.#options;
    const { agentId } = context.state;
    const batch = context.checkpoint.batch();
    if (agentId === undefined) {
      batch.delete(KEYS.agent);
    } else {
      const agent_info = { ...agentInfo, id: { value: agentId } };
      const now = { agent_info, boot_id: bootId, format: CHECKPOINT_FORMAT };
      if (messagesEqual('CheckpointAgent', before, now)) return;
      batch.put(KEYS.agent, 'CheckpointAgent', now);
    }
    batch.commit();
  }

  /** What an agent that is gone has left is of no use to a new one; its sandboxes age as others. */
  async #startAnew(): Promise<void> {
    const { store, context } = this.#options;
    const batch = context.checkpoint.batch();
    for (const prefix of [
      'frameworks/',
      'executors/',
      'tasks/',
      'updates/',
      'containers/',
      'operations/',
    ]) {
      for (const entry of await store.list(prefix)) {
        batch.delete(entry.key);
        if (prefix !== 'executors/') continue;
        const executor = decode('CheckpointExecutor', entry);
        const containerId = id<'ContainerId'>(executor.container_id.value);
        if (context.collector.has(containerId)) continue;
        context.collector.retain(executor.directory);
        context.collector.schedule(batch, containerId, executor.directory);
      }
    }
    batch.commit();
  }

  /** Reservations and volumes belong to the host: they outlive a change of the agent's id. */
  async #restoreResources(): Promise<void> {
    const { store, context } = this.#options;
    const entry = await store.get(KEYS.resources);
    context.state.checkpointedResources =
      (entry && decode('CheckpointResources', entry).resources) ?? [];
  }

  async #restore(): Promise<void> {
    const { store, context } = this.#options;
    for (const entry of await store.list('frameworks/')) {
      const info = decode('CheckpointFramework', entry).framework_info;
      context.state.admitFramework(id<'FrameworkId'>(info.id?.value ?? ''), info);
    }
    const executors = new Map<string, AgentExecutor>();
    for (const entry of await store.list('executors/')) {
      const executor = restoreExecutor(context.state, decode('CheckpointExecutor', entry));
      if (executor === undefined) context.checkpoint.deleteLazily([entry.key]);
      else executors.set(executor.containerId, executor);
    }
    await this.#restoreTasks(executors);
    for (const entry of await store.list('operations/')) {
      context.operations.restore(decode('CheckpointOperation', entry).operation);
    }
  }

  async #restoreTasks(executors: ReadonlyMap<string, AgentExecutor>): Promise<void> {
    const { store, context } = this.#options;
    /** Tasks whose records include all updates, and do not say so. */
    const older = new Set<AgentTask>();
    for (const entry of await store.list('tasks/')) {
      const record = decode('CheckpointTask', entry);
      const executor = executors.get(record.executor_container_id.value);
      if (executor === undefined) {
        context.checkpoint.deleteLazily([entry.key]);
        continue;
      }
      const task = restoreTask(executor, record);
      if (record.next_update === undefined) older.add(task);
    }
    for (const entry of await store.list('updates/')) {
      const record = decode('CheckpointUpdate', entry);
      const executor = executors.get(record.executor_container_id.value);
      const task = executor?.find(id<'TaskId'>(record.status.task_id.value));
      if (task === undefined) context.checkpoint.deleteLazily([entry.key]);
      else this.#restoreUpdate(task, entry.key, { record, isIncluded: older.has(task) });
    }
    const batch = context.checkpoint.batch();
    for (const task of older) context.reports.putTask(batch, task);
    batch.commit();
  }

  #restoreUpdate(
    task: AgentTask,
    key: string,
    { record, isIncluded }: { readonly record: CheckpointUpdate; readonly isIncluded: boolean },
  ): void {
    const { reports } = this.#options.context;
    const { status } = record;
    const number = Number(key.slice(key.lastIndexOf('/') + 1));
    if (!isIncluded && number >= task.nextUpdate) reports.replay(task, status);
    task.nextUpdate = Math.max(task.nextUpdate, number + 1);
    task.updates.set(key, { number, task: task.task, isCommitted: true });
    if (status.uuid !== undefined) task.seenUuids.add(status.uuid);
    reports.deliver(task, status, key);
  }

  async #recoverSandboxes(): Promise<void> {
    const { store, context } = this.#options;
    for (const entry of await store.list('sandboxes/')) {
      const sandbox: CheckpointSandbox = decode('CheckpointSandbox', entry);
      const containerId = id<'ContainerId'>(entry.key.slice(entry.key.lastIndexOf('/') + 1));
      context.collector.recover(containerId, sandbox.directory, sandbox.ended_at);
    }
  }

  #survivors(): Survivors {
    const all = [...this.#options.context.state.executors()];
    for (const executor of all) {
      // A sandbox that is to be removed is counted by that already.
      const { collector } = this.#options.context;
      if (!collector.has(executor.containerId)) collector.retain(executor.directory);
    }
    return {
      tasks: all
        .filter((executor) => executor.kind !== 'CUSTOM')
        .flatMap((executor) => [...executor.active.values()]),
      executors: all.filter(
        (executor) => executor.kind === 'CUSTOM' && executor.phase !== 'terminated',
      ),
    };
  }

  #adopt(survivors: Survivors, fateOf: (containerId: ContainerId) => ContainerFate): void {
    const { context, commandTasks, customExecutors } = this.#options;
    const batch = context.checkpoint.batch();
    for (const executor of survivors.executors) {
      customExecutors.adopt(batch, executor, fateOf(executor.containerId));
    }
    for (const task of survivors.tasks) {
      const containerId = task.containerId ?? task.executor.containerId;
      commandTasks.adopt(batch, task, fateOf(containerId));
    }
    for (const executor of context.state.executors()) {
      if (executor.kind !== 'CUSTOM' && executor.active.size === 0) executor.phase = 'terminated';
      for (const task of executor.terminated.values()) {
        // Its terminal update was acknowledged, or it would have a record.
        if (task.updates.size === 0) context.reports.forget(task);
      }
      batch.afterwards(() => context.reports.tidy(executor));
    }
    for (const framework of context.state.frameworks.values()) {
      batch.afterwards(() => context.reports.tidyFramework(framework));
    }
    batch.commit();
  }
}

function knownOf(survivors: Survivors): readonly KnownContainer[] {
  return [
    ...survivors.executors.map(({ containerId, process, info }) => ({
      ...known(containerId, process),
      container: info.container,
    })),
    ...survivors.tasks.map((task) => ({
      ...known(task.containerId ?? task.executor.containerId, task.process),
      container: task.task.container,
    })),
  ];
}

function known(
  containerId: ContainerId,
  process: { readonly pid: number; readonly start_time: string } | undefined,
): KnownContainer {
  return {
    containerId,
    process: process && { pid: process.pid, startTime: process.start_time },
  };
}

function decode<Name extends MessageName>(name: Name, entry: StoreEntry): Messages[Name] {
  try {
    return decodeJson(name, entry.value);
  } catch (error) {
    throw otherFormat(`record '${entry.key}': ${errorMessage(error)}`, error);
  }
}

function otherFormat(detail: string, cause?: unknown): PlateauError {
  return new PlateauError(
    'WORK_DIR_FORMAT',
    `the checkpoint of the agent cannot be read by this version (${detail}): use the version that ` +
      'wrote it, or another work directory',
    cause === undefined ? {} : { cause },
  );
}
