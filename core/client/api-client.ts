/**
 * Plain requests to the API and the pages of a master or an agent: one request, one answer, redirects
 * followed, errors with what to do next.
 */
import { type Got, HTTPError, RequestError, got } from 'got';
import { type Messages, decodeJson, encodeJson } from '../api/index.js';
import { PlateauError, errorMessage, isRecord } from '../base/index.js';
import { parseAddresses } from './addresses.js';

/** Milliseconds to connect. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds until the whole answer must be there. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Redirects that are followed. */
export const MAX_REDIRECTS = 5;

/** Values of the query of a page; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Part of a file on the other side. */
export interface FilePart {
  /** Size of the whole file in bytes. */
  readonly size: number;
  readonly data: Buffer;
}

/** Who is asked: names for messages, and what is spoken. */
export interface ApiClientTarget<CallName extends MessageName, ResponseName extends MessageName> {
  readonly who: 'master' | 'agent';
  readonly call: CallName;
  readonly response: ResponseName;
  readonly defaultPort: number;
}

type MessageName = keyof Messages;

export interface ApiClientOptions {
  /** `host:port` or a URL; of several, the first that answers is asked. */
  readonly address: string;
  /** Milliseconds until the whole answer must be there. Default 30 s. */
  readonly timeoutMs?: number;
}

/** What `OperatorClient` and `AgentClient` share. */
export abstract class ApiClient<CallName extends MessageName, ResponseName extends MessageName> {
  readonly #target: ApiClientTarget<CallName, ResponseName>;
  readonly #urls: readonly URL[];
  readonly #got: Got;

  protected constructor(
    target: ApiClientTarget<CallName, ResponseName>,
    options: ApiClientOptions,
  ) {
    this.#target = target;
    this.#urls = parseAddresses(options.address, target.defaultPort);
    this.#got = got.extend({
      retry: { limit: 0 },
      maxRedirects: MAX_REDIRECTS,
      methodRewriting: false,
      timeout: { connect: CONNECT_TIMEOUT_MS, request: options.timeoutMs ?? REQUEST_TIMEOUT_MS },
    });
  }

  /**
   * Makes one call. Calls that only do something answer undefined.
   * @throws PlateauError `CALL_REFUSED` with the reason of the other side; `MASTER_UNREACHABLE` or
   *   `AGENT_UNREACHABLE` when nobody answers.
   */
  async call(call: Messages[CallName]): Promise<Messages[ResponseName] | undefined> {
    const type = isRecord(call) && typeof call['type'] === 'string' ? call['type'] : 'the call';
    const body = await this.#request(type, '/api/v1', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: encodeJson(this.#target.call, call),
    });
    return body.length === 0 ? undefined : decodeJson(this.#target.response, body);
  }

  /**
   * Reads a page such as `/state`, and parses its JSON.
   * @throws PlateauError as `call` does; `INVALID_MESSAGE` when the answer is not JSON.
   */
  async get(path: string, query: Query = {}): Promise<unknown> {
    const text = await this.getText(path, query);
    try {
      return JSON.parse(text);
    } catch (cause) {
      const { who } = this.#target;
      throw new PlateauError('INVALID_MESSAGE', `The ${who} did not answer ${path} with JSON.`, {
        context: { path },
        cause,
      });
    }
  }

  /** Reads a page as text. A refusal names its path alone: the reason says what else was wrong. */
  async getText(path: string, query: Query = {}): Promise<string> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    const search = parameters.toString();
    const target = search === '' ? path : `${path}?${search}`;
    const [page = path] = path.split('?');
    return (await this.#request(page, target, { method: 'GET' })).toString('utf8');
  }

  /**
   * Sends a form to one of the endpoints that take one, such as `/teardown`, and returns the text of
   * the answer.
   * @throws PlateauError as `call` does.
   */
  async post(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const answer = await this.#request(path, path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    return answer.toString('utf8');
  }

  /** Asks one address after the other until one answers at all. */
  async #request(
    what: string,
    path: string,
    options: {
      readonly method: 'GET' | 'POST';
      readonly headers?: Record<string, string>;
      readonly body?: string;
    },
  ): Promise<Buffer> {
    const failures: string[] = [];
    for (const url of this.#urls) {
      try {
        return await this.#got(new URL(path, url), { ...options }).buffer();
      } catch (error) {
        if (error instanceof HTTPError) throw this.#refused(what, error);
        if (!(error instanceof RequestError)) throw error;
        failures.push(`${url.origin}: ${reasonOf(error)}`);
      }
    }
    throw this.#unreachable(failures);
  }

  #refused(what: string, error: HTTPError): PlateauError {
    const { statusCode: status, rawBody } = error.response;
    const text = rawBody.toString('utf8').trim();
    const reason = text === '' ? ADVICE[status] : text;
    const detail = reason === undefined ? '' : `: ${reason}`;
    const message = `The ${this.#target.who} refused ${what} with status ${status}${detail}`;
    return new PlateauError('CALL_REFUSED', message, {
      context: { status, reason: text },
      retriable: status === 503,
      cause: error,
    });
  }

  #unreachable(failures: readonly string[]): PlateauError {
    const isMaster = this.#target.who === 'master';
    const advice = isMaster
      ? 'Is it running there? Start a cluster with `plateau up`, or name another with --master.'
      : 'Is it running there? `plateau agents` lists the agents of the cluster.';
    return new PlateauError(
      isMaster ? 'MASTER_UNREACHABLE' : 'AGENT_UNREACHABLE',
      `No ${this.#target.who} answers (${failures.join('; ')}). ${advice}`,
      {
        retriable: true,
        context: {
          addresses: this.#urls.map((url) => url.origin).join(','),
          failures: failures.join('; '),
        },
      },
    );
  }
}

/** What to do about a status that came without a text. */
const ADVICE: Readonly<Record<number, string>> = {
  401: 'it wants credentials',
  403: 'it is not allowed',
  404: 'there is nothing at the path; is the other side a Plateau of another version?',
  503: 'it is not ready: try again',
};

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the name of the host is unknown',
  EAI_AGAIN: 'the name of the host could not be looked up',
  ETIMEDOUT: 'no answer in time',
  ECONNRESET: 'the connection was cut',
};

function reasonOf(error: RequestError): string {
  return SYSTEM_REASONS[error.code] ?? errorMessage(error);
}
