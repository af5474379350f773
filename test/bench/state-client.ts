/**
 * The client of the benchmark of state serving, in a process of its own: it is told over IPC what to do,
 * and answers with what it measured.
 */
import { Agent, type IncomingHttpHeaders, get, request } from 'node:http';
import { isRecord } from '../../core/base/index.js';

/** Reads a page some times, by so many clients at the same time. */
export interface PollOrder {
  readonly kind: 'poll';
  readonly url: string;
  readonly clients: number;
  readonly rounds: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends the ETag of the last answer along. */
  readonly isConditional?: boolean;
}

/** Reads a small page all the time, until told to stop: who has to wait for others? */
export type WatchOrder =
  | { readonly kind: 'watch'; readonly url: string }
  | { readonly kind: 'unwatch' };

/** Opens event streams and keeps them. */
export interface StreamsOrder {
  readonly kind: 'streams';
  readonly url: string;
  readonly count: number;
}

export type Order = PollOrder | StreamsOrder | WatchOrder;

export interface PollResult {
  /** Milliseconds of each reading, the first ones first. */
  readonly readMs: readonly number[];
  /** Of those who asked for something small meanwhile. */
  readonly healthMs: readonly number[];
  /** Of the last answer, as it was sent. */
  readonly bytes: number;
  readonly status: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

interface Reading {
  readonly ms: number;
  readonly bytes: number;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

function read(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    get(url, { agent, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers: got } = response;
        resolve({ ms: performance.now() - startMs, bytes, status, headers: got });
      });
    }).once('error', reject);
  });
}

async function poll(order: PollOrder): Promise<Omit<PollResult, 'healthMs'>> {
  const readMs: number[] = [];
  let last: Reading | undefined;
  const client = async (): Promise<void> => {
    let etag: string | undefined;
    for (let round = 0; round < order.rounds; round++) {
      const condition = order.isConditional && etag ? { 'If-None-Match': etag } : {};
      // oxlint-disable-next-line no-await-in-loop -- each client asks again when it has the answer
      last = await read(order.url, { ...order.headers, ...condition });
      etag = last.headers.etag;
      readMs.push(last.ms);
    }
  };
  await Promise.all(Array.from({ length: order.clients }, client));
  return { readMs, bytes: last?.bytes ?? 0, status: last?.status ?? 0 };
}

const watched: number[] = [];
const watch = { isOn: false };
let watching: Promise<void> = Promise.resolve();

async function keepWatching(url: string): Promise<void> {
  while (watch.isOn) {
    // oxlint-disable-next-line no-await-in-loop -- one question after the other
    watched.push((await read(url)).ms);
    // oxlint-disable-next-line no-await-in-loop -- at most 200 in a second
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function unwatch(): Promise<readonly number[]> {
  watch.isOn = false;
  await watching;
  return watched.splice(0);
}

async function openStreams({ url, count }: StreamsOrder): Promise<void> {
  const open = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json' };
      const asked = request(url, { method: 'POST', agent: false, headers }, (response) => {
        response.resume();
        response.once('data', () => resolve());
      });
      asked.once('error', reject);
      const framework_info = { user: 'nobody', name: `idle-${index}`, roles: ['idle'] };
      const subscribe = { framework_info, suppressed_roles: ['idle'] };
      asked.end(JSON.stringify({ type: 'SUBSCRIBE', subscribe }));
    });
  for (let done = 0; done < count; done += 100) {
    const some = Array.from({ length: Math.min(100, count - done) }, (_, index) => done + index);
    // oxlint-disable-next-line no-await-in-loop -- a hundred at a time
    await Promise.all(some.map(open));
  }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'poll':
      return await poll(order);
    case 'streams':
      return await openStreams(order);
    case 'watch':
      watch.isOn = true;
      watching = keepWatching(order.url);
      return null;
    default:
      return await unwatch();
  }
}

process.on('message', (message: unknown) => {
  if (!isRecord(message) || typeof message['kind'] !== 'string') return;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program made it
  obey(message as unknown as Order).then(
    (result) => process.send?.({ result: result ?? null }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
