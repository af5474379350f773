/**
 * For which roles offers are wanted, derived from what the framework says it wants, and made known by
 * SUPPRESS and REVIVE. What the master has been told is a belief: an offer for a suppressed role ends
 * it, and each word is said once more after a while, in case it was lost.
 */
import type { SchedulerCall } from '../../core/api/index.js';
import type { Want } from '../decisions/index.js';
import { type CoreContext, clearTimer, setTimer } from './core-context.js';
import {
  DEMAND_DEBOUNCE_MS,
  DEMAND_REFILL_MS,
  DEMAND_REPEAT_MS,
  MAX_DEMAND_BURST,
  SUPPRESS_LINGER_MS,
} from './limits.js';
import { TokenBucket } from './token-bucket.js';

export const DEMAND_TIMER = 'demand';
export const DEMAND_REPEAT_TIMER = 'demand-repeat';

interface RoleDemand {
  isSuppressed: boolean;
  /** When SUPPRESS was said last. */
  suppressedAtMs: number;
  /** When something was wanted last, or an offer was of use. */
  neededAtMs: number;
  /** The last SUPPRESS had to be taken back soon: the next one waits to see whether something is wanted again. */
  isLingering: boolean;
  /** More is wanted than before, and declines may stand in the way. */
  hasGrown: boolean;
  /** When the last decline of an offer ends. */
  declinedUntilMs: number;
  /** When what was said last is said again; undefined: no more. */
  repeatAtMs: number | undefined;
}

export class Demand {
  readonly #context: CoreContext;
  readonly #send: (message: SchedulerCall) => void;
  readonly #roles: ReadonlyMap<string, RoleDemand>;
  readonly #bucket: TokenBucket;
  #wants: ReadonlyMap<string, Want> | undefined;
  #isPaused = false;
  #isConnected = false;
  /** When the timer ends; undefined: it is not set. */
  #dueMs: number | undefined;

