/**
 * The calls of one subscription, by got. One lane keeps the order in which they were made, over one
 * kept connection; confirmations, no two of which concern the same update, go beside it over a few.
 * They are the hottest path of a framework: got's streams cost a quarter less processor time than its
 * promises, and retries, decompression, redirects and thrown statuses, which add to it, are off.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type Got, type Response, got } from 'got';
import { type Clock, PlateauError } from '../../core/base/index.js';
import { MAX_QUEUED_CALLS } from '../../core/client/index.js';
import { textOf } from './answer-text.js';
import { callRefused, notSent, unanswered } from './failures.js';

/** Connections over which confirmations go. */
export const MAX_CONFIRMING_CONNECTIONS = 4;
/** Longest wait for answers to calls that were under way when the stream ended, in milliseconds. */
export const LAST_ANSWERS_MS = 1_000;
/** Milliseconds of silence after which the system probes a connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

export interface CallTarget {
  readonly url: URL;
  readonly streamId: string | undefined;
  /** Milliseconds until the answer to a call must be there. */
  readonly requestTimeoutMs: number;
}

/** `ordered`: after all that were made before. `beside`: as soon as a connection is free. */
export type LaneName = 'ordered' | 'beside';

interface Waiting {
  readonly type: string;
  readonly body: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Calls {
  readonly #target: CallTarget;
  readonly #lanes: Readonly<Record<LaneName, Lane>>;
  readonly #drained: (() => void)[] = [];
  #open = 0;
  #isDraining = false;
  #isEnded = false;

  constructor(target: CallTarget) {
    this.#target = target;
    this.#lanes = {
      ordered: new Lane(target, 1),
      beside: new Lane(target, MAX_CONFIRMING_CONNECTIONS),
    };
  }

  /**
   * Resolves when the master has accepted the call.
   * @throws PlateauError `CALL_REFUSED`, `MASTER_UNREACHABLE` when no answer came, `STREAM_ENDED` when it was
   *   not sent: the subscription is over, or too many wait.
   */
  async send(lane: LaneName, type: string, body: string): Promise<void> {
    if (this.#isEnded) throw notSent(type, 'the subscription is over');
    if (this.#open >= MAX_QUEUED_CALLS) {
      throw notSent(type, `${MAX_QUEUED_CALLS} calls wait already`);
    }
    this.#open++;
    try {
      await this.#lanes[lane].send(type, body);
    } catch (error) {
      // Nobody is there to take the rest.
      if (this.#isDraining && isUnanswered(error)) this.end();
      throw error;
    } finally {
      this.#open--;
      if (this.#open === 0) for (const resolve of this.#drained.splice(0)) resolve();
    }
  }

  /** Resolves when no call is open any more. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#open > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /**
   * The stream has ended: what waits fails as not sent; what is under way may be the reason (a TEARDOWN
   * is answered after the stream), so its answer is awaited for a moment.
   */
  async settle(clock: Clock): Promise<void> {
    this.#isEnded = true;
    for (const lane of Object.values(this.#lanes)) lane.dropWaiting();
    const timer = clock.setTimer(LAST_ANSWERS_MS, () => this.end());
    // What was dropped is counted until its caller knows.
    await this.drain();
    timer.dispose();
    this.end();
  }

  /** What waits fails as not sent, what is under way as unanswered; the connections are closed. */
  end(): void {
    this.#isEnded = true;
    for (const lane of Object.values(this.#lanes)) lane.end();
  }

  get master(): URL {
    return this.#target.url;
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof PlateauError && error.code === 'MASTER_UNREACHABLE';
}

/** Calls that share connections: as many are under way as there may be connections. */
class Lane {
  readonly #target: CallTarget;
  readonly #connections: number;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly #got: Got;
  /** As text, which got takes apart faster than it copies a URL. */
  readonly #address: string;
  #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(target: CallTarget, connections: number) {
    this.#target = target;
    this.#address = target.url.href;
    this.#connections = connections;
    const kept = { keepAlive: true, maxSockets: connections, keepAliveMsecs: TCP_KEEP_ALIVE_MS };
    this.#agents = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };
    const { streamId, requestTimeoutMs } = target;
    this.#got = got.extend({
      method: 'POST',
      agent: this.#agents,
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
      decompress: false,
      timeout: { request: requestTimeoutMs },
      headers: {
        'content-type': 'application/json',
        'user-agent': undefined,
        ...(streamId !== undefined && { 'mesos-stream-id': streamId }),
      },
    });
  }

  send(type: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ type, body, resolve, reject });
      this.#next();
    });
  }

  dropWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { type, reject } of waiting) reject(notSent(type, 'the subscription is over'));
  }

  end(): void {
    this.dropWaiting();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #next(): void {
    if (this.#underWay >= this.#connections) return;
    const call = this.#waiting.shift();
    if (call === undefined) return;
    this.#underWay++;
    void this.#post(call).finally(() => {
      this.#underWay--;
      this.#next();
    });
  }

  async #post({ type, body, resolve, reject }: Waiting): Promise<void> {
    const { url } = this.#target;
    try {
      const { status, reason } = await this.#answerTo(body);
      if (status === 202 || status === 200) resolve();
      else reject(callRefused({ type, status, reason }));
    } catch (cause) {
      reject(unanswered(type, url.origin, cause));
    }
  }

  #answerTo(body: string): Promise<{ readonly status: number; readonly reason: string }> {
    const stream = this.#got.stream(this.#address, { body });
    return new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.once('response', ({ statusCode: status }: Response) => {
        if (status !== 202 && status !== 200) {
          void textOf(stream).then((reason) => resolve({ status, reason }));
          return;
        }
        stream.once('end', () => resolve({ status, reason: '' }));
        stream.resume();
      });
    });
  }
}
