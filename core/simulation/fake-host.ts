/**
 * A host with its launcher and task processes: what survives when the agent on it crashes, and what
 * is gone when it reboots. It also keeps the truth about every task that ever ran on it, against
 * which the run is checked.
 */
import type {
  ContainerEnd,
  ContainerSpec,
  LaunchOutcome,
  ProbeListener,
  ProbeSpec,
} from '../agent/index.js';
import type { ContainerId, Disposable, Random } from '../base/index.js';
import { BoundedMap } from './bounded-map.js';
import { type RunningProgram, fakeProbe } from './fake-probes.js';
import { FakeVolumes } from './fake-volumes.js';
import type { ProcessClock } from './process-world.js';
import { type Program, drawLife, parseProgram } from './programs.js';

/** A container on the host. */
export interface HostContainer {
  readonly containerId: ContainerId;
  /** `framework/task`, from the environment of the container. */
  readonly task: string;
  readonly cpus: number;
  readonly pid: number;
  readonly startTime: string;
  readonly program: Program;
  /** On the clock of the host. */
  readonly startedMs: number;
  /** Undefined while it runs. */
  end: ContainerEnd | undefined;
  timer: Disposable | undefined;
}

export interface FakeHostOptions {
  readonly name: string;
  readonly random: Random;
  /** Makes the clock of the launcher and of all processes for one boot. */
  readonly createClock: () => ProcessClock;
  readonly onEvent: (kind: HostEvent, text: string) => void;
}

/** Whose host it is, with what the checks compare. */
export interface HostOwner {
  readonly name: string;
  readonly host: FakeHost;
  readonly totalCpus: number;
}

/** What happens on a host: the text names the task, or the boot. */
export type HostEvent = 'started' | 'ended' | 'killed' | 'reboot';

/** Tasks of which a host remembers that they started, or how they ended; the oldest are forgotten. */
export const MAX_REMEMBERED_TASKS = 10_000;

/** Time that the launcher takes to start a process, at least and at most. */
const START_MS = [1, 6] as const;

/** Time between a signal and the end of a process that heeds it. */
const SIGNAL_MS = 1;

export class FakeHost {
  readonly #options: FakeHostOptions;
  readonly #containers = new Map<ContainerId, HostContainer>();
  readonly #starts = new BoundedMap<string, number>(MAX_REMEMBERED_TASKS);
  readonly #ends = new BoundedMap<string, ContainerEnd>(MAX_REMEMBERED_TASKS);
  readonly #launching = new Set<Disposable>();
  /** The folders of persistent volumes, which outlive everything. */
  readonly volumes = new FakeVolumes();
  /** For what is drawn in the lives of programs. */
  readonly #lives: Random;
  #clock: ProcessClock;
  #boots = 1;
  #lastPid = 1000;
  #onEnd: ((containerId: ContainerId, end: ContainerEnd) => void) | undefined;

  constructor(options: FakeHostOptions) {
    this.#options = options;
    this.#lives = options.random.fork('lives');
    this.#clock = options.createClock();
  }

  get bootId(): string {
    return `${this.#options.name}-boot-${this.#boots}`;
  }

  /** Containers that nobody has forgotten. */
  get containers(): ReadonlyMap<ContainerId, HostContainer> {
    return this.#containers;
  }

  /** How often each task was started here. */
  get starts(): ReadonlyMap<string, number> {
    return this.#starts.entries;
  }

  /** How tasks ended that were started here; those lost in a reboot are not in it. */
  get ends(): ReadonlyMap<string, ContainerEnd> {
    return this.#ends.entries;
  }

