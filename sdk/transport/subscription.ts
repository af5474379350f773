/**
 * One SUBSCRIBE by got: the request, the way to the leader, and the records of the answer as they are
 * asked for. What is not asked for stays in the network.
 */
import { Buffer } from 'node:buffer';
import { type Request, type Response, got } from 'got';
import { RecordDecoder } from '../../core/api/index.js';
import { type Clock, PlateauError, errorMessage } from '../../core/base/index.js';
import { MAX_REDIRECTS } from '../../core/client/index.js';
import { textOf } from './answer-text.js';
import { garbled, masterUnreachable, streamEnded, subscriptionRefused } from './failures.js';

/** Milliseconds of silence after which the system probes the connection. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** Statuses of a master that is there and cannot serve now. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

export interface SubscriptionRequest {
  readonly clock: Clock;
  /** Base URL of a master. */
  readonly master: URL;
  /** JSON of the SUBSCRIBE call. */
  readonly body: string;
  /** Milliseconds until the head of the answer must be there. */
  readonly timeoutMs: number;
  /** Ends the try, and later the stream. */
  readonly signal: AbortSignal;
}

export interface Subscription {
  /** Whole URL of the endpoint where it is open: calls go there. */
  readonly url: URL;
  readonly streamId: string | undefined;
  /**
   * The records, in order.
   * @throws PlateauError `STREAM_ENDED` when there are no more, `INVALID_MESSAGE` when they are none.
   */
  readonly records: AsyncIterable<Buffer>;
}

/**
 * Subscribes at a master or at the leader that it names.
 * @throws PlateauError `MASTER_UNREACHABLE`, or `CALL_REFUSED` when the call itself is not accepted.
 */
export async function openSubscription(request: SubscriptionRequest): Promise<Subscription> {
  let url = new URL('/api/v1/scheduler', request.master);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const { stream, response } = await post(request, url);
    const { statusCode, headers } = response;
    if (statusCode === 200) {
      const header = headers['mesos-stream-id'];
      const streamId = typeof header === 'string' ? header : undefined;
      return { url, streamId, records: recordsOf(stream, url) };
    }
    const { location } = headers;
    if (statusCode !== 307 || location === undefined) {
      throw refusal(url, statusCode, await reasonOf(stream, request));
    }
    stream.destroy();
    // Masters leave the scheme out of it.
    url = new URL(location, url);
  }
  throw masterUnreachable(request.master.origin, `more than ${MAX_REDIRECTS} redirects`);
}

interface Answer {
  readonly stream: Request;
  readonly response: Response;
}

function post(request: SubscriptionRequest, url: URL): Promise<Answer> {
  const { body, signal, timeoutMs } = request;
  const stream = got.stream.post(url, {
    body,
    signal,
    agent: { http: false, https: false },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    timeout: { connect: timeoutMs, response: timeoutMs },
    headers: { 'content-type': 'application/json', accept: 'application/json' },
  });
  stream.once('request', (sent: { setSocketKeepAlive(on: boolean, afterMs: number): void }) =>
    sent.setSocketKeepAlive(true, TCP_KEEP_ALIVE_MS),
  );
  return new Promise((resolve, reject) => {
    stream.once('response', (response: Response) => resolve({ stream, response }));
    // Later ones reach whoever reads the records.
    stream.on('error', (error) =>
      reject(masterUnreachable(url.origin, errorMessage(error), error)),
    );
  });
}

async function* recordsOf(stream: Request, url: URL): AsyncGenerator<Buffer> {
  const decoder = new RecordDecoder();
  try {
    for await (const chunk of stream) {
      if (Buffer.isBuffer(chunk)) yield* decode(decoder, chunk, url);
    }
  } catch (cause) {
    if (cause instanceof PlateauError) throw cause;
    throw streamEnded(`the connection broke (${errorMessage(cause)})`, cause);
  } finally {
    stream.destroy();
  }
  throw streamEnded('the master ended it');
}

function decode(decoder: RecordDecoder, chunk: Buffer, url: URL): Buffer[] {
  try {
    return decoder.push(chunk);
  } catch (error) {
    throw garbled(url.origin, error);
  }
}

/** The text of a refusal, as far as it comes in time. */
async function reasonOf(
  stream: Request,
  { clock, timeoutMs }: SubscriptionRequest,
): Promise<string> {
  const timer = clock.setTimer(timeoutMs, () => stream.destroy());
  try {
    return await textOf(stream);
  } finally {
    timer.dispose();
  }
}

function refusal(url: URL, status: number, reason: string): PlateauError {
  if (NOT_NOW.has(status)) return masterUnreachable(url.origin, `status ${status}, ${reason}`);
  return subscriptionRefused(url.origin, { type: 'SUBSCRIBE', status, reason });
}
