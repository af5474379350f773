/**
 * Containers that the operators' API launches: inside those of tasks and executors, inside each other,
 * or standalone. A record is durable before a process is started, and an end before it is told. A
 * container ends with its parent. One that has ended is remembered until it is removed, its parent ends
 * or too many others have ended since. Sessions end with their first reader, and with the agent.
 */
import type {
  CallAnswer,
  CheckpointContainerKind,
  CommandInfo,
  ContainerID,
  ContainerInfo,
  Resource,
} from '../api/index.js';
import { type ContainerId, type Store, errorMessage } from '../base/index.js';
import { Resources, fromThousandths } from '../resources/index.js';
import { decodeJson } from '../api/index.js';
import {
  ApiContainer,
  type ContainerExit,
  containerRecord,
  exitOf,
  restoreContainer,
} from './api-container.js';
import { type Batch, KEYS } from './checkpoint.js';
import { newContainerId } from './container-ids.js';
import { type ContainerRun, findTaskRun, pathOfContainer } from './container-parents.js';
import { ContainerSession } from './container-sessions.js';
import type { AgentContext } from './context.js';
import { baseEnvironment, containerEnvironment } from './environment.js';
import { nestedDirectory, standaloneDirectory } from './paths.js';
import type {
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  ContainerUsage,
  KnownContainer,
  LaunchOutcome,
  Sandboxes,
} from './ports.js';

/** Containers of the API that run at the same time on one agent. */
export const MAX_API_CONTAINERS = 1_000;
/** Sessions among them. */
export const MAX_SESSIONS = 100;
/** Containers of the API that have ended and are remembered. */
export const MAX_ENDED_API_CONTAINERS = 1_000;
/** How deep containers may be inside each other, that of the task included. */
export const MAX_CONTAINER_DEPTH = 8;
/** How long the last output of a session is waited for after its end. */
export const SESSION_DRAIN_MS = 2_000;

/** What to launch. */
export interface ContainerLaunch {
  readonly containerId: ContainerID;
  readonly command: CommandInfo | undefined;
  readonly container: ContainerInfo | undefined;
  readonly resources?: readonly Resource[] | undefined;
}

/** An end that is awaited. Forgetting it is how to stop waiting. */
export interface AwaitedEnd {
  readonly exit: Promise<ContainerExit>;
  forget(): void;
}

type Waiter = (exit: ContainerExit) => void;

export class NestedContainers {
  readonly #context: AgentContext;
  readonly #sandboxes: Sandboxes;
  readonly #byPath = new Map<string, ApiContainer>();
  readonly #byRun = new Map<ContainerId, ApiContainer>();
  readonly #sessions = new Map<ContainerId, ContainerSession>();
  /** Containers whose streams are still to be taken, even if they have ended already. */
  readonly #opening = new Set<ContainerId>();
  readonly #waiters = new Map<ContainerId, Set<Waiter>>();
  readonly #earlyEnds = new Map<ContainerId, ContainerEnd>();
  /** Those that have ended, oldest first. */
  readonly #ended = new Set<ApiContainer>();
  /** Those that are being removed. */
  readonly #removing = new Set<string>();

  constructor(context: AgentContext, sandboxes: Sandboxes) {
    this.#context = context;
    this.#sandboxes = sandboxes;
  }

  /** All that are remembered, those that have ended included. */
  list(): Iterable<ApiContainer> {
    return this.#byPath.values();
  }

  /** What the processes of containers use, by the number of their first one. */
  usage(
    leaders: readonly { readonly pid: number; readonly startTime: string }[],
  ): ReadonlyMap<number, ContainerUsage> {
    return this.#context.containerizer.usage?.(leaders) ?? new Map<number, ContainerUsage>();
  }

  /**
   * Launches a container. 200: it runs; 202: there is one of that id, which is left as it is; 400:
   * it cannot run, and nothing of it is left; 503: there are too many.
   */
  launch(launch: ContainerLaunch): Promise<CallAnswer> {
    const { parent } = launch.containerId;
    return this.#launch(launch, parent === undefined ? 'STANDALONE' : 'NESTED');
  }

