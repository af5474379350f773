/**
 * Sends pages: with an ETag, so that who has the current version is not sent it again; compressed once
 * for all who want that; as jsonp; and never faster than the reader takes it.
 */
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Logger } from '../../base/index.js';
import { COMMON_HEADERS, acceptsGzip, readCallback } from '../answers.js';
import { COMPRESS_FROM_BYTES, PAGE_STALL_MS } from '../limits.js';
import { JSON_TYPE } from '../media.js';
import type { Exchange } from '../routes.js';
import type { PageCache, PageSource } from './page-cache.js';
import type { Page } from './page.js';
import type { SharedBody } from './shared-body.js';

/** What is shorter is written without waiting for its turn. */
const SMALL_WRITE_BYTES = 16 * 1024;

export interface PageServer {
  readonly cache: PageCache;
  readonly log: Logger;
}

/** A page with what identifies its version. */
export interface IdentifiedPage extends PageSource {
  /** Who made it, such as the id of the master: versions of different ones are not compared. */
  readonly origin: string;
  /** JSON unless told otherwise. */
  readonly contentType?: string;
}

/** Answers a GET or HEAD of a page, or a call whose answer is one. */
export async function answerPage(
  server: PageServer,
  exchange: Exchange,
  source: IdentifiedPage,
): Promise<void> {
  const { contentType = JSON_TYPE } = source;
  const callback = contentType === JSON_TYPE ? readCallback(exchange) : undefined;
  if (callback === false) return;
  const { method } = exchange.request;
  const isRead = method === 'GET' || method === 'HEAD';
  const type = callback === undefined ? contentType : 'text/javascript';
  const version = source.version();
  if (version !== undefined && isRead) {
    if (answerWithoutBody(exchange, etagOf(source, String(version)), type)) return;
  }
  await server.cache.use(source, async (page) => {
    const etag = etagOf(source, page.tag);
    if (version === undefined && isRead && answerWithoutBody(exchange, etag, type)) return;
    const forget = page.onCutOff(() => void exchange.response.destroy());
    try {
      await page.plain.filled(COMPRESS_FROM_BYTES);
      const isCompressed = acceptsGzip(exchange) && page.plain.bytes >= COMPRESS_FROM_BYTES;
      const own = isRead ? cacheHeaders(etag) : {};
      const sent = { page, contentType, isCompressed, headers: own };
      if (callback === undefined) await sendPage(server, exchange, sent);
      else await sendJsonp(server, exchange, { ...sent, callback });
    } finally {
      forget();
      await handedOver(exchange);
    }
  });
}

/** Answers who has this version, or wants to know no more than that; whether it did. */
function answerWithoutBody({ request, response }: Exchange, etag: string, type: string): boolean {
  if (matches(request.headers['if-none-match'], etag)) {
    response.writeHead(304, cacheHeaders(etag)).end();
    return true;
  }
  if (request.method !== 'HEAD') return false;
  const all = { ...COMMON_HEADERS, 'Content-Type': type, ...cacheHeaders(etag) };
  response.writeHead(200, all).end();
  return true;
}

/** Resolves when all that was written has left, or never will: its memory may be used again. */
function handedOver({ response }: Exchange): Promise<void> {
  return new Promise((resolve) => {
    if (!response.headersSent || response.writableFinished || response.closed) {
      resolve();
      return;
    }
    response.once('finish', () => resolve());
    response.once('close', () => resolve());
    // It went wrong in the middle: what was sent must not look like all.
    if (!response.writableEnded) response.destroy();
  });
}

interface Sending {
  readonly page: Page;
  readonly contentType: string;
  readonly isCompressed: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

async function sendPage(
  server: PageServer,
  exchange: Exchange,
  { page, contentType, isCompressed, headers }: Sending,
): Promise<void> {
  const body: SharedBody = isCompressed ? page.gzip() : page.plain;
  exchange.response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Type': contentType,
    ...headers,
    ...(isCompressed ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}),
    ...(body.isComplete ? { 'Content-Length': body.bytes } : {}),
  });
  await sendParts(server, exchange, body.read());
}

/** The name of the function differs, so that what is compressed is not shared. */
async function sendJsonp(
  server: PageServer,
  exchange: Exchange,
  { page, callback, isCompressed, headers }: Sending & { readonly callback: string },
): Promise<void> {
  exchange.response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Type': 'text/javascript',
    ...headers,
    ...(isCompressed ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}),
  });
  const parts = wrapped(callback, page.plain);
  if (!isCompressed) {
    await sendParts(server, exchange, parts);
    return;
  }
  const gzip = createGzip({ level: 1 });
  const source = Readable.from(parts, { objectMode: false });
  source.once('error', (error) => gzip.destroy(error));
  exchange.response.once('close', () => source.destroy());
  await sendParts(server, exchange, source.pipe(gzip));
}

async function* wrapped(callback: string, body: SharedBody): AsyncGenerator<Buffer> {
  yield Buffer.from(`${callback}(`);
  yield* body.read();
  yield Buffer.from(')');
}

/** Writes parts as fast as the reader takes them, by turns with other answers, and ends the answer. */
async function sendParts(
  server: PageServer,
  exchange: Exchange,
  parts: AsyncIterable<Buffer>,
): Promise<void> {
  const { response } = exchange;
  const { turns } = server.cache;
  for await (const part of parts) {
    if (response.destroyed) return;
    const write = (): boolean => response.write(part);
    const isTaken = part.length < SMALL_WRITE_BYTES ? write() : await turns.run(write);
    if (!isTaken) await drained(server, exchange);
  }
  if (!response.destroyed) response.end();
}

/** Resolves when the reader has taken what was written; one that takes nothing is cut off. */
export async function drained({ log }: Pick<PageServer, 'log'>, exchange: Exchange): Promise<void> {
  const { response, world, peer } = exchange;
  if (response.destroyed || !response.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      timer.dispose();
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    const timer = world.clock.setTimer(PAGE_STALL_MS, () => {
      log.warn('a reader of a page takes nothing and was cut off', {
        peer,
        stallMs: PAGE_STALL_MS,
      });
      response.destroy();
    });
    response.on('drain', done);
    response.on('close', done);
  });
}

/** Weak: the compressed form and the plain one are not the same bytes. */
function etagOf({ origin }: IdentifiedPage, tag: string): string {
  return `W/"${origin}.${tag}"`;
}

function cacheHeaders(etag: string): Record<string, string> {
  return { ETag: etag, 'Cache-Control': 'no-cache', Vary: 'Accept-Encoding' };
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const strong = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.split(',').some((tag) => tag.trim() === '*' || strong(tag) === strong(etag));
}
