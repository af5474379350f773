/**
 * The trace of a run: a rolling hash over everything that happens, and the last events for people.
 * Two runs with equal hashes did the same things in the same order.
 */
import type { Clock } from '../base/index.js';
import { Digest } from './digest.js';

/** One line of the trace. */
export interface TraceEvent {
  readonly timeMs: number;
  /** Where it happened, such as `master` or `agent-1`. */
  readonly node: string;
  readonly kind: string;
  /** A text, or a message that is written as one when somebody looks. */
  readonly content: string | object;
}

/** How many of the last events are kept. */
export const MAX_TRACE_EVENTS = 400;

/** Longest text in a line for people. */
const MAX_LINE_TEXT = 300;

export class Trace {
  readonly #clock: Clock;
  readonly #recent: TraceEvent[] = [];
  readonly #digest = new Digest();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many events there were. */
  get count(): number {
    return this.#count;
  }

  /** Notes what happened; an object as content must not change any more. */
  add(node: string, kind: string, content: string | object): void {
    const timeMs = this.#clock.elapsed();
    const digest = this.#digest;
    digest.number(timeMs);
    digest.text(node);
    digest.text(kind);
    digest.value(content);
    this.#count += 1;
    this.#recent.push({ timeMs, node, kind, content });
    if (this.#recent.length >= 2 * MAX_TRACE_EVENTS) this.#recent.splice(0, MAX_TRACE_EVENTS);
  }

  /** 16 hexadecimal digits that stand for the run so far. */
  hash(): string {
    return this.#digest.toString();
  }

  /** The last events, one a line, for the report of a failure. */
  tail(count = MAX_TRACE_EVENTS): string {
    return this.#recent
      .slice(-count)
      .map(({ timeMs, node, kind, content }) => {
        const time = timeMs.toFixed(3).padStart(12);
        const text = typeof content === 'string' ? content : JSON.stringify(content, bigintAsText);
        return `${time} ${node.padEnd(12)} ${kind.padEnd(10)} ${text.slice(0, MAX_LINE_TEXT)}`;
      })
      .join('\n');
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