  /** As `launch`, with the standard streams in a session; answers 500 when they cannot be had. */
  async launchSession(launch: ContainerLaunch): Promise<CallAnswer> {
    const { containerizer } = this.#context;
    if (containerizer.pipes === undefined) {
      return { status: 501, message: 'Containers of this agent have no sessions.' };
    }
    if ((launch.command?.uris ?? []).length > 0) return refuse(NO_URIS);
    const answer = await this.#launch(launch, 'SESSION');
    if (answer.status !== 200) return answer;
    const container = this.#byPath.get(pathOfContainer(launch.containerId));
    if (container === undefined) return refuse('Its parent ended when it was launched');
    const { runId } = container;
    try {
      const session = new ContainerSession(await containerizer.pipes(runId));
      this.#sessions.set(runId, session);
      this.#opening.delete(runId);
      if (container.phase === 'ended') this.#endSession(container);
      return answer;
    } catch (error) {
      this.#opening.delete(runId);
      if (container.phase === 'ended') containerizer.forget(runId);
      this.#end(container);
      return { status: 500, message: `The streams cannot be attached: ${errorMessage(error)}` };
    }
  }

  /** The session of a container, or why there is none. */
  sessionOf(containerId: ContainerID): ContainerSession | CallAnswer {
    const container = this.#byPath.get(pathOfContainer(containerId));
    const session = container && this.#sessions.get(container.runId);
    if (session !== undefined) return session;
    const isKnown = container !== undefined || this.#taskRun(containerId) !== undefined;
    const name = pathOfContainer(containerId);
    return isKnown
      ? {
          status: 500,
          message: `Container ${name} has no streams to attach to: its output is in the files of its sandbox. Launch it by LAUNCH_NESTED_CONTAINER_SESSION.`,
        }
      : { status: 404, message: `There is no container ${name}.` };
  }

  /** Ends a container whose client has gone. */
  abandon(containerId: ContainerID): void {
    const container = this.#byPath.get(pathOfContainer(containerId));
    if (container !== undefined) this.#end(container);
  }

  /** Waits for the end of a container, be it of the API or of a task; undefined: there is none. */
  wait(containerId: ContainerID): AwaitedEnd | undefined {
    const container = this.#byPath.get(pathOfContainer(containerId));
    if (container?.exit !== undefined) {
      return { exit: Promise.resolve(container.exit), forget: () => undefined };
    }
    const run = container ?? this.#taskRun(containerId);
    if (run === undefined || ('isRunning' in run && !run.isRunning)) return undefined;
    const { runId } = run;
    const waiters = this.#waiters.get(runId) ?? new Set<Waiter>();
    this.#waiters.set(runId, waiters);
    let forget = (): void => undefined;
    const exit = new Promise<ContainerExit>((resolve) => {
      waiters.add(resolve);
      forget = () => {
        waiters.delete(resolve);
        if (waiters.size === 0) this.#waiters.delete(runId);
      };
    });
    return { exit, forget };
  }

  /** Sends a signal to all processes of a container. */
  kill(containerId: ContainerID, signal: number): CallAnswer {
    if (!Number.isInteger(signal) || signal < 1 || signal > MAX_SIGNAL) {
      return { status: 400, message: `'signal' must be a number from 1 to ${MAX_SIGNAL}` };
    }
    const path = pathOfContainer(containerId);
    const container = this.#byPath.get(path);
    const run = container ?? this.#taskRun(containerId);
    if (run === undefined) return { status: 404, message: `There is no container ${path}.` };
    if (container?.phase === 'ended') return { status: 200 };
    if (run.process === undefined && container === undefined) {
      return { status: 400, message: `Container ${path} has no process: kill those inside it` };
    }
    if (signal === SIGKILL) this.#context.containerizer.signal(run.runId, 'SIGKILL');
    else this.#context.containerizer.signalNumber?.(run.runId, signal);
    return { status: 200 };
  }

  /** Forgets a container that has ended, with its sandbox. 200 also when there is none; 500: it runs. */
  async remove(containerId: ContainerID): Promise<CallAnswer> {
    const path = pathOfContainer(containerId);
    const container = this.#byPath.get(path);
    if (container === undefined && this.#taskRun(containerId) === undefined) {
      return { status: 200 };
    }
    if (container?.exit === undefined) {
      return { status: 500, message: `Container ${path} has not ended: kill it first` };
    }
    this.#removing.add(path);
    try {
      await this.#dropped(container);
      if (container.kind !== 'SESSION') await this.#sandboxes.remove(container.directory);
      return { status: 200 };
    } catch (error) {
      return { status: 500, message: `The sandbox cannot be removed: ${errorMessage(error)}` };
    } finally {
      this.#removing.delete(path);
    }
  }

