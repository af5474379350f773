/** What is asked of the runtime from outside and waits: decisions, and code that runs in a turn. */
import { closedError } from './errors.js';
import { Deferred } from './deferred.js';

interface OpenRequest {
  readonly done: Deferred<void>;
  /** For a turn. */
  readonly run: (() => unknown) | undefined;
  result: unknown;
}

export class Requests {
  readonly #open = new Map<number, OpenRequest>();
  #last = 0;
  #isClosed = false;

  /** Opens a request, and resolves with what its code returned when it is settled. */
  open(ask: (request: number) => void, run?: () => unknown): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closedError('The request was not carried out'));
    this.#last++;
    const open: OpenRequest = { done: new Deferred<void>(), run, result: undefined };
    this.#open.set(this.#last, open);
    ask(this.#last);
    return open.done.promise.then(() => open.result);
  }

  /** Runs the code of a request and keeps what it returns, which is no decision. */
  run(request: number): undefined | Promise<undefined> {
    const open = this.#open.get(request);
    const result = open?.run?.();
    if (result instanceof Promise) return keep(open, result);
    if (open !== undefined) open.result = result;
    return undefined;
  }

  settle(request: number, error: Error | undefined): void {
    const open = this.#open.get(request);
    this.#open.delete(request);
    if (error === undefined) open?.done.resolve();
    else open?.done.reject(error);
  }

  /** Fails all that are open and all that come. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#open.keys()) {
      this.settle(request, closedError('The request was not carried out'));
    }
  }
}

async function keep(open: OpenRequest | undefined, result: Promise<unknown>): Promise<undefined> {
  const value = await result;
  if (open !== undefined) open.result = value;
  return undefined;
}
