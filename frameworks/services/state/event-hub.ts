/** Tells readers of events: those that listen now, and those that come back and say what they saw last. */
import { NamedEvent } from '../../../sdk/admin/index.js';
import type { Subscribable } from '../../../sdk/framework/index.js';
import type { ServiceEvent } from './events.js';

/** Events that are kept for readers that come back. */
export const MAX_KEPT_EVENTS = 1_000;

interface Kept {
  readonly number: number;
  readonly event: ServiceEvent;
}

type Reader = (kept: Kept) => void;

export class EventHub {
  readonly #kept: Kept[] = [];
  readonly #readers = new Set<Reader>();
  readonly #run: string;
  #last = 0;

  /** @param run names this run of the scheduler: numbers of another one mean nothing. */
  constructor(run: string) {
    this.#run = run;
  }

  get readers(): number {
    return this.#readers.size;
  }

  publish(events: readonly ServiceEvent[]): void {
    for (const event of events) {
      this.#last++;
      const kept = { number: this.#last, event };
      this.#kept.push(kept);
      if (this.#kept.length > MAX_KEPT_EVENTS) this.#kept.shift();
      for (const reader of this.#readers) reader(kept);
    }
  }

  /** The events of some types, or all; those after `lastId` first, if they are still there. */
  stream(options: {
    readonly types: readonly string[];
    readonly lastId: string | undefined;
    readonly shape: (event: ServiceEvent) => unknown;
    readonly onOpen: () => void;
    readonly onEnd: () => void;
  }): Subscribable<NamedEvent> {
    const { types, lastId, shape, onOpen, onEnd } = options;
    return {
      subscribe: ({ next }) => {
        const reader = ({ number, event }: Kept): void => {
          if (types.length > 0 && !types.includes(event.eventType)) return;
          next(new NamedEvent(event.eventType, shape(event), `${this.#run}.${number}`));
        };
        for (const kept of this.#after(lastId)) reader(kept);
        this.#readers.add(reader);
        onOpen();
        return {
          unsubscribe: () => {
            if (this.#readers.delete(reader)) onEnd();
          },
        };
      },
    };
  }

  #after(lastId: string | undefined): readonly Kept[] {
    const [run, number] = (lastId ?? '').split('.');
    if (run !== this.#run || number === undefined) return [];
    return this.#kept.filter((kept) => kept.number > Number(number));
  }
}