  /** A container has ended, be it of the API or of a task. */
  ended(runId: ContainerId, end: ContainerEnd): void {
    this.#parentEnded(runId);
    const container = this.#byRun.get(runId);
    if (container === undefined) this.#answerWaiters(runId, exitOf(end));
    else if (container.phase === 'starting') this.#earlyEnds.set(runId, end);
    else if (container.phase === 'started') this.#settle(container, end);
  }

  /** The executor of a group has ended, which has no process. */
  executorEnded(runId: ContainerId): void {
    this.#answerWaiters(runId, { status: 0, message: undefined });
    this.#parentEnded(runId);
  }

  /** Reads the records of an earlier run. @returns those of which something may still run. */
  async restore(store: Store): Promise<readonly KnownContainer[]> {
    for (const entry of await store.list('containers/')) {
      const container = restoreContainer(decodeJson('CheckpointContainer', entry.value));
      this.#add(container);
      if (container.phase === 'ended') this.#ended.add(container);
    }
    return [...this.#byRun.values()]
      .filter(({ phase }) => phase !== 'ended')
      .map(({ runId, process }) => ({
        containerId: runId,
        process: process && { pid: process.pid, startTime: process.start_time },
      }));
  }

  /** Takes over what was restored, once tasks and executors have been. */
  adopt(fateOf: (runId: ContainerId) => ContainerFate): void {
    // Parents come first, so that what is below one that has ended is found to be so.
    const all = [...this.#byRun.values()].toSorted((a, b) => depthOf(a) - depthOf(b));
    for (const container of all) this.#adopt(container, fateOf);
  }

  #adopt(container: ApiContainer, fateOf: (runId: ContainerId) => ContainerFate): void {
    const { parent } = container.containerId;
    const run = parent && this.#runOf(parent);
    container.parentRunId = run?.runId;
    container.executor = run?.executor;
    const hasParent = parent === undefined || run?.isRunning === true;
    if (container.phase === 'ended') {
      if (!hasParent) this.#drop(container);
      return;
    }
    const fate = fateOf(container.runId);
    const isWanted = hasParent && container.kind !== 'SESSION';
    container.isOrphan = !hasParent;
    if (fate.kind !== 'running') {
      container.phase = 'started';
      this.#settle(container, fate);
      return;
    }
    container.phase = 'started';
    container.process ??= this.#processRecord(fate);
    if (!isWanted || container.isEnding) this.#end(container);
  }

  async #launch(launch: ContainerLaunch, kind: CheckpointContainerKind): Promise<CallAnswer> {
    const { containerId } = launch;
    const path = pathOfContainer(containerId);
    if (this.#byPath.has(path) || this.#taskRun(containerId) !== undefined) {
      return { status: 202 };
    }
    const parent = containerId.parent && this.#runOf(containerId.parent);
    const fault = this.#faultOf(containerId, kind, parent);
    if (fault !== undefined) return fault;
    const container = this.#create(launch, kind, parent);
    const batch = this.#context.checkpoint.batch();
    this.#put(batch, container);
    await durable(batch);
    if (this.#context.timers.isDisposed) return CLOSING;
    const outcome = container.isEnding
      ? ENDED_MEANWHILE
      : await this.#context.containerizer.launch(this.#specOf(container, launch, parent));
    if (this.#context.timers.isDisposed) return CLOSING;
    return this.#launched(container, outcome);
  }

  #faultOf(
    containerId: ContainerID,
    kind: CheckpointContainerKind,
    parent: ContainerRun | undefined,
  ): CallAnswer | undefined {
    const path = pathOfContainer(containerId);
    if (this.#context.state.isEnding) return { status: 503, message: 'The agent is ending.' };
    if (this.#removing.has(path)) {
      return { status: 503, message: `Container ${path} is being removed: try again.` };
    }
    if (containerId.parent !== undefined && parent?.isRunning !== true) {
      const name = pathOfContainer(containerId.parent);
      return refuse(`'container_id.parent': no container ${name} runs on this agent`);
    }
    if (path.split('.').length > MAX_CONTAINER_DEPTH) {
      return refuse(`'container_id' has more than ${MAX_CONTAINER_DEPTH} levels`);
    }
    if (this.#byRun.size - this.#ended.size >= MAX_API_CONTAINERS)
      return tooMany('containers', MAX_API_CONTAINERS);
    const sessions = [...this.#byRun.values()].filter(
      (one) => one.kind === 'SESSION' && one.phase !== 'ended',
    );
    const isFull = kind === 'SESSION' && sessions.length >= MAX_SESSIONS;
    return isFull ? tooMany('sessions', MAX_SESSIONS) : undefined;
  }

  #create(
    launch: ContainerLaunch,
    kind: CheckpointContainerKind,
    parent: ContainerRun | undefined,
  ): ApiContainer {
    const { config, world } = this.#context;
    const { containerId, command, resources } = launch;
    const container = new ApiContainer({
      containerId,
      runId: newContainerId(world),
      kind,
      directory: directoryOf(config.workDir, containerId, kind, parent),
      user: (config.switchUser ? command?.user : undefined) ?? parent?.user,
      resources: resources ?? [],
    });
    container.parentRunId = parent?.runId;
    container.executor = parent?.executor;
    this.#add(container);
    if (kind === 'SESSION') this.#opening.add(container.runId);
    return container;
  }

  #specOf(
    container: ApiContainer,
    launch: ContainerLaunch,
    parent: ContainerRun | undefined,
  ): ContainerSpec {
    const { directory: sandbox, runId, user, kind } = container;
    const resources = Resources.fromWire(container.resources);
    return {
      containerId: runId,
      sandbox,
      command: launch.command ?? {},
      container: launch.container,
      environment: this.#environmentOf(container, parent),
      environmentFrom: parent?.process,
      hasPipes: kind === 'SESSION',
      user,
      limits: {
        ...(resources.scalar('cpus') > 0 && { cpus: fromThousandths(resources.scalar('cpus')) }),
        ...(resources.scalar('mem') > 0 && { memoryMiB: fromThousandths(resources.scalar('mem')) }),
      },
    };
  }

  /** What is not its parent's; all of it where the parent has no process. */
  #environmentOf(
    container: ApiContainer,
    parent: ContainerRun | undefined,
  ): Readonly<Record<string, string>> {
    const { address, config, state } = this.#context;
    const { directory: sandbox, executor } = container;
    if (parent?.process !== undefined) {
      return container.kind === 'SESSION' ? {} : sandboxEnvironment(sandbox);
    }
    if (executor === undefined)
      return { ...baseEnvironment(sandbox), ...sandboxEnvironment(sandbox) };
    return containerEnvironment({
      executor,
      agentId: state.agentId ?? '',
      sandbox,
      address,
      config,
    });
  }

