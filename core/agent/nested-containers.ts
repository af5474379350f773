/**
 * Containers that the operators' API launches: inside those of tasks and executors, inside each other,
 * or standalone. A record is durable before a process is started, and an end before it is told. A
 * container ends with its parent. One that has ended is remembered until it is removed, its parent ends
 * or too many others have ended since. Sessions end with their first reader, and with the agent.
 */
import type { CallAnswer, CheckpointContainerKind, ContainerID } from '../api/index.js';
import { type ContainerId, type Store, errorMessage } from '../base/index.js';
import { ApiContainer, exitOf } from './api-container.js';
import { ApiContainers } from './api-containers.js';
import { newContainerId } from './container-ids.js';
import { type ContainerRun, findTaskRun, pathOfContainer } from './container-parents.js';
import type { ContainerSession } from './container-sessions.js';
import { type ContainerLaunch, containerDirectory, containerSpec } from './container-spec.js';
import { type AwaitedEnd, ContainerWaiters } from './container-waiters.js';
import type { AgentContext } from './context.js';
import { MAX_SESSIONS, OpenSessions, TOO_MANY_TERMINALS } from './open-sessions.js';
import type {
  ContainerEnd,
  ContainerFate,
  ContainerUsage,
  KnownContainer,
  LaunchOutcome,
  PendingOperation,
  Sandboxes,
} from './ports.js';

/** Containers of the API that run at the same time on one agent. */
export const MAX_API_CONTAINERS = 1_000;
/** How deep containers may be inside each other, that of the task included. */
export const MAX_CONTAINER_DEPTH = 8;

export class NestedContainers {
  readonly #context: AgentContext;
  readonly #sandboxes: Sandboxes;
  readonly #all: ApiContainers;
  readonly #sessions: OpenSessions;
  readonly #waiters = new ContainerWaiters();
  readonly #earlyEnds = new Map<ContainerId, ContainerEnd>();
  /** Those that are being removed. */
  readonly #removing = new Set<string>();

  constructor(context: AgentContext, sandboxes: Sandboxes) {
    this.#context = context;
    this.#sandboxes = sandboxes;
    this.#all = new ApiContainers(context.checkpoint);
    this.#sessions = new OpenSessions(context);
  }

  /** All that are remembered, those that have ended included. */
  list(): Iterable<ApiContainer> {
    return this.#all.all();
  }

  /** What the containerizer is busy with, for people. */
  pending(): readonly PendingOperation[] {
    return this.#context.containerizer.pending?.() ?? [];
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
    const container = this.#all.find(launch.containerId);
    if (container === undefined) return refuse('Its parent ended when it was launched');
    const { runId } = container;
    try {
      await this.#sessions.open(runId, containerizer.pipes(runId));
      if (container.phase === 'ended') this.#sessions.end(runId);
      return answer;
    } catch (error) {
      this.#sessions.giveUp(runId);
      if (container.phase === 'ended') containerizer.forget(runId);
      this.#end(container);
      return { status: 500, message: `The streams cannot be attached: ${errorMessage(error)}` };
    }
  }

  /** The session of a container, or its terminal; or why there is neither. */
  async attach(containerId: ContainerID): Promise<ContainerSession | CallAnswer> {
    const name = pathOfContainer(containerId);
    const run = this.#runOf(containerId);
    if (run === undefined) return { status: 404, message: `There is no container ${name}.` };
    const session = await this.#sessions.attach(run.runId, run.isRunning);
    if (session === TOO_MANY_TERMINALS) return tooMany('terminals', MAX_SESSIONS);
    return (
      session ?? {
        status: 500,
        message: `Container ${name} has no streams to attach to: its output is in the files of its sandbox. Launch it by LAUNCH_NESTED_CONTAINER_SESSION, or with 'container.tty_info'.`,
      }
    );
  }

  /** Lets go of what it holds of the host; everything runs on. */
  close(): void {
    this.#sessions.leaveTerminals();
  }

  /** Ends a container whose client has gone. */
  abandon(containerId: ContainerID): void {
    const container = this.#all.find(containerId);
    if (container !== undefined) this.#end(container);
  }

  /** Waits for the end of a container, be it of the API or of a task; undefined: there is none. */
  wait(containerId: ContainerID): AwaitedEnd | undefined {
    const container = this.#all.find(containerId);
    if (container?.exit !== undefined) {
      return { exit: Promise.resolve(container.exit), forget: () => undefined };
    }
    const run = container ?? this.#taskRun(containerId);
    if (run === undefined || ('isRunning' in run && !run.isRunning)) return undefined;
    return this.#waiters.add(run.runId);
  }

  /** Sends a signal to all processes of a container. */
  kill(containerId: ContainerID, signal: number): CallAnswer {
    if (!Number.isInteger(signal) || signal < 1 || signal > MAX_SIGNAL) {
      return { status: 400, message: `'signal' must be a number from 1 to ${MAX_SIGNAL}` };
    }
    const path = pathOfContainer(containerId);
    const container = this.#all.find(containerId);
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
    const container = this.#all.find(containerId);
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
    void this.#sessions.endTerminal(runId);
    this.#parentEnded(runId);
    const container = this.#all.byRun(runId);
    if (container === undefined) this.#waiters.answer(runId, exitOf(end));
    else if (container.phase === 'starting') this.#earlyEnds.set(runId, end);
    else if (container.phase === 'started') this.#settle(container, end);
  }

