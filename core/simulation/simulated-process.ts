/**
 * A process of somebody else on a node of the simulated cluster, such as a scheduler: it is started and
 * crashed as masters and agents are, with a clock that ends with it and a disk that outlives it.
 */
import { PlateauError, type Store } from '../base/index.js';
import { MemoryMedium, MemoryStore } from '../store/index.js';
import type { NodeContext } from './node-context.js';
import { type ProcessWorld, processWorld } from './process-world.js';
import { SchedulerLink, type SchedulerLinkHandlers } from './scheduler-link.js';

/** What runs on the node. */
export interface ProcessProgram {
  /** A new life begins: it may use what it is given until it crashes. What it throws ends the run. */
  readonly start: (life: ProcessLife) => void | Promise<void>;
  /** It has died: its timers are gone, its connections closed, its store does not answer any more. */
  readonly crash?: () => void;
}

/** What one life of a process stands on. */
export interface ProcessLife {
  readonly name: string;
  /** The first life is 1. */
  readonly incarnation: number;
  readonly world: ProcessWorld;
  /** Over the disk of the node: what was committed in earlier lives is there. */
  readonly store: Store;
  /** Makes a link to the master, which ends with this life. */
  readonly link: (handlers: SchedulerLinkHandlers) => SchedulerLink;
  /**
   * The process ends by itself: in peace, or for an error. A store that refused is a reason, as for a
   * master; any other error ends the run.
   */
  readonly stopped: (error?: unknown) => void;
}

/** The disk of a process. */
export interface ProcessDisk {
  /** One that it shares with other processes. Default: one of its own. */
  readonly medium?: MemoryMedium;
  /** Longest time of a commit in milliseconds; each is drawn evenly from 0. Default: that of the cluster. */
  readonly maxCommitMs?: number;
}

export interface SimulatedProcessOptions extends ProcessDisk {
  readonly name: string;
  readonly program: ProcessProgram;
  readonly master: string;
}

interface RunningProcess {
  readonly world: ProcessWorld;
  readonly store: MemoryStore;
}

export class SimulatedProcess {
  readonly name: string;
  /** The disk. */
  readonly medium: MemoryMedium;
  readonly #program: ProcessProgram;
  readonly #maxCommitMs: number | undefined;
  readonly #context: NodeContext;
  readonly #master: string;
  #running: RunningProcess | undefined;
  #incarnation = 0;

  constructor(options: SimulatedProcessOptions, context: NodeContext) {
    this.name = options.name;
    this.medium = options.medium ?? new MemoryMedium();
    this.#maxCommitMs = options.maxCommitMs;
    this.#program = options.program;
    this.#master = options.master;
    this.#context = context;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Writes that are on their way to the disk now. */
  get pendingWrites(): number {
    return this.#running?.store.pendingWrites ?? 0;
  }

  /** Starts a new life, unless it runs. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#incarnation += 1;
    const { trace, disks } = this.#context;
    const process = `${this.name}/${this.#incarnation}`;
    const world = processWorld({ ...this.#context, name: process });
    const store = new MemoryStore({
      medium: this.medium,
      delay: {
        clock: world.clock,
        commitMs: disks.commitTimes(this.name, world.random.fork('disk'), this.#maxCommitMs),
      },
    });
    const running = { world, store };
    this.#running = running;
    trace.add(this.name, 'start', process);
    const life: ProcessLife = {
      name: this.name,
      incarnation: this.#incarnation,
      world,
      store,
      link: (handlers) => this.#link(world, handlers),
      stopped: (error) => this.#stopped(running, error),
    };
    this.#begin(running, life).catch((error: unknown) => this.#stopped(running, error));
  }

  /** It dies. Of its pending writes the first `keptWrites` are kept. */
  crash(keptWrites = 0): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#context.trace.add(this.name, 'crash', String(keptWrites));
    running.world.clock.kill();
    this.#context.network.crash(this.name);
    running.store.crash(keptWrites);
    this.#program.crash?.();
  }

  /** The disk refuses the next write; or does so no more. */
  failDisk(isFailing = true): void {
    this.#running?.store.failNextWrites(isFailing ? 1 : 0);
  }

  async #begin(running: RunningProcess, life: ProcessLife): Promise<void> {
    if (!running.world.clock.isDead) await this.#program.start(life);
  }

  #link(world: ProcessWorld, handlers: SchedulerLinkHandlers): SchedulerLink {
    const { network, wire } = this.#context;
    const isAlive = (): boolean => !world.clock.isDead;
    return new SchedulerLink({
      network,
      wire,
      from: this.name,
      to: this.#master,
      isAlive,
      handlers,
    });
  }

  #stopped(running: RunningProcess, error: unknown): void {
    if (this.#running !== running) return;
    const code = error instanceof PlateauError ? error.code : undefined;
    this.#context.trace.add(this.name, 'stopped', String(code));
    if (error === undefined || code === 'STORE_FAILED' || code === 'FENCED') this.crash();
    else this.#context.fail(this.name, error);
  }
}
