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
import { type Random, SeededRandom } from './random.js';
import type { World } from './world.js';

interface Timer {
  readonly dueMs: number;
  /** Drawn from the seed: permutes events of one moment between seeds. */
  readonly tie: number;
  readonly sequence: number;
  callback: (() => void) | undefined;
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

/** The clock of a virtual world. */
export class VirtualClock implements Clock {
  readonly #ties: Random;
  readonly #heap: Timer[] = [];
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #sequence = 0;

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
    const timer: Timer = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      tie: this.#ties.next(),
      sequence: this.#sequence++,
      callback,
    };
    push(this.#heap, timer);
    return {
      dispose() {
        timer.callback = undefined;
      },
    };
  }

  /** How many timers are armed. */
  get pendingTimers(): number {
    return this.#heap.filter((timer) => timer.callback !== undefined).length;
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs;
    await drainPromises();
    for (let next = this.#heap[0]; next !== undefined && next.dueMs <= untilMs;) {
      pop(this.#heap);
      if (next.callback !== undefined) {
        this.#elapsedMs = next.dueMs;
        const callback = next.callback;
        next.callback = undefined;
        callback();
        await drainPromises();
      }
      next = this.#heap[0];
    }
    this.#elapsedMs = untilMs;
  }
}

/** Resolves when no promise callback is left to run. */
function drainPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