  /** The executor of a group has ended, which has no process. */
  executorEnded(runId: ContainerId): void {
    this.#waiters.answer(runId, { status: 0, message: undefined });
    this.#parentEnded(runId);
  }

  /** Reads the records of an earlier run. @returns those of which something may still run. */
  async restore(store: Store): Promise<readonly KnownContainer[]> {
    await this.#all.restore(store);
    return [...this.#all.all()]
      .filter(({ phase }) => phase !== 'ended')
      .map(({ runId, process }) => ({
        containerId: runId,
        process: process && { pid: process.pid, startTime: process.start_time },
      }));
  }

  /** Takes over what was restored, once tasks and executors have been. */
  adopt(fateOf: (runId: ContainerId) => ContainerFate): void {
    // Parents come first, so that what is below one that has ended is found to be so.
    const all = [...this.#all.all()].toSorted((a, b) => depthOf(a) - depthOf(b));
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
    if (this.#all.find(containerId) !== undefined || this.#taskRun(containerId) !== undefined) {
      return { status: 202 };
    }
    const parent = containerId.parent && this.#runOf(containerId.parent);
    const fault = this.#faultOf(containerId, kind, parent);
    if (fault !== undefined) return fault;
    const container = this.#create(launch, kind, parent);
    await this.#all.written(container);
    if (this.#context.timers.isDisposed) return CLOSING;
    const outcome = container.isEnding
      ? ENDED_MEANWHILE
      : await this.#context.containerizer.launch(
          containerSpec(this.#context, container, launch, parent),
        );
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
    if (this.#all.running >= MAX_API_CONTAINERS) return tooMany('containers', MAX_API_CONTAINERS);
    const isFull = kind === 'SESSION' && this.#all.runningSessions >= MAX_SESSIONS;
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
      directory: containerDirectory(config.workDir, containerId, kind, parent),
      user: (config.switchUser ? command?.user : undefined) ?? parent?.user,
      resources: resources ?? [],
    });
    container.parentRunId = parent?.runId;
    container.executor = parent?.executor;
    this.#all.add(container);
    if (kind === 'SESSION') this.#sessions.expect(container.runId);
    return container;
  }

  #launched(container: ApiContainer, outcome: LaunchOutcome): CallAnswer {
    if (outcome.kind === 'failed') {
      this.#sessions.giveUp(container.runId);
      const isMade = container.kind !== 'SESSION' && outcome !== ENDED_MEANWHILE;
      this.#drop(container);
      if (isMade) void this.#sandboxes.remove(container.directory).catch(() => undefined);
      this.#waiters.answer(container.runId, { status: undefined, message: outcome.message });
      return refuse(`Failed to launch container: ${outcome.message}`);
    }
    container.phase = 'started';
    container.process = this.#processRecord(outcome);
    this.#all.write(container);
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
    this.#all.retire(container);
    this.#sessions.end(runId);
    const { checkpoint, containerizer } = this.#context;
    const batch = checkpoint.batch();
    this.#all.put(batch, container);
    batch.afterwards(() => this.#waiters.answer(runId, exit));
    // A session is not forgotten before its last output was read.
    if (!this.#sessions.isUnread(runId)) batch.afterwards(() => containerizer.forget(runId));
    batch.commit();
    if (container.isOrphan) this.#drop(container);
    for (const oldest of this.#all.excess()) {
      this.#drop(oldest);
      if (oldest.kind === 'STANDALONE') {
        void this.#sandboxes.remove(oldest.directory).catch(() => undefined);
      }
    }
  }

  /** Kills a container with everything in it. */
  #end(container: ApiContainer): void {
    if (container.phase === 'ended') return;
    container.isEnding = true;
    this.#all.write(container);
    this.#context.containerizer.signal(container.runId, 'SIGKILL');
  }

  #parentEnded(runId: ContainerId): void {
    for (const container of this.#all.all()) {
      if (container.parentRunId !== runId) continue;
      container.isOrphan = true;
      if (container.phase === 'ended') this.#drop(container);
      else this.#end(container);
    }
  }

  #runOf(containerId: ContainerID): ContainerRun | undefined {
    const container = this.#all.find(containerId);
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

  /** Forgets a container; what still waits to be read of it is given up. */
  #drop(container: ApiContainer): void {
    this.#letGo(container.runId);
    this.#all.drop(container);
  }

  /** The same; resolves when a restart will not know it. */
  #dropped(container: ApiContainer): Promise<void> {
    this.#letGo(container.runId);
    return this.#all.dropped(container);
  }

  #letGo(runId: ContainerId): void {
    if (this.#sessions.giveUp(runId)) this.#context.containerizer.forget(runId);
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

function depthOf({ path }: ApiContainer): number {
  return path.split('.').length;
}
