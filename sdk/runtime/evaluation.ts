/**
 * When `@OnOffers` is called: with new offers at once, and without any whenever something has changed
 * that could change what is wanted. Calls are gathered: one that waits stands for all causes so far.
 */
import type { Offer } from '../../core/api/index.js';
import { clearTimer, setTimer } from './core-context.js';
import type { CoreParts, Matching } from './core-parts.js';
import { EVALUATE_DEBOUNCE_MS } from './limits.js';
import { rolesOf } from './offers-in-hand.js';
import type { Turn } from './turns.js';

/** Changes have been gathered for long enough. */
export const EVALUATE_TIMER = 'evaluate';
/** Something that a handler waits for is due. */
export const WAKE_TIMER = 'wake';
/** The first hold is over. */
export const HOLD_TIMER = 'hold';

export class Evaluation {
  readonly #parts: CoreParts;
  readonly #matching: Matching;
  readonly #queue: (turn: Turn) => void;
  #isQueued = false;
  #isArmed = false;
  #isPaused = false;
  #failures = 0;
  #isBackingOff = false;
  #wakeAtMs: number | undefined;
  #shownCount = 0;

  constructor(parts: CoreParts, matching: Matching, queue: (turn: Turn) => void) {
    this.#parts = parts;
    this.#matching = matching;
    this.#queue = queue;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** How often in a row a handler has failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether a handler has failed and is left alone for a while. */
  get isBackingOff(): boolean {
    return this.#isBackingOff;
  }

  /** How many offers the handler at work was shown. */
  get shownCount(): number {
    return this.#shownCount;
  }

  /** No calls until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.now();
  }

  /** Something has changed: a call soon. */
  soon(): void {
    if (this.#isQueued || this.#isArmed || this.#isPaused) return;
    this.#isArmed = true;
    setTimer(this.#parts.context, EVALUATE_TIMER, EVALUATE_DEBOUNCE_MS);
  }

  /** A call as soon as what waits has had its turn. */
  now(): void {
    if (this.#isQueued || this.#isPaused || this.#parts.handlers('offers').length === 0) return;
    this.#isQueued = true;
    if (this.#isArmed) clearTimer(this.#parts.context, EVALUATE_TIMER);
    this.#isArmed = false;
    this.#isBackingOff = false;
    this.#queue(this.#turn());
  }

  onTimer(): void {
    this.#isArmed = false;
    this.#isBackingOff = false;
    this.now();
  }

  /** A handler wants to be called again after a time, not at once; the soonest counts. */
  wake(wantedMs: number): void {
    const { context } = this.#parts;
    const afterMs = Math.max(EVALUATE_DEBOUNCE_MS, wantedMs);
    const atMs = context.world.clock.elapsed() + afterMs;
    if (this.#wakeAtMs !== undefined && this.#wakeAtMs <= atMs) return;
    this.#wakeAtMs = atMs;
    setTimer(context, WAKE_TIMER, afterMs);
  }

  onWakeTimer(): void {
    this.#wakeAtMs = undefined;
    this.now();
  }

  /** A handler failed: there is no call before the time is over, and offers are declined meanwhile. */
  backOff(waitMs: number): void {
    this.#failures++;
    this.#isBackingOff = true;
    this.#isArmed = true;
    setTimer(this.#parts.context, EVALUATE_TIMER, waitMs);
  }

  /** A call went well. */
  succeeded(): void {
    this.#failures = 0;
  }

  #turn(): Turn {
    return {
      label: 'offers',
      isEvaluation: true,
      begin: () => {
        this.#isQueued = false;
        if (this.#isPaused) return [];
        this.#forgetWake();
        this.#parts.context.counters.count('evaluations');
        const offers = this.#parts.hand.show();
        this.#shownCount = offers.length;
        const event = this.#matching.offersOf(offers);
        return this.#parts.handlers('offers').map((handler) => ({ handler, event }));
      },
    };
  }

  #forgetWake(): void {
    if (this.#wakeAtMs === undefined) return;
    this.#wakeAtMs = undefined;
    clearTimer(this.#parts.context, WAKE_TIMER);
  }
}

/** Offers that came: counted, and set against what the master was told. */
export function noteArrival(parts: CoreParts, offers: readonly Offer[]): void {
  parts.context.counters.count('offers_received', offers.length);
  for (const role of rolesOf(offers)) parts.demand.offered(role);
}

/** Declines what was held for long enough, or is too much, and looks again when the next is due. */
export function endHolds(parts: CoreParts): void {
  const { hand, context, outbox } = parts;
  const nowMs = context.world.clock.elapsed();
  const overdue = hand.takeOverdue(nowMs, context.limits.maxHeldOffers);
  if (overdue.length > 0) outbox.add({ calls: parts.decline(overdue, true) });
  const nextMs = hand.nextDeadlineMs;
  if (nextMs === undefined) clearTimer(context, HOLD_TIMER);
  else setTimer(context, HOLD_TIMER, nextMs - nowMs);
}
