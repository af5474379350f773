/**
 * A world in which time moves only when told and every draw comes from one seed. Events due at the
 * same moment run in an order that the seed fixes. After each event all promises are drained, so
 * that code with `await` stays deterministic as long as each wake-up comes from here.
 */
import { at } from './cast.js';
import type { Clock } from './clock.js';
import type { Disposable } from './disposable.js';
import { SeededIds } from './ids.js';
import { type Logger, SILENT_LOGGER } from './log.js';
import { canRunPromises, runPromises } from './microtasks.js';
import { type Random, SeededRandom } from './random.js';
import type { World } from './world.js';

/** One timer; disposed of, it stays in the heap until its moment or until the heap is cleaned. */
class Timer implements Disposable {
  readonly dueMs: number;
  /** Drawn from the seed: permutes events of one moment between seeds. */
  readonly tie: number;
  readonly sequence: number;
  callback: (() => void) | undefined;
  readonly #clock: VirtualClock;

  constructor(
    clock: VirtualClock,
    place: { readonly dueMs: number; readonly tie: number; readonly sequence: number },
    callback: () => void,
  ) {
    this.#clock = clock;
    this.dueMs = place.dueMs;
    this.tie = place.tie;
    this.sequence = place.sequence;
    this.callback = callback;
  }

  dispose(): void {
    if (this.callback === undefined) return;
    this.callback = undefined;
    this.#clock.noteDisposed();
  }
}

export interface VirtualWorldOptions {
  /** Fixes the whole run. */
  readonly seed?: string;
  /** Wall time at the start, in milliseconds since 1970. */
  readonly startMs?: number;
  readonly log?: Logger;
}

const DEFAULT_START_MS = Date.UTC(2030, 0, 1);

export class VirtualWorld implements World {
  readonly seed: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly ids: SeededIds;
  readonly log: Logger;

  constructor(options: VirtualWorldOptions = {}) {
    this.seed = options.seed ?? 'plateau';
    this.random = new SeededRandom(this.seed);
    this.ids = new SeededIds(this.random.fork('ids'));
    this.clock = new VirtualClock(this.random.fork('ties'), options.startMs ?? DEFAULT_START_MS);
    this.log = options.log ?? SILENT_LOGGER;
  }

  /** Lets promises run, then moves time on by `durationMs`, running what falls due in order. */
  async advance(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
  }

  /** Runs what is due now, and all promises, without moving time. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }
}

/** Disposed timers are left in the heap until they are this many, and most of it. */
const MIN_DISPOSED_TO_CLEAN = 1_000;
/**
 * A timer that is to wait waits at least so long, in milliseconds: a remainder that is too small to move the
 * clock would be waited for again and again, for ever.
 */
const LEAST_WAIT_MS = 0.001;
/** After so many events the process gets a turn of its event loop, for whatever else it does. */
const EVENTS_PER_TURN = 10_000;

/** The clock of a virtual world. */
export class VirtualClock implements Clock {
  readonly #ties: Random;
  #heap: Timer[] = [];
  #disposed = 0;
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #sequence = 0;
  #events = 0;

  constructor(ties: Random, startMs: number) {
    this.#ties = ties;
    this.#wallOffsetMs = startMs;
  }

  now(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  /** Moves the wall clock without time passing, as an operator or NTP does. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    const waitMs = delayMs > 0 ? Math.max(LEAST_WAIT_MS, delayMs) : 0;
    const dueMs = this.#elapsedMs + waitMs;
    const place = { dueMs, tie: this.#ties.next(), sequence: this.#sequence++ };
    const timer = new Timer(this, place, callback);
    push(this.#heap, timer);
    return timer;
  }

  /** How many timers are armed. */
  get pendingTimers(): number {
    return this.#heap.length - this.#disposed;
  }

  /** How many events have run. */
  get events(): number {
    return this.#events;
  }

  /** For timers: one of the heap will not run. */
  noteDisposed(): void {
    this.#disposed += 1;
    if (this.#disposed < MIN_DISPOSED_TO_CLEAN || 2 * this.#disposed < this.#heap.length) return;
    const heap: Timer[] = [];
    for (const timer of this.#heap) if (timer.callback !== undefined) push(heap, timer);
    this.#heap = heap;
    this.#disposed = 0;
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs;
    for (let isOver = false; !isOver;) {
      // oxlint-disable-next-line no-await-in-loop -- one part of the time after the other
      isOver = await inEventLoop(() =>
        this.#runDue(untilMs, canRunPromises() ? EVENTS_PER_TURN : 1),
      );
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
  }

  /** Runs so many events at most; whether there is none left until the moment. */
  #runDue(untilMs: number, limit: number): boolean {
    for (let count = 0; count < limit; count++) {
      const callback = this.#next(untilMs);
      if (callback === undefined) return true;
      callback();
      runPromises();
    }
    return false;
  }

  /** Takes the first timer that runs, and moves time to its moment. */
  #next(untilMs: number): (() => void) | undefined {
    for (;;) {
      const timer = this.#heap[0];
      if (timer === undefined || timer.dueMs > untilMs) return undefined;
      pop(this.#heap);
      const { callback } = timer;
      if (callback === undefined) {
        this.#disposed -= 1;
        continue;
      }
      timer.callback = undefined;
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      this.#events += 1;
      return callback;
    }
  }
}

/**
 * Calls a function from the event loop, after all promise callbacks that wait: there no promise callback
 * is under way, so that they can be run from within.
 */
function inEventLoop<Result>(run: () => Result): Promise<Result> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      let result: Result;
      try {
        result = run();
      } catch (error) {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as caught
        reject(error);
        return;
      }
      resolve(result);
    });
  });
}

function isBefore(one: Timer, other: Timer): boolean {
  if (one.dueMs !== other.dueMs) return one.dueMs < other.dueMs;
  if (one.tie !== other.tie) return one.tie < other.tie;
  return one.sequence < other.sequence;
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = at(heap, parent);
    if (!isBefore(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(at(heap, child + 1), at(heap, child))) child++;
    if (!isBefore(at(heap, child), last)) break;
    heap[index] = at(heap, child);
    index = child;
  }
  heap[index] = last;
}
