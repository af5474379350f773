/**
 * Ways to answer a request: texts, JSON (also as JSONP), messages, nothing, a redirect. Each
 * function sends the whole answer; a handler calls exactly one of them once.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { COMPRESS_FROM_BYTES } from './limits.js';
import { JSON_TYPE } from './media.js';
import type { Exchange } from './routes.js';

/** Headers of every answer: browsers must not guess another type, or show it in a frame. */
export const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff' } as const;

/** Bytes of a larger answer that are written, or compressed, at once. */
const PART_BYTES = 64 * 1024;
/** Compressing a larger answer at once would stall the event loop. */
const COMPRESS_AT_ONCE_BYTES = 256 * 1024;
/** Names of JavaScript functions, dotted; nothing that could be markup or another statement. */
const CALLBACK_NAME = /^[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,7}$/;

/** Answers with plain text, such as the reason of a refusal. */
export function answerText(
  exchange: Exchange,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  exchange.response.writeHead(status, {
    ...COMMON_HEADERS,
    ...(text === '' ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }),
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  });
  // Without a body there is one write only: most calls are answered so.
  if (text === '') exchange.response.end();
  else exchange.response.end(text);
}

/** Answers with a status and no body. */
export function answerEmpty(exchange: Exchange, status: number): void {
  answerText(exchange, status, '');
}

/** Sends the client to another address, which may leave out the scheme. */
export function answerRedirect(exchange: Exchange, location: string): void {
  answerText(exchange, 307, '', { Location: location });
}

/** Refuses a method and names the allowed ones. */
export function answerMethodNotAllowed(exchange: Exchange, allowed: readonly string[]): void {
  const names = allowed.join(', ');
  const text = `Expecting one of ${names}, but received ${exchange.request.method ?? 'nothing'}`;
  answerText(exchange, 405, text, { Allow: names });
}

/** Answers with JSON that is small enough to be one string. Obeys `jsonp=` and Accept-Encoding. */
export async function answerJson(exchange: Exchange, json: string): Promise<void> {
  const callback = readCallback(exchange);
  if (callback === false) return;
  const contentType = callback === undefined ? JSON_TYPE : 'text/javascript';
  const body = Buffer.from(callback === undefined ? json : `${callback}(${asScript(json)})`);
  if (body.length <= COMPRESS_AT_ONCE_BYTES) answerAtOnce(exchange, contentType, body);
  else await answerStreamed(exchange, contentType, body);
}

/**
 * The function that JSON is to be given to, by `jsonp=`; undefined: none; false: that is no name of a
 * function, and was answered 400.
 */
export function readCallback(exchange: Exchange): string | false | undefined {
  const callback = exchange.query.get('jsonp');
  if (callback === null) return undefined;
  if (CALLBACK_NAME.test(callback)) return callback;
  answerText(exchange, 400, "The query parameter 'jsonp' must be the name of a function.");
  return false;
}

/** JSON may hold two characters that end a line in older JavaScript, inside of a text too. */
function asScript(json: string): string {
  return json.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
}

/** Answers with one message: text is JSON, bytes are of the given type. Obeys Accept-Encoding. */
export async function answerMessage(
  exchange: Exchange,
  contentType: string,
  message: string | Buffer,
): Promise<void> {
  if (typeof message === 'string') await answerJson(exchange, message);
  else if (message.length <= COMPRESS_AT_ONCE_BYTES) answerAtOnce(exchange, contentType, message);
  else await answerStreamed(exchange, contentType, message);
}

/** Answers with a body of a known type that is small. */
export function answerAtOnce(exchange: Exchange, contentType: string, body: Buffer): void {
  const isCompressed = body.length >= COMPRESS_FROM_BYTES && acceptsGzip(exchange);
  const bytes = isCompressed ? gzipSync(body, { level: 1 }) : body;
  exchange.response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Type': contentType,
    ...(isCompressed ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}),
    'Content-Length': bytes.length,
  });
  exchange.response.end(bytes);
}

async function answerStreamed(
  exchange: Exchange,
  contentType: string,
  body: Buffer,
): Promise<void> {
  const isCompressed = acceptsGzip(exchange);
  exchange.response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Type': contentType,
    ...(isCompressed ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}),
  });
  if (exchange.request.method === 'HEAD') {
    exchange.response.end();
    return;
  }
  const source = Readable.from(parts(body), { objectMode: false });
  if (isCompressed) await pipeline(source, createGzip({ level: 1 }), exchange.response);
  else await pipeline(source, exchange.response);
}

/** Small enough that a client which takes any of it is seen to. */
function* parts(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += PART_BYTES) {
    yield body.subarray(start, start + PART_BYTES);
  }
}

/** Whether the client asked for gzip (and did not give it the weight 0). */
export function acceptsGzip(exchange: Exchange): boolean {
  const header = exchange.request.headers['accept-encoding'];
  if (typeof header !== 'string') return false;
  return header.split(',').some((item) => {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return (name === 'gzip' || name === 'x-gzip') && !isRefused;
  });
}
