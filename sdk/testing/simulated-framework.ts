/**
 * A framework as a process of a simulated cluster: the real runtime over a disk that survives crashes,
 * and over the simulated network. It can be killed, started again, and closed as in production.
 */
import { PlateauError, errorMessage } from '../../core/base/index.js';
import type {
  ProcessLife,
  SimulatedCluster,
  SimulatedProcess,
} from '../../core/simulation/index.js';
import type { MemoryMedium } from '../../core/store/index.js';
import type { TaskRecord, TaskStateName } from '../decisions/index.js';
import { isEnded } from '../decisions/index.js';
import type { FrameworkDefinition } from '../framework/index.js';
import {
  EMPTY_VIEW,
  type FrameworkRuntime,
  type Interceptor,
  type RuntimeView,
} from '../runtime/index.js';
import { disagreements } from './agreement.js';
import { Expectations } from './expectations.js';
import { FrameworkLife, LEASE_KEY } from './framework-life.js';
import {
  type FrameworkUnderTest,
  type MadeFramework,
  type MakeOptions,
  makeFramework,
} from './under-test.js';

export interface SimulatedFrameworkOptions extends MakeOptions {
  /** Name of its node. Default: the name of the framework. */
  readonly node?: string;
  readonly interceptors?: readonly Interceptor[];
  /** Longest time of a commit to its disk, in milliseconds; each is drawn evenly from 0. Default 4. */
  readonly maxCommitMs?: number;
  /** Whether it may end with an error by itself. Default false: the test fails. */
  readonly mayFail?: boolean;
}

export class SimulatedFramework<T extends object = object> {
  /** The name of its node. */
  readonly name: string;
  /** Assertions about it that read like a story. */
  readonly expect: Expectations;
  readonly #cluster: SimulatedCluster;
  readonly #make: () => MadeFramework<T>;
  readonly #options: SimulatedFrameworkOptions;
  readonly #process: SimulatedProcess;
  readonly #hasCopies: boolean;
  /** That of the present term, or of the next one. */
  #made: MadeFramework<T>;
  /** No term has begun with it yet. */
  #isFresh = true;
  #life: FrameworkLife | undefined;
  #last: RuntimeView | undefined;
  #starts = 0;
  readonly #hangingDaemons = new Set<string>();
  #failure: Error | undefined;
  #isClosed = false;
  /** The present life is over. */
  #ended: Promise<void> = Promise.resolve();

  /** @param shared the disk of its copies, when it has some: one of them is active, by a lease. */
  constructor(
    cluster: SimulatedCluster,
    target: FrameworkUnderTest<T>,
    options: SimulatedFrameworkOptions & { readonly shared?: MemoryMedium } = {},
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#make = () => makeFramework(target, cluster.world, options);
    this.#made = this.#make();
    this.name = options.node ?? this.definition.settings.name;
    this.#hasCopies = options.shared !== undefined;
    this.#process = cluster.process(
      this.name,
      { start: (life) => this.#begin(life), crash: () => this.#died() },
      {
        ...(options.shared !== undefined && { medium: options.shared }),
        ...(options.maxCommitMs !== undefined && { maxCommitMs: options.maxCommitMs }),
      },
    );
    this.expect = new Expectations(this);
  }

  /** Its disk. */
  get medium(): MemoryMedium {
    return this.#process.medium;
  }

  /** What its class says: that of the object whose handlers are called now. */
  get definition(): FrameworkDefinition {
    return this.#made.definition;
  }

  /** The object whose handlers are called now: a new one after each start. */
  get instance(): T {
    return this.#made.instance;
  }

  /** Whether its process lives; a copy that stands by does. */
  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  /** Whether its runtime runs: of several copies one does. */
  get isActive(): boolean {
    return this.#life?.runtime !== undefined;
  }

  /** Whether its end by an error is part of the test. */
  get mayFail(): boolean {
    return this.#options.mayFail === true;
  }