  /** @param isAnythingWanted false when there is no handler that could use an offer. */
  constructor(
    context: CoreContext,
    options: {
      readonly isAnythingWanted: boolean;
      readonly send: (message: SchedulerCall) => void;
    },
  ) {
    this.#context = context;
    this.#send = options.send;
    this.#wants = options.isAnythingWanted ? undefined : new Map();
    this.#roles = new Map(
      context.settings.roles.map((role) => [
        role,
        {
          isSuppressed: false,
          suppressedAtMs: Number.NEGATIVE_INFINITY,
          neededAtMs: Number.NEGATIVE_INFINITY,
          isLingering: false,
          hasGrown: false,
          declinedUntilMs: 0,
          repeatAtMs: undefined,
        },
      ]),
    );
    const { clock } = context.world;
    this.#bucket = new TokenBucket(MAX_DEMAND_BURST, DEMAND_REFILL_MS, clock.elapsed());
  }

  /** What is wanted; undefined: the framework has not said. */
  get wants(): readonly Want[] | undefined {
    return this.#wants === undefined ? undefined : [...this.#wants.values()];
  }

  /** Roles to be suppressed from the first moment of a subscription. */
  get unwantedRoles(): readonly string[] {
    return [...this.#roles.keys()].filter((role) => !this.isWanted(role));
  }

  isWanted(role: string): boolean {
    if (this.#isPaused) return false;
    if (this.#wants === undefined) return true;
    for (const want of this.#wants.values()) {
      if (want.count > 0 && (want.role === undefined || want.role === role)) return true;
    }
    return false;
  }

  /** The framework says what it wants; `all` replaces what it said before. */
  state(wants: readonly Want[], replaces: 'all' | 'some'): void {
    const before = this.#wants ?? new Map<string, Want>();
    this.#noteNeeds();
    const now = new Map(replaces === 'all' ? [] : before);
    for (const want of wants) {
      if (want.count > 0) now.set(want.name, want);
      else now.delete(want.name);
    }
    this.#wants = now;
    for (const want of now.values()) {
      if (isMore(before.get(want.name), want)) this.#grow(want.role);
    }
    this.#arm();
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#arm();
  }

  /** The master has been told by the SUBSCRIBE call. */
  subscribed(suppressed: readonly string[]): void {
    this.#isConnected = true;
    for (const [role, state] of this.#roles) {
      state.isSuppressed = suppressed.includes(role);
      state.repeatAtMs = undefined;
      // Nothing has been declined in this session.
      state.hasGrown = false;
      state.declinedUntilMs = 0;
    }
    this.#arm();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#dueMs = undefined;
    clearTimer(this.#context, DEMAND_TIMER);
    clearTimer(this.#context, DEMAND_REPEAT_TIMER);
  }

  /** An offer came: whatever was said, the role is not suppressed now. */
  offered(role: string): void {
    const state = this.#roles.get(role);
    if (state === undefined) return;
    if (!state.isSuppressed) state.repeatAtMs = undefined;
    state.isSuppressed = false;
    if (!this.isWanted(role)) this.#arm();
  }

  /** Offers of the role were declined for a time. */
  declined(role: string, forMs: number): void {
    const state = this.#roles.get(role);
    if (state === undefined) return;
    const untilMs = this.#context.world.clock.elapsed() + forMs;
    state.declinedUntilMs = Math.max(state.declinedUntilMs, untilMs);
  }

  /** An offer of the role was of use; what was left of it is declined for a time. */
  used(role: string, forMs: number): void {
    const state = this.#roles.get(role);
    if (state !== undefined) state.neededAtMs = this.#context.world.clock.elapsed();
    this.declined(role, forMs);
  }

  /** Says what has changed, once the wants have come to rest. */
  onTimer(): void {
    this.#dueMs = undefined;
    if (!this.#isConnected) return;
    const nowMs = this.#context.world.clock.elapsed();
    const suppress: string[] = [];
    const revive: string[] = [];
    for (const [role, state] of this.#roles) {
      if (!this.isWanted(role)) {
        if (state.isSuppressed) continue;
        const lingerMs = this.#lingerMs(state, nowMs);
        if (lingerMs > 0) this.#arm(lingerMs);
        else suppress.push(role);
      } else if (state.isSuppressed || (state.hasGrown && state.declinedUntilMs > nowMs)) {
        revive.push(role);
      } else {
        state.hasGrown = false;
      }
    }
    if (suppress.length + revive.length === 0) return;
    const waitMs = this.#bucket.take(nowMs);
    if (waitMs > 0) {
      this.#arm(waitMs);
      return;
    }
    this.#say(suppress, revive);
    const repeatAtMs = nowMs + DEMAND_REPEAT_MS;
    for (const role of [...suppress, ...revive]) {
      const state = this.#roles.get(role);
      if (state !== undefined) state.repeatAtMs = repeatAtMs;
    }
    setTimer(this.#context, DEMAND_REPEAT_TIMER, DEMAND_REPEAT_MS);
  }

  /** Says once more what nothing has confirmed. */
  onRepeatTimer(): void {
    if (!this.#isConnected) return;
    const nowMs = this.#context.world.clock.elapsed();
    const suppress: string[] = [];
    const revive: string[] = [];
    for (const [role, state] of this.#roles) {
      if (state.repeatAtMs === undefined || state.repeatAtMs > nowMs) continue;
      state.repeatAtMs = undefined;
      if (this.isWanted(role) && !state.isSuppressed) revive.push(role);
      if (!this.isWanted(role) && state.isSuppressed) suppress.push(role);
    }
    this.#say(suppress, revive);
  }

  #say(suppress: readonly string[], revive: readonly string[]): void {
    const { counters } = this.#context;
    if (suppress.length > 0) {
      counters.count('suppresses');
      this.#send({ type: 'SUPPRESS', suppress: { roles: suppress } });
    }
    if (revive.length > 0) {
      counters.count('revives');
      this.#send({ type: 'REVIVE', revive: { roles: revive } });
    }
    const nowMs = this.#context.world.clock.elapsed();
    for (const [role, state] of this.#roles) {
      if (suppress.includes(role) && !state.isSuppressed) {
        state.isSuppressed = true;
        state.suppressedAtMs = nowMs;
      }
      if (!revive.includes(role)) continue;
      if (state.isSuppressed) {
        state.isLingering = nowMs - state.suppressedAtMs < SUPPRESS_LINGER_MS;
      }
      state.isSuppressed = false;
      state.hasGrown = false;
      state.declinedUntilMs = 0;
    }
  }

  /** Before the wants change. */
  #noteNeeds(): void {
    const nowMs = this.#context.world.clock.elapsed();
    for (const [role, state] of this.#roles) if (this.isWanted(role)) state.neededAtMs = nowMs;
  }

  /** For how long SUPPRESS waits. A framework that is paused has no use for offers, whatever it wants. */
  #lingerMs({ isLingering, neededAtMs }: RoleDemand, nowMs: number): number {
    return isLingering && !this.#isPaused ? neededAtMs + SUPPRESS_LINGER_MS - nowMs : 0;
  }

  #grow(role: string | undefined): void {
    for (const [name, state] of this.#roles) {
      if (role === undefined || role === name) state.hasGrown = true;
    }
  }

  #arm(delayMs = DEMAND_DEBOUNCE_MS): void {
    if (!this.#isConnected) return;
    const dueMs = this.#context.world.clock.elapsed() + delayMs;
    if (this.#dueMs !== undefined && this.#dueMs <= dueMs) return;
    this.#dueMs = dueMs;
    setTimer(this.#context, DEMAND_TIMER, delayMs);
  }
}

/** More of it, or with less need: offers that were declined may fit now. */
function isMore(before: Want | undefined, now: Want): boolean {
  if (before === undefined || now.count > before.count) return true;
  return (now.cpus ?? 0) < (before.cpus ?? 0) || (now.memMiB ?? 0) < (before.memMiB ?? 0);
}
