/**
 * Calls a handler and waits for what it decides: a value, a promise, a stream that can be
 * subscribed to, or an async iterable. Ends by itself when the time is over.
 */
import { type Clock, PlateauError } from '../../core/base/index.js';
import type { Decision } from '../decisions/index.js';
import type { Subscribable } from '../framework/index.js';
import { toError } from './errors.js';
import { MAX_STREAMED_DECISIONS } from './limits.js';

export interface InvocationOptions {
  readonly clock: Clock;
  /** For messages. */
  readonly method: string;
  readonly timeoutMs: number;
  readonly call: () => unknown;
  readonly onDone: (decision: Decision) => void;
  readonly onFailed: (error: Error) => void;
}

/** A call under way. */
export interface Invocation {
  /** Does not wait any longer; nothing is called any more. */
  readonly cancel: () => void;
}

/** Calls the handler. Returns undefined when it was done at once: `onDone` or `onFailed` was called. */
export function invoke(options: InvocationOptions): Invocation | undefined {
  let result: unknown;
  try {
    result = options.call();
  } catch (error) {
    options.onFailed(toError(error));
    return undefined;
  }
  if (isWaitedFor(result)) return waitFor(options, result);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked when it is planned
  options.onDone(result as Decision);
  return undefined;
}

type Waited = PromiseLike<Decision> | Subscribable<Decision> | AsyncIterable<Decision>;

function waitFor(options: InvocationOptions, result: Waited): Invocation {
  let isOver = false;
  let stop = (): void => {};
  const settle = (act: () => void): void => {
    if (isOver) return;
    isOver = true;
    timer.dispose();
    stop();
    act();
  };
  const timer = options.clock.setTimer(options.timeoutMs, () =>
    settle(() => options.onFailed(timeoutError(options))),
  );
  const failed = (error: unknown): void => settle(() => options.onFailed(toError(error)));
  try {
    const done = (decision: Decision): void => settle(() => options.onDone(decision));
    stop = collect(result, { done, failed });
  } catch (error) {
    // Whoever made the promise or the stream did not do it well.
    failed(error);
  }
  if (isOver) stop();
  return { cancel: () => settle(() => undefined) };
}

interface Outcome {
  readonly done: (decision: Decision) => void;
  readonly failed: (error: unknown) => void;
}

/** Returns what ends the waiting. */
function collect(result: Waited, outcome: Outcome): () => void {
  if ('subscribe' in result) return collectStream(result, outcome);
  if (Symbol.asyncIterator in result) return collectIterable(result, outcome);
  result.then(outcome.done, outcome.failed);
  return () => {};
}

function collectStream(stream: Subscribable<Decision>, outcome: Outcome): () => void {
  const parts: Decision[] = [];
  const subscription: { unsubscribe(): void } | undefined = stream.subscribe({
    next: (part) => {
      if (parts.length < MAX_STREAMED_DECISIONS) parts.push(part);
      else outcome.failed(tooMany());
    },
    error: outcome.failed,
    complete: () => outcome.done(parts),
  });
  // A stream that is not of rxjs may give nothing back.
  return () => subscription?.unsubscribe();
}

function collectIterable(parts: AsyncIterable<Decision>, outcome: Outcome): () => void {
  const iterator = parts[Symbol.asyncIterator]();
  const stopped = { isStopped: false };
  const read = async (): Promise<Decision> => {
    const decisions: Decision[] = [];
    while (!stopped.isStopped) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what a stream is
      const next = await iterator.next();
      if (next.done === true) break;
      decisions.push(next.value);
      if (decisions.length > MAX_STREAMED_DECISIONS) throw tooMany();
    }
    return decisions;
  };
  read().then(outcome.done, outcome.failed);
  return () => {
    stopped.isStopped = true;
    // It may be waiting for something that never comes: nobody waits for its end.
    iterator.return?.().then(undefined, () => undefined);
  };
}

function isWaitedFor(result: unknown): result is Waited {
  if (typeof result !== 'object' || result === null) return false;
  const isPromise = 'then' in result && typeof result.then === 'function';
  const isStream = 'subscribe' in result && typeof result.subscribe === 'function';
  return isPromise || isStream || Symbol.asyncIterator in result;
}

function tooMany(): PlateauError {
  return new PlateauError(
    'INVALID_DECISION',
    `The stream of a handler has more than ${MAX_STREAMED_DECISIONS} decisions: let it complete.`,
  );
}

function timeoutError({ method, timeoutMs }: InvocationOptions): PlateauError {
  return new PlateauError(
    'HANDLER_FAILED',
    `${method} took longer than ${timeoutMs} ms. Await less in it, or give it a longer timeout.`,
    { context: { method, timeoutMs } },
  );
}