  /** How often its process was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Daemons that did not end when they were told to, in any of its terms. */
  get hangingDaemons(): readonly string[] {
    return [...this.#hangingDaemons];
  }

  /** What ended it by itself; undefined: nothing did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The runtime that runs now. @throws PlateauError `NOT_FOUND` when none does. */
  get runtime(): FrameworkRuntime {
    const runtime = this.#life?.runtime;
    if (runtime !== undefined) return runtime;
    const message = this.isRunning
      ? `${this.name} is not active: let time pass, or look at the copy that is.`
      : `${this.name} does not run: start it again first.`;
    throw new PlateauError('NOT_FOUND', message);
  }

  /** What there is to see of it; after a crash what was last seen, before it has begun nothing. */
  get view(): RuntimeView {
    return this.#life?.runtime?.view ?? this.#last ?? EMPTY_VIEW;
  }

  get frameworkId(): string | undefined {
    return this.view.frameworkId;
  }

  /** Its tasks in a state, or all, the oldest first. */
  tasks(state?: TaskStateName): readonly TaskRecord[] {
    const all = this.view.tasks.all();
    return state === undefined ? all : all.filter((task) => task.state === state);
  }

  running(name?: string): readonly TaskRecord[] {
    return this.view.tasks.live(name).filter((task) => task.state === 'RUNNING');
  }

  ended(name?: string): readonly TaskRecord[] {
    return this.view.tasks.all(name).filter((task) => isEnded(task.state));
  }

  /** Where it, the master and the hosts disagree on what runs; empty: they agree. */
  disagreements(): readonly string[] {
    return disagreements(this.#cluster, this);
  }

  /** Starts its process over what its disk has. Does nothing while it runs. */
  start(): void {
    this.#process.start();
  }

  /** Kills its process: nothing of it happens any more. Of its pending writes the seed draws how many arrive. */
  crash(): void {
    this.#cluster.crash(this.name);
  }

  /** The disk refuses its next write: the framework has to end. */
  failDisk(isFailing = true): void {
    this.#cluster.failDisk(this.name, isFailing);
  }

  /**
   * The record by which its copies agree is lost: another one takes over, and this one goes on until it
   * learns of it, or the store refuses a write of it.
   */
  loseLease(): void {
    this.#cluster.trace.add(this.name, 'lease', 'lost');
    this.medium.apply({ deletes: [LEASE_KEY] });
  }

  /**
   * Ends it as SIGTERM does: what is decided is written and sent, tasks go on. Time has to pass meanwhile:
   * use `Simulation.close`, or advance beside it.
   * @throws PlateauError `HYGIENE` when it leaves timers behind.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const life = this.#life;
    if (life === undefined) return;
    await life.close();
    await this.#ended;
    if (this.#isFresh) await this.#made.injector.close(this.#cluster.world);
    const { armedTimers } = life;
    if (armedTimers === 0) return;
    throw new PlateauError(
      'HYGIENE',
      `${this.name} was closed and left ${armedTimers} timers behind.`,
    );
  }

  #begin(life: ProcessLife): void {
    this.#starts++;
    this.#isClosed = false;
    const own = new FrameworkLife(life, {
      hasCopies: this.#hasCopies,
      interceptors: this.#options.interceptors ?? [],
      make: () => this.#next(),
      onTermOver: (runtime, isDeposed) => this.#termOver(runtime, isDeposed),
    });
    this.#life = own;
    this.#ended = own.run().then(
      () => this.#over(own, life, undefined),
      (error: unknown) => this.#over(own, life, error),
    );
  }

  /** The first object was made to read its class; each later term has one of its own. */
  #next(): MadeFramework {
    // It may be of another class: the next version of the framework, over the state of this one.
    if (!this.#isFresh) this.#made = this.#make();
    this.#isFresh = false;
    return this.#made;
  }

  #termOver(runtime: FrameworkRuntime, isDeposed: boolean): void {
    for (const { name, state } of runtime.view.daemons) {
      if (state === 'hanging') this.#hangingDaemons.add(name);
    }
    this.#last = isDeposed ? { ...runtime.view, connection: 'standby' } : runtime.view;
    if (isDeposed) this.#cluster.trace.add(this.name, 'deposed', '');
  }

  /** The process was killed. */
  #died(): void {
    const view = this.#life?.runtime?.view;
    if (view !== undefined) this.#last = view;
    this.#life = undefined;
  }

  /** It has ended by itself. A disk that fails ends it, as the fault meant; a supervisor starts it again. */
  #over(own: FrameworkLife, life: ProcessLife, error: unknown): void {
    if (this.#life !== own) return;
    this.#cluster.trace.add(this.name, 'ended', error === undefined ? '' : errorMessage(error));
    this.#life = undefined;
    const isStoreFault = error instanceof PlateauError && error.code === 'STORE_FAILED';
    if (error !== undefined && !isStoreFault && !this.#isClosed) {
      this.#failure = error instanceof Error ? error : new Error(errorMessage(error));
    }
    life.stopped(isStoreFault ? error : undefined);
  }
}
