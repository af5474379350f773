/**
 * Sends the calls of one subscription, one after the other in the order in which they were made, over
 * one kept connection: a KILL never overtakes the ACCEPT before it. Acknowledgements, of which no two
 * concern the same update, go beside them over a few connections of their own. Node's own client
 * rather than got, which costs several times as much per call on the hottest path there is.
 */
import {
  Agent,
  type IncomingMessage,
  type RequestOptions,
  request as httpRequest,
} from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { PlateauError, errorMessage } from '../base/index.js';
import { REQUEST_TIMEOUT_MS } from './api-client.js';

/** Calls that may wait for their turn. */
export const MAX_QUEUED_CALLS = 10_000;
/** Connections over which acknowledgements go. */
export const MAX_ACKNOWLEDGING_CONNECTIONS = 4;

export interface CallTarget {
  readonly url: URL;
  readonly streamId: string | undefined;
}

export class CallQueue {
  readonly #target: CallTarget;
  /** Taken apart once: it is the same for every call. */
  readonly #address: RequestOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #ordered = new Agent({ keepAlive: true, maxSockets: 1, keepAliveMsecs: 30_000 });
  readonly #beside = new Agent({
    keepAlive: true,
    maxSockets: MAX_ACKNOWLEDGING_CONNECTIONS,
    keepAliveMsecs: 30_000,
  });
  readonly #acknowledging = new Set<Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(target: CallTarget) {
    this.#target = target;
    const { url, streamId } = target;
    this.#address = {
      method: 'POST',
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 80 : Number(url.port),
      path: `${url.pathname}${url.search}`,
      timeout: REQUEST_TIMEOUT_MS,
    };
    this.#headers = {
      'Content-Type': 'application/json',
      ...(streamId === undefined ? {} : { 'Mesos-Stream-Id': streamId }),
    };
  }

  /**
   * Resolves when the master has accepted the call.
   * @throws PlateauError `CALL_REFUSED` with the reason of the master; `MASTER_UNREACHABLE` when it
   *   is not known whether the call arrived; `STREAM_ENDED` when it was not sent at all.
   */
  async send(type: string, body: string): Promise<void> {
    await this.#counted(type, () => {
      const turn = this.#last.then(() => this.#perform(type, body, this.#ordered));
      this.#last = turn.catch(() => undefined);
      return turn;
    });
  }

  /** The same for a call whose order among the others does not matter. */
  async sendBeside(type: string, body: string): Promise<void> {
    await this.#counted(type, async () => {
      const turn = this.#perform(type, body, this.#beside);
      this.#acknowledging.add(turn);
      try {
        await turn;
      } finally {
        this.#acknowledging.delete(turn);
      }
    });
  }

  /** Calls that were not sent yet fail; the one that is being sent is cut. */
  close(): void {
    this.#isClosed = true;
    this.#ordered.destroy();
    this.#beside.destroy();
  }

  /** Resolves when every call made so far has been answered or has failed. */
  async drain(): Promise<void> {
    await Promise.allSettled([this.#last, ...this.#acknowledging]);
  }

  async #counted(type: string, perform: () => Promise<void>): Promise<void> {
    if (this.#isClosed) throw notSent(type, 'the subscription has ended');
    if (this.#waiting >= MAX_QUEUED_CALLS) {
      throw notSent(type, `${MAX_QUEUED_CALLS} calls are waiting already`);
    }
    this.#waiting++;
    try {
      await perform();
    } finally {
      this.#waiting--;
    }
  }

  async #perform(type: string, body: string, agent: Agent): Promise<void> {
    if (this.#isClosed) throw notSent(type, 'the subscription has ended');
    const { status, text } = await this.#post(type, body, agent);
    if (status !== 200 && status !== 202) throw refused(type, status, text);
  }

  async #post(type: string, body: string, agent: Agent): Promise<{ status: number; text: string }> {
    try {
      const response = await this.#request(body, agent);
      return { status: response.statusCode ?? 0, text: await textOf(response) };
    } catch (error) {
      throw unanswered(type, this.#target.url, error);
    }
  }

  #request(body: string, agent: Agent): Promise<IncomingMessage> {
    const headers = { ...this.#headers, 'Content-Length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const request = httpRequest({ ...this.#address, agent, headers });
      request.once('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
      request.once('response', resolve);
      request.end(body);
    });
  }
}

/** The body of an answer. Most have none, and are not worth a reader. */
async function textOf(response: IncomingMessage): Promise<string> {
  if (response.headers['content-length'] !== '0') return readText(response);
  response.resume();
  return '';
}

function notSent(type: string, why: string): PlateauError {
  return new PlateauError('STREAM_ENDED', `${type} was not sent: ${why}.`, { retriable: true });
}

function refused(type: string, status: number, text: string): PlateauError {
  const moved = status === 307 ? 'it does not lead any more' : text;
  return new PlateauError('CALL_REFUSED', `The master refused ${type} with ${status}: ${moved}`, {
    context: { status, reason: text },
    // 403: this subscription is over, and the client is about to hear of it on its stream.
    retriable: status === 307 || status === 403 || status >= 500,
  });
}

function unanswered(type: string, url: URL, cause: unknown): PlateauError {
  return new PlateauError(
    'MASTER_UNREACHABLE',
    `The master at ${url.origin} did not answer ${type} (${errorMessage(cause)}): whether it has ` +
      'arrived, reconciliation will tell.',
    { retriable: true, context: { address: url.origin }, cause },
  );
}