  #launched(container: ApiContainer, outcome: LaunchOutcome): CallAnswer {
    if (outcome.kind === 'failed') {
      this.#opening.delete(container.runId);
      const isMade = container.kind !== 'SESSION' && outcome !== ENDED_MEANWHILE;
      this.#drop(container);
      if (isMade) void this.#sandboxes.remove(container.directory).catch(() => undefined);
      this.#answerWaiters(container.runId, { status: undefined, message: outcome.message });
      return refuse(`Failed to launch container: ${outcome.message}`);
    }
    container.phase = 'started';
    container.process = this.#processRecord(outcome);
    const batch = this.#context.checkpoint.batch();
    this.#put(batch, container);
    batch.commit();
    const end = this.#earlyEnds.get(container.runId);
    this.#earlyEnds.delete(container.runId);
    if (end !== undefined) this.#settle(container, end);
    else if (container.isEnding) this.#end(container);
    return { status: 200 };
  }

  #processRecord(process: { readonly pid: number; readonly startTime: string }): {
    readonly pid: number;
    readonly start_time: string;
    readonly started_at: number;
  } {
    const started_at = this.#context.world.clock.now() / 1000;
    return { pid: process.pid, start_time: process.startTime, started_at };
  }

  /** Puts an end on record, then lets the containerizer forget it. */
  #settle(container: ApiContainer, end: ContainerEnd): void {
    const { runId } = container;
    container.phase = 'ended';
    container.isEnding = true;
    const exit = exitOf(end);
    container.exit = exit;
    this.#ended.add(container);
    this.#endSession(container);
    const { checkpoint, containerizer } = this.#context;
    const batch = checkpoint.batch();
    this.#put(batch, container);
    batch.afterwards(() => this.#answerWaiters(runId, exit));
    // A session is not forgotten before its last output was read.
    const isRead = this.#sessions.has(runId) || this.#opening.has(runId);
    if (!isRead) batch.afterwards(() => containerizer.forget(runId));
    batch.commit();
    if (container.isOrphan) this.#drop(container);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED_API_CONTAINERS) break;
      this.#drop(oldest);
      if (oldest.kind === 'STANDALONE') {
        void this.#sandboxes.remove(oldest.directory).catch(() => undefined);
      }
    }
  }

  /** What the container wrote last is given out, if it comes within a moment. */
  #endSession({ runId }: ApiContainer): void {
    const session = this.#sessions.get(runId);
    if (session === undefined) return;
    session.containerEnded();
    const close = (): void => {
      session.cutOff();
      this.#sessions.delete(runId);
      this.#context.containerizer.forget(runId);
    };
    this.#watchSession(session, close, SESSION_DRAIN_MS);
  }

  /** As long as a slow reader still takes something, it is given time. */
  #watchSession(session: ContainerSession, close: () => void, delayMs: number): void {
    this.#context.timers.after(delayMs, () => {
      if (session.isHeldUp) this.#watchSession(session, close, delayMs);
      else close();
    });
  }

  /** Kills a container with everything in it. */
  #end(container: ApiContainer): void {
    if (container.phase === 'ended') return;
    container.isEnding = true;
    const batch = this.#context.checkpoint.batch();
    this.#put(batch, container);
    batch.commit();
    this.#context.containerizer.signal(container.runId, 'SIGKILL');
  }

  #parentEnded(runId: ContainerId): void {
    for (const container of this.#byRun.values()) {
      if (container.parentRunId !== runId) continue;
      container.isOrphan = true;
      if (container.phase === 'ended') this.#drop(container);
      else this.#end(container);
    }
  }

  #answerWaiters(runId: ContainerId, exit: ContainerExit): void {
    const waiters = this.#waiters.get(runId) ?? [];
    this.#waiters.delete(runId);
    for (const waiter of waiters) waiter(exit);
  }

  #runOf(containerId: ContainerID): ContainerRun | undefined {
    const container = this.#byPath.get(pathOfContainer(containerId));
    if (container === undefined) return this.#taskRun(containerId);
    const { runId, directory, user, process, executor, phase, isEnding } = container;
    return {
      runId,
      executor,
      directory,
      user,
      process: process && { pid: process.pid, startTime: process.start_time },
      isRunning: phase === 'started' && !isEnding,
    };
  }

  #taskRun(containerId: ContainerID): ContainerRun | undefined {
    return findTaskRun(this.#context.state, this.#context.config, containerId);
  }

  #add(container: ApiContainer): void {
    this.#byPath.set(container.path, container);
    this.#byRun.set(container.runId, container);
  }

  #put(batch: Batch, container: ApiContainer): void {
    batch.put(KEYS.container(container.runId), 'CheckpointContainer', containerRecord(container));
  }

  #drop(container: ApiContainer): void {
    this.#byPath.delete(container.path);
    this.#byRun.delete(container.runId);
    this.#ended.delete(container);
    const { runId } = container;
    if (this.#opening.delete(runId)) this.#context.containerizer.forget(runId);
    this.#context.checkpoint.deleteLazily([KEYS.container(container.runId)]);
  }

  /** Drops a container; resolves when a restart will not know it. */
  #dropped(container: ApiContainer): Promise<void> {
    this.#drop(container);
    const batch = this.#context.checkpoint.batch();
    batch.delete(KEYS.container(container.runId));
    return durable(batch);
  }
}

