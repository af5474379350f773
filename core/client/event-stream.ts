/**
 * One subscription over HTTP: the request, redirects to the leader, and the records of the answer, one
 * after the other. What it does not know: what the events mean.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { RecordDecoder } from '../api/index.js';
import { type Clock, PlateauError, errorMessage } from '../base/index.js';
import { CONNECT_TIMEOUT_MS, MAX_REDIRECTS } from './api-client.js';

/** Milliseconds of silence after which the system probes the connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

export interface EventStreamRequest {
  readonly clock: Clock;
  /** Whole URL of the endpoint of one master. */
  readonly url: URL;
  /** The JSON of the SUBSCRIBE call. */
  readonly body: string;
  /** Milliseconds until the head of the answer must be there. Default 5 s. */
  readonly timeoutMs?: number;
  /** Ends the try or the stream. */
  readonly signal: AbortSignal;
}

/** An open subscription. */
export interface EventStream {
  /** Where it is open: calls go to the same master. */
  readonly url: URL;
  /** To be sent with each call. */
  readonly streamId: string | undefined;
  /**
   * The records, in order. Reading stops while the consumer is busy, so that the network, not the
   * memory, holds what comes meanwhile. Ends when the other side ends the stream.
   * @throws PlateauError `STREAM_ENDED` when the connection breaks, `INVALID_MESSAGE` on garbage.
   */
  readonly records: AsyncIterable<Buffer>;
  /** Ends the stream; `records` throws `STREAM_ENDED` with this reason. */
  cut(reason: string): void;
}

/**
 * Subscribes, following redirects to the leader.
 * @throws PlateauError `MASTER_UNREACHABLE` when nobody answers or nobody leads (retriable), and
 *   `CALL_REFUSED` when the subscription itself is refused.
 */
export async function openEventStream(options: EventStreamRequest): Promise<EventStream> {
  let { url } = options;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const { request, response } = await send(options, url);
    const { location } = response.headers;
    if (response.statusCode === 200) return streamOf(url, request, response);
    if (response.statusCode !== 307 || location === undefined) {
      throw await refusalOf(url, response);
    }
    response.resume();
    url = new URL(location, url);
  }
  throw unreachable(options.url, `more than ${MAX_REDIRECTS} redirects`);
}

interface Answer {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

function send(options: EventStreamRequest, url: URL): Promise<Answer> {
  const { clock, body, signal } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      agent: false,
      signal,
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        'Content-Length': Buffer.byteLength(body),
      },
    });
    const timer = clock.setTimer(options.timeoutMs ?? CONNECT_TIMEOUT_MS, () =>
      request.destroy(new Error('no answer in time')),
    );
    request.once('response', (response) => {
      timer.dispose();
      request.setSocketKeepAlive(true, TCP_KEEP_ALIVE_MS);
      resolve({ request, response });
    });
    request.on('error', (error) => {
      timer.dispose();
      reject(unreachable(url, errorMessage(error), error));
    });
    request.end(body);
  });
}

function streamOf(url: URL, request: ClientRequest, response: IncomingMessage): EventStream {
  let reason: string | undefined;
  const header = response.headers['mesos-stream-id'];
  return {
    url,
    streamId: typeof header === 'string' ? header : undefined,
    records: readRecords(response, () => reason),
    cut: (why) => {
      reason ??= why;
      request.destroy();
    },
  };
}

async function* readRecords(
  response: IncomingMessage,
  cutReason: () => string | undefined,
): AsyncGenerator<Buffer> {
  const decoder = new RecordDecoder();
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (const record of decoder.push(chunk)) {
        yield record;
        if (cutReason() !== undefined) throw new Error('cut');
      }
    }
  } catch (cause) {
    if (cause instanceof PlateauError) throw cause;
    const reason = cutReason() ?? `the connection broke (${errorMessage(cause)})`;
    throw new PlateauError('STREAM_ENDED', `The event stream ended: ${reason}.`, {
      retriable: true,
      cause,
    });
  } finally {
    response.destroy();
  }
}

/** Statuses of a master that is there and cannot serve now. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

async function refusalOf(url: URL, response: IncomingMessage): Promise<PlateauError> {
  const status = response.statusCode ?? 0;
  const body = await readText(response).catch(() => '');
  if (NOT_NOW.has(status)) return unreachable(url, `status ${status}: ${body}`);
  return new PlateauError(
    'CALL_REFUSED',
    `The master at ${url.origin} refused the subscription with status ${status}: ${body}`,
    { context: { status, reason: body } },
  );
}

function unreachable(url: URL, reason: string, cause?: unknown): PlateauError {
  return new PlateauError('MASTER_UNREACHABLE', `No master answers at ${url.origin}: ${reason}.`, {
    retriable: true,
    context: { address: url.origin },
    cause,
  });
}
