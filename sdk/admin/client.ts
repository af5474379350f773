/**
 * Speaks to the admin interface of a framework, for commands and programs. What the framework refuses is
 * thrown with its words.
 */
import { ERROR_CODES, type ErrorCode, PlateauError, errorMessage } from '../../core/base/index.js';
import { type RouteClient, routeClient } from './route-client.js';
import { type SentEvent, Silence, readSentEvents } from './sent-events.js';

/** Until an answer must be there; streams of events go on for longer. */
export const ADMIN_CLIENT_TIMEOUT_MS = 30_000;
/** Without a sign of life after which a stream of events counts as dead. */
export const ADMIN_STREAM_SILENCE_MS = 60_000;
/** Characters of an answer that is not of the form of errors which are shown. */
const MOST_SHOWN = 300;

export interface AdminCall {
  /** Values that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** Default: ends after `ADMIN_CLIENT_TIMEOUT_MS`. */
  readonly signal?: AbortSignal;
}

/** What an answer that refuses says. */
export interface RefusalText {
  readonly code?: ErrorCode;
  readonly message?: string;
}

export interface AdminClientOptions {
  /** Who answers, for messages. Default: `the framework`. */
  readonly name?: string;
  /** Reads the body of an answer that refuses. Default: the form of `/v1` routes. */
  readonly refusal?: (body: unknown, status: number) => RefusalText;
}

export class AdminClient {
  readonly #url: string;
  readonly #name: string;
  readonly #refusal: NonNullable<AdminClientOptions['refusal']>;

  /** @param url of the admin interface, such as `http://127.0.0.1:4711`. */
  constructor(url: string, { name, refusal }: AdminClientOptions = {}) {
    this.#url = url.replace(/\/+$/, '');
    this.#name = name ?? 'the framework';
    this.#refusal = refusal ?? errorOf;
  }

  /**
   * The JSON that is answered; undefined: nothing is. Its type is what the caller knows of the route.
   * @throws PlateauError with the code of the refusal, `STREAM_ENDED` when nobody answers.
   */
  async json<T>(method: string, path: string, call: AdminCall = {}): Promise<T> {
    const response = await this.request(method, path, call);
    const text = await response.text().catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    const value: unknown = text.trim() === '' ? undefined : JSON.parse(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return value as T;
  }

  /**
   * The routes of a class with `@Admin` as functions, with the types of its methods: `of(Services).remove({
   * params: { name: 'web' } })`. Streams are read by `events`. The functions throw as `json`.
   * @throws PlateauError `INVALID_FRAMEWORK` when the class has no routes.
   */
  of<T extends object>(theClass: abstract new (...parameters: never[]) => T): RouteClient<T> {
    return routeClient<T>(theClass, (method, path, call) => this.json(method, path, call));
  }

  /** The answer as it comes, for streams. @throws PlateauError as `json`. */
  async request(
    method: string,
    path: string,
    { query = {}, body, signal }: AdminCall = {},
  ): Promise<Response> {
    const url = new URL(`${this.#url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const patience = signal ?? AbortSignal.timeout(ADMIN_CLIENT_TIMEOUT_MS);
    const response = await fetch(url, { method, signal: patience, ...sent }).catch(
      (error: unknown) => {
        throw this.#unreachable(error);
      },
    );
    if (!response.ok) throw await this.#refused(response);
    return response;
  }

  /**
   * The events of a stream, until it ends or the signal says so.
   * @throws PlateauError as `json`; `STREAM_ENDED` when the stream breaks, is silent for longer than
   *   `ADMIN_STREAM_SILENCE_MS`, or the framework ends it with an error.
   */
  async *events(path: string, call: AdminCall = {}): AsyncGenerator<SentEvent> {
    const { signal } = call;
    const abort = new AbortController();
    const onAbort = (): void => abort.abort();
    const isOver = (): boolean => signal?.aborted === true;
    if (isOver()) return;
    signal?.addEventListener('abort', onAbort);
    const silence = new Silence(ADMIN_STREAM_SILENCE_MS, onAbort);
    try {
      const response = await this.request('GET', path, { ...call, signal: abort.signal });
      yield* readSentEvents(response, () => silence.broken());
    } catch (error) {
      if (isOver()) return;
      if (error instanceof PlateauError) throw error;
      const message = `the stream of events broke: ${errorMessage(error)}`;
      throw new PlateauError('STREAM_ENDED', message, { retriable: true, cause: error });
    } finally {
      silence.dispose();
      signal?.removeEventListener('abort', onAbort);
      abort.abort();
    }
  }

  async #refused(response: Response): Promise<PlateauError> {
    const { status } = response;
    const text = await response.text().catch(() => '');
    const { code, message } = this.#refusal(parsed(text), status);
    const shown = message ?? `${this.#name} answered ${status}: ${text.slice(0, MOST_SHOWN)}`;
    return new PlateauError(code ?? 'CALL_REFUSED', shown, {
      context: { status },
      retriable: status >= 502 && status <= 504,
    });
  }

  #unreachable(error: unknown): PlateauError {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const message = `${this.#name} does not answer at ${this.#url}: ${errorMessage(cause)}`;
    return new PlateauError('STREAM_ENDED', message, {
      context: { url: this.#url },
      retriable: true,
      cause: error,
    });
  }
}

/** One part of a path, such as an id. */
export function pathPart(text: string): string {
  return encodeURIComponent(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorOf(body: unknown): RefusalText {
  const { error }: { readonly error?: unknown } = Object(body);
  const { code, message }: { readonly code?: unknown; readonly message?: unknown } = Object(error);
  return {
    ...(isCode(code) ? { code } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && value in ERROR_CODES;
}
