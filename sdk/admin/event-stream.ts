/**
 * Server-sent events from what a handler returned: an `AsyncIterable`, or anything that can be subscribed
 * to. Each value is one event of JSON. The source is let go of when the reader leaves, reads too slowly, or
 * the server closes.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import {
  type Clock,
  type Disposable,
  DisposableStore,
  errorMessage,
  setRepeatingTimer,
  toDisposable,
} from '../../core/base/index.js';
import type { Subscribable } from '../framework/index.js';
import { jsonText } from './answers.js';
import { ADMIN_STREAM_BEAT_MS, MAX_ADMIN_STREAM_BUFFER_BYTES } from './limits.js';

export type EventSource = AsyncIterable<unknown> | Subscribable<unknown>;

/** An event with a type and an id of its own; other values are events without. */
export class NamedEvent {
  constructor(
    readonly event: string,
    readonly data: unknown,
    readonly id?: string,
  ) {}
}

function eventText(value: unknown): string {
  if (!(value instanceof NamedEvent)) return `data: ${jsonText(value)}\n\n`;
  const id = value.id === undefined ? '' : `id: ${value.id}\n`;
  return `${id}event: ${value.event}\ndata: ${jsonText(value.data)}\n\n`;
}

/** Whether a returned value is a stream. */
export function isEventSource(value: unknown): value is EventSource {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return 'subscribe' in value && typeof value.subscribe === 'function';
}

/** Sends the events of a source until it ends, or the returned disposable is disposed of. */
export function streamEvents(
  response: ServerResponse,
  source: EventSource,
  { clock, onEnd }: { readonly clock: Clock; readonly onEnd: () => void },
): Disposable {
  const owned = new DisposableStore();
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.flushHeaders();
  const end = toDisposable(() => {
    owned.dispose();
    response.end();
    onEnd();
  });
  const send = (text: string): void => {
    if (owned.isDisposed) return;
    response.write(text);
    // Cutting is honest: leaving events out would look like a complete stream.
    if (response.writableLength > MAX_ADMIN_STREAM_BUFFER_BYTES) response.destroy();
  };
  response.once('close', () => end.dispose());
  owned.add(setRepeatingTimer(clock, ADMIN_STREAM_BEAT_MS, () => send(': beat\n\n')));
  const sink = {
    next: (value: unknown): void => send(eventText(value)),
    error: (error: unknown): void => {
      send(`event: error\ndata: ${jsonText({ message: errorMessage(error) })}\n\n`);
      end.dispose();
    },
    complete: (): void => end.dispose(),
    drained: async (): Promise<void> => {
      if (response.writableNeedDrain) await once(response, 'drain');
    },
  };
  owned.add(Symbol.asyncIterator in source ? iterate(source, sink) : subscribe(source, sink));
  return end;
}

interface Sink {
  readonly next: (value: unknown) => void;
  readonly error: (error: unknown) => void;
  readonly complete: () => void;
  /** Resolves when the reader keeps up. */
  readonly drained: () => Promise<void>;
}

function subscribe(source: Subscribable<unknown>, sink: Sink): Disposable {
  const subscription = source.subscribe(sink);
  return toDisposable(() => subscription.unsubscribe());
}

function iterate(source: AsyncIterable<unknown>, sink: Sink): Disposable {
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  const run = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (isOver) return;
      if (done === true) break;
      sink.next(value);
      await sink.drained();
      if (isOver) return;
    }
    sink.complete();
  };
  run().catch((error: unknown) => {
    if (!isOver) sink.error(error);
  });
  return toDisposable(() => {
    isOver = true;
    // A generator that waits ends at its next value; nobody is left to be told of an error.
    void iterator.return?.().catch(() => undefined);
  });
}