const SIGKILL = 9;
/** The highest number of a signal on Linux. */
const MAX_SIGNAL = 64;

const NO_URIS = "'command.uris' cannot be fetched into a session: it has no sandbox of its own";
const CLOSING: CallAnswer = { status: 503, message: 'The agent is closing.' };
const ENDED_MEANWHILE: LaunchOutcome = {
  kind: 'failed',
  stage: 'launcher',
  message: 'it was ended before it started',
};

function refuse(message: string): CallAnswer {
  return { status: 400, message };
}

function tooMany(what: string, bound: number): CallAnswer {
  const message = `${bound} ${what} of the API run on this agent: end some, and try again`;
  return { status: 503, message };
}

function durable(batch: Batch): Promise<void> {
  return new Promise((resolve) => {
    batch.afterwards(resolve);
    batch.commit();
  });
}

function directoryOf(
  workDir: string,
  containerId: ContainerID,
  kind: CheckpointContainerKind,
  parent: ContainerRun | undefined,
): string {
  if (parent === undefined) return standaloneDirectory(workDir, containerId.value);
  return kind === 'SESSION'
    ? parent.directory
    : nestedDirectory(parent.directory, containerId.value);
}

function sandboxEnvironment(sandbox: string): Readonly<Record<string, string>> {
  return { HOME: sandbox, MESOS_DIRECTORY: sandbox, MESOS_SANDBOX: sandbox };
}

function depthOf({ path }: ApiContainer): number {
  return path.split('.').length;
}
