/**
 * When runs happen: a batch over all agents each interval; a run soon after something asked for one,
 * many requests making one run; and early runs for what ended tasks have freed, not too often.
 */
import { type Clock, type Disposable, DisposableStore, setRepeatingTimer } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Candidates } from './allocation-cycle.js';
import type { AllocatorConfig } from './config.js';

export interface Run {
  readonly isBatch: boolean;
  readonly candidates: Candidates;
  /** On the monotonic clock, when it was first asked for. */
  readonly requestedMs: number;
}

export interface RunScheduleOptions {
  readonly clock: Clock;
  readonly config: AllocatorConfig;
  readonly run: (run: Run) => void;
}

/** Agents that wait for a run, which is armed as long as there are any. */
interface Waiting {
  readonly agents: Set<AgentEntry>;
  readonly requestedMs: number;
  readonly timer: Disposable;
}

export class RunSchedule implements Disposable {
  readonly #clock: Clock;
  readonly #config: AllocatorConfig;
  readonly #run: (run: Run) => void;
  readonly #owned = new DisposableStore();
  #requested: Waiting | undefined;
  #isAllRequested = false;
  #early: Waiting | undefined;
  #lastEarlyMs = Number.NEGATIVE_INFINITY;

  constructor(options: RunScheduleOptions) {
    this.#clock = options.clock;
    this.#config = options.config;
    this.#run = options.run;
    const interval = options.config.allocationIntervalMs;
    this.#owned.add(setRepeatingTimer(this.#clock, interval, () => this.runBatch()));
  }

  /** Whether a requested run has not happened yet. */
  get isRunQueued(): boolean {
    return this.#requested !== undefined || this.#early !== undefined;
  }

  /** Asks for a run over all agents, soon. */
  requestAll(): void {
    this.#isAllRequested = true;
    this.#requested ??= this.#arm(0, () => this.#runRequested());
  }

  /** Asks for a run over an agent, soon. */
  requestAgent(agent: AgentEntry): void {
    this.#requested ??= this.#arm(0, () => this.#runRequested());
    this.#requested.agents.add(agent);
  }

  /** Asks for a run over an agent before the next batch, if that is allowed at all. */
  requestEarly(agent: AgentEntry): void {
    const { enabled, minIntervalMs } = this.#config.earlyReoffer;
    if (!enabled) return;
    const waitMs = Math.max(0, this.#lastEarlyMs + minIntervalMs - this.#clock.elapsed());
    this.#early ??= this.#arm(waitMs, () => this.#runEarly());
    this.#early.agents.add(agent);
  }

  /** Runs over all agents now; what was asked for is part of it. */
  runBatch(): void {
    const requestedMs = this.#requested?.requestedMs ?? this.#clock.elapsed();
    this.#takeRequested();
    this.#takeEarly();
    this.#run({ isBatch: true, candidates: 'all', requestedMs });
  }

  dispose(): void {
    this.#owned.dispose();
    this.#takeRequested();
    this.#takeEarly();
  }

  #arm(delayMs: number, callback: () => void): Waiting {
    const timer = this.#owned.add(this.#clock.setTimer(delayMs, callback));
    return { agents: new Set(), requestedMs: this.#clock.elapsed(), timer };
  }

  #runRequested(): void {
    const isAll = this.#isAllRequested;
    const waiting = this.#takeRequested();
    if (waiting === undefined) return;
    if (isAll) this.#takeEarly();
    const candidates = isAll ? 'all' : waiting.agents;
    this.#run({ isBatch: false, candidates, requestedMs: waiting.requestedMs });
  }

  #runEarly(): void {
    const waiting = this.#takeEarly();
    if (waiting === undefined) return;
    this.#lastEarlyMs = this.#clock.elapsed();
    this.#run({ isBatch: false, candidates: waiting.agents, requestedMs: waiting.requestedMs });
  }

  #takeRequested(): Waiting | undefined {
    const waiting = this.#requested;
    this.#requested = undefined;
    this.#isAllRequested = false;
    if (waiting !== undefined) this.#owned.release(waiting.timer);
    return waiting;
  }

  #takeEarly(): Waiting | undefined {
    const waiting = this.#early;
    this.#early = undefined;
    if (waiting !== undefined) this.#owned.release(waiting.timer);
    return waiting;
  }
}
