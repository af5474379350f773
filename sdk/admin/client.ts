/**
 * Speaks to the admin interface of a framework, for commands and programs. What the framework refuses is
 * thrown with its words.
 */
import { ERROR_CODES, type ErrorCode, PlateauError, errorMessage } from '../../core/base/index.js';

/** Until an answer must be there. */
export const ADMIN_CLIENT_TIMEOUT_MS = 30_000;
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

export class AdminClient {
  readonly #url: string;

  /** @param url of the admin interface, such as `http://127.0.0.1:4711`. */
  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
  }

  /**
   * The JSON that is answered; undefined: nothing is. Its type is what the caller knows of the route.
   * @throws PlateauError with the code of the refusal, `STREAM_ENDED` when nobody answers.
   */
  async json<T>(method: string, path: string, call: AdminCall = {}): Promise<T> {
    const response = await this.request(method, path, call);
    const text = await response.text().catch((error: unknown) => {
      throw unreachable(this.#url, error);
    });
    const value: unknown = text.trim() === '' ? undefined : JSON.parse(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return value as T;
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
        throw unreachable(this.#url, error);
      },
    );
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

/** One part of a path, such as an id. */
export function pathPart(text: string): string {
  return encodeURIComponent(text);
}

async function refusalOf(response: Response): Promise<PlateauError> {
  const text = await response.text().catch(() => '');
  const { code, message } = errorOf(text);
  const shown =
    message ?? `the framework answered ${response.status}: ${text.slice(0, MOST_SHOWN)}`;
  return new PlateauError(code ?? 'CALL_REFUSED', shown, {
    context: { status: response.status },
    retriable: response.status === 503,
  });
}

function errorOf(text: string): { readonly code?: ErrorCode; readonly message?: string } {
  try {
    const { error }: { readonly error?: unknown } = Object(JSON.parse(text));
    const { code, message }: { readonly code?: unknown; readonly message?: unknown } =
      Object(error);
    return {
      ...(isCode(code) ? { code } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    };
  } catch {
    return {};
  }
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && value in ERROR_CODES;
}

function unreachable(url: string, error: unknown): PlateauError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new PlateauError(
    'STREAM_ENDED',
    `no framework answers at ${url}: ${errorMessage(cause)}`,
    {
      context: { url },
      retriable: true,
      cause: error,
    },
  );
}
