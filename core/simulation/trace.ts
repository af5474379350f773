/**
 * The trace of a run: a rolling hash over everything that happens, and the last events for people.
 * Two runs with equal hashes did the same things in the same order.
 */
import type { Clock } from '../base/index.js';

/** One line of the trace. */
export interface TraceEvent {
  readonly timeMs: number;
  /** Where it happened, such as `master` or `agent-1`. */
  readonly node: string;
  readonly kind: string;
  readonly text: string;
}

/** How many of the last events are kept. */
export const MAX_TRACE_EVENTS = 400;

export class Trace {
  readonly #clock: Clock;
  readonly #recent: TraceEvent[] = [];
  #high = 0x811c9dc5;
  #low = 0x1b873593;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many events there were. */
  get count(): number {
    return this.#count;
  }

  add(node: string, kind: string, text: string): void {
    const timeMs = this.#clock.elapsed();
    this.#fold(`${timeMs}|${node}|${kind}|${text}`);
    this.#count += 1;
    this.#recent.push({ timeMs, node, kind, text });
    if (this.#recent.length >= 2 * MAX_TRACE_EVENTS) this.#recent.splice(0, MAX_TRACE_EVENTS);
  }

  /** 16 hexadecimal digits that stand for the run so far. */
  hash(): string {
    return [this.#high, this.#low]
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }

  /** The last events, one a line, for the report of a failure. */
  tail(count = MAX_TRACE_EVENTS): string {
    return this.#recent
      .slice(-count)
      .map(({ timeMs, node, kind, text }) => {
        const time = timeMs.toFixed(3).padStart(12);
        return `${time} ${node.padEnd(12)} ${kind.padEnd(10)} ${text.slice(0, MAX_LINE_TEXT)}`;
      })
      .join('\n');
  }

  /** Two 32-bit words with different multipliers (the steps of FNV-1a and of murmur). */
  #fold(text: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul((low << 13) | (low >>> 19), 5) + (code ^ 0xe6546b64);
    }
    this.#high = high;
    this.#low = low | 0;
  }
}

/** Longest text in a line for people. */
const MAX_LINE_TEXT = 300;