  /** Starts a container after a while; `done` is told of it unless the agent has gone meanwhile. */
  launch(spec: ContainerSpec, done: (outcome: LaunchOutcome) => void): void {
    const [least, most] = START_MS;
    const delayMs = least + this.#options.random.below(most - least);
    const launching = this.#clock.setTimer(delayMs, () => {
      this.#launching.delete(launching);
      const program = parseProgram(spec.command.value ?? '');
      if (this.#failsToStart(program)) {
        done({ kind: 'failed', stage: 'command', message: 'the program cannot be started' });
        return;
      }
      const container = this.#start(spec, program);
      const { pid, startTime } = container;
      done({ kind: 'started', pid, startTime });
      const { end } = program;
      if (end === undefined) return;
      const lifeMs = drawLife(end, this.#lives);
      container.timer = this.#clock.setTimer(lifeMs, () => this.#finish(container, end.how));
    });
    this.#launching.add(launching);
  }

  /** Probes a program that runs here. */
  probe(spec: ProbeSpec, listener: ProbeListener): Disposable {
    return fakeProbe(spec, listener, { clock: this.#clock, programs: () => this.#programs() });
  }

  *#programs(): Iterable<RunningProgram> {
    for (const { program, end, startedMs } of this.#containers.values()) {
      if (end === undefined) yield { program, startedMs };
    }
  }

  /** Forgets what an earlier agent asked for and is not started yet. */
  cancelLaunches(): void {
    for (const launching of this.#launching) launching.dispose();
    this.#launching.clear();
  }

  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void {
    const container = this.#containers.get(containerId);
    if (container === undefined || container.end !== undefined) return;
    const { ignoresTerm, termMs } = container.program;
    if (signal === 'SIGTERM' && ignoresTerm) return;
    container.timer?.dispose();
    const delayMs = (signal === 'SIGTERM' ? termMs : undefined) ?? SIGNAL_MS;
    container.timer = this.#clock.setTimer(delayMs, () =>
      this.#finish(container, { kind: 'signaled', signal }),
    );
  }

  /** The process of a task dies by itself, as of a fault in it. Does nothing to one that has ended. */
  crash(containerId: ContainerId, signal = 'SIGSEGV'): void {
    const container = this.#containers.get(containerId);
    if (container === undefined || container.end !== undefined) return;
    container.timer?.dispose();
    this.#finish(container, { kind: 'signaled', signal });
  }

  /** Kills at once, without a word to the agent. */
  kill(containerId: ContainerId): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    container.timer?.dispose();
    this.#containers.delete(containerId);
    if (container.end === undefined) {
      this.#ends.set(container.task, { kind: 'signaled', signal: 'SIGKILL' });
      this.#tell('killed', container.task);
    }
  }

  forget(containerId: ContainerId): void {
    this.#containers.delete(containerId);
  }

  /** The agent that hears of ends; undefined: none does. */
  attach(onEnd: ((containerId: ContainerId, end: ContainerEnd) => void) | undefined): void {
    this.#onEnd = onEnd;
  }

  /** Everything that runs here is gone, and nobody saw it end. */
  reboot(): void {
    this.#clock.kill();
    this.#clock = this.#options.createClock();
    this.#boots += 1;
    this.#containers.clear();
    this.#onEnd = undefined;
    this.#tell('reboot', this.bootId);
  }

  #failsToStart({ failsToStart, startFailures }: Program): boolean {
    if (failsToStart) return true;
    return startFailures !== undefined && this.#lives.next() < startFailures;
  }

  #tell(kind: HostEvent, text: string): void {
    this.#options.onEvent(kind, text);
  }

  #start(spec: ContainerSpec, program: Program): HostContainer {
    const { environment, containerId, limits } = spec;
    const task = `${environment['MESOS_FRAMEWORK_ID']}/${environment['MESOS_TASK_ID']}`;
    this.#lastPid += 1;
    const container: HostContainer = {
      containerId,
      task,
      cpus: limits.cpus ?? 0,
      pid: this.#lastPid,
      startTime: String(Math.floor(this.#clock.elapsed())),
      program,
      startedMs: this.#clock.elapsed(),
      end: undefined,
      timer: undefined,
    };
    this.#containers.set(containerId, container);
    this.#starts.set(task, (this.#starts.get(task) ?? 0) + 1);
    this.#tell('started', task);
    return container;
  }

  #finish(container: HostContainer, end: ContainerEnd): void {
    container.end = end;
    container.timer = undefined;
    this.#ends.set(container.task, end);
    this.#tell('ended', container.task);
    this.#onEnd?.(container.containerId, end);
  }
}
