/**
 * HTTP with nothing added: a request has the headers that a case gives it, and beside them only `Host`
 * and the length of its body. Every exchange has a connection of its own.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { readJson } from './json.js';

export const JSON_TYPE = 'application/json';
export const PROTOBUF_TYPE = 'application/x-protobuf';
export const RECORDIO_TYPE = 'application/recordio';

/** How long the head of an answer may take, and then the rest of one that is not a stream. */
const ANSWER_LIMIT_MS = 20_000;

/** Headers by name; those without a value are left out. */
export type Headers = Readonly<Record<string, string | undefined>>;

export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Headers;
  readonly body?: string | Buffer;
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** An answer whose body is still to come. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly response: IncomingMessage;
  /** Closes the connection, whatever is under way. */
  readonly close: () => void;
}

/** Sends a request and waits for all of its answer. Redirects are not followed. */
export async function exchange(base: string, what: HttpRequest): Promise<Answer> {
  const { status, headers, response, close } = await open(base, what);
  const timer = setTimeout(close, ANSWER_LIMIT_MS);
  try {
    const raw = await buffer(response);
    const body = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    return { status, headers, body, text: body.toString('utf8') };
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a request and waits for the head of its answer. */
export function open(base: string, what: HttpRequest): Promise<OpenAnswer> {
  const { method = 'GET', path, headers = {}, body } = what;
  const { hostname, port } = new URL(base);
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? 80 : port,
        method,
        path,
        headers: { ...length, ...Object.fromEntries(given) },
        agent: false,
      },
      (response) => {
        clearTimeout(timer);
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, response, close: () => sent.destroy() });
      },
    );
    const late = new Error(`no answer to ${method} ${path} within ${ANSWER_LIMIT_MS} ms`);
    const timer = setTimeout(() => sent.destroy(late), ANSWER_LIMIT_MS);
    sent.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(body);
  });
}

/** The JSON document of an answer. @throws Error that shows the start of what came instead. */
export function documentOf(answer: Answer): unknown {
  try {
    return readJson(answer.text);
  } catch (error) {
    throw new Error(`no JSON but ${answer.status} ${answer.text.slice(0, 200)}`, { cause: error });
  }
}
