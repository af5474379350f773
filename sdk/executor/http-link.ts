/**
 * The v1 executor API over HTTP, or over the agent's unix socket. Node's own client: an executor runs beside
 * its tasks for as long as they do, so it is kept small.
 */
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as httpRequest,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { type ExecutorCall, RecordDecoder, decodeJson, encodeJson } from '../../core/api/index.js';
import { type Clock, PlateauError, errorMessage } from '../../core/base/index.js';
import type { ExecutorSettings } from './environment.js';
import type { AgentLink, AgentSession, AgentSessionHandlers } from './link.js';

/** Calls that may wait for their turn. */
export const MAX_WAITING_CALLS = 10_000;
/** Milliseconds until the agent must have answered. */
export const AGENT_REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds of silence after which the system probes a connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

export interface HttpAgentLinkOptions {
  readonly clock: Clock;
  readonly settings: Pick<ExecutorSettings, 'endpoint' | 'socketPath' | 'token'>;
}

export class HttpAgentLink implements AgentLink {
  readonly #options: HttpAgentLinkOptions;

  /** @throws PlateauError `INVALID_FLAG` when the endpoint is no address. */
  constructor(options: HttpAgentLinkOptions) {
    this.#options = options;
    addressOf(options.settings);
  }

  open(subscribe: ExecutorCall, handlers: AgentSessionHandlers): AgentSession {
    return new HttpAgentSession(this.#options, subscribe, handlers);
  }
}

class HttpAgentSession implements AgentSession {
  readonly #clock: Clock;
  readonly #address: RequestOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #handlers: AgentSessionHandlers;
  readonly #connection = new Agent({ keepAlive: true, maxSockets: 1 });
  #stream: ClientRequest | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isOver = false;

  constructor(
    { clock, settings }: HttpAgentLinkOptions,
    subscribe: ExecutorCall,
    handlers: AgentSessionHandlers,
  ) {
    this.#clock = clock;
    this.#address = addressOf(settings);
    this.#headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      ...(settings.token !== undefined && { Authorization: `Bearer ${settings.token}` }),
    };
    this.#handlers = handlers;
    void this.#run(encodeJson('ExecutorCall', subscribe));
  }

  async call(call: ExecutorCall): Promise<void> {
    const type = call.type ?? 'UNKNOWN';
    if (this.#waiting >= MAX_WAITING_CALLS) throw notSent(type, 'too many calls wait');
    const body = encodeJson('ExecutorCall', call);
    const turn = this.#last.then(() => this.#perform(type, body));
    this.#last = turn.catch(() => undefined);
    this.#waiting++;
    try {
      await turn;
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    this.#isOver = true;
    this.#stream?.destroy();
    this.#connection.destroy();
  }

  async #perform(type: string, body: string): Promise<void> {
    if (this.#isOver) throw notSent(type, 'the subscription is over');
    const response = await this.#post(type, body, this.#connection);
    const status = response.statusCode ?? 0;
    const reason = await text(response).catch(() => '');
    if (status !== 202 && status !== 200) throw refused(type, status, reason);
  }

  async #run(body: string): Promise<void> {
    let end: PlateauError;
    try {
      const response = await this.#post('SUBSCRIBE', body, false);
      await this.#read(response);
      end = streamEnded('the agent ended it');
    } catch (error) {
      end = error instanceof PlateauError ? error : streamEnded(errorMessage(error), error);
    }
    const isWanted = !this.#isOver;
    this.close();
    if (isWanted) this.#handlers.onEnd(end);
  }

  async #read(response: IncomingMessage): Promise<void> {
    const status = response.statusCode ?? 0;
    if (status !== 200) {
      throw refused('SUBSCRIBE', status, await text(response).catch(() => ''));
    }
    const decoder = new RecordDecoder();
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (const record of decoder.push(chunk)) {
        if (!this.#isOver) this.#handlers.onEvent(decodeJson('ExecutorEvent', record));
      }
    }
  }

  #post(type: string, body: string, agent: Agent | false): Promise<IncomingMessage> {
    const headers = { ...this.#headers, 'Content-Length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const request = httpRequest({ ...this.#address, agent, headers });
      if (agent === false) this.#stream = request;
      const timer = this.#clock.setTimer(AGENT_REQUEST_TIMEOUT_MS, () =>
        request.destroy(new Error('no answer in time')),
      );
      request.once('close', () => timer.dispose());
      request.on('error', (cause) => reject(unreachable(type, cause)));
      request.once('response', (response) => {
        timer.dispose();
        request.setSocketKeepAlive(true, TCP_KEEP_ALIVE_MS);
        resolve(response);
      });
      request.end(body);
    });
  }
}

function addressOf(settings: HttpAgentLinkOptions['settings']): RequestOptions {
  const { endpoint, socketPath } = settings;
  const request = { method: 'POST', path: '/api/v1/executor' };
  if (socketPath !== undefined) return { ...request, socketPath };
  const url = URL.canParse(`http://${endpoint}`) ? new URL(`http://${endpoint}`) : undefined;
  if (url === undefined || url.hostname === '' || url.port === '') {
    throw new PlateauError(
      'INVALID_FLAG',
      `MESOS_AGENT_ENDPOINT is '${endpoint}'; it must be host:port.`,
      { context: { endpoint } },
    );
  }
  return { ...request, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

function notSent(type: string, why: string): PlateauError {
  return new PlateauError('STREAM_ENDED', `${type} was not sent to the agent: ${why}.`, {
    retriable: true,
  });
}

function streamEnded(why: string, cause?: unknown): PlateauError {
  return new PlateauError('STREAM_ENDED', `The subscription at the agent is over: ${why}.`, {
    retriable: true,
    cause,
  });
}

function unreachable(type: string, cause: unknown): PlateauError {
  const message = `The agent did not answer ${type}: ${errorMessage(cause)}.`;
  return new PlateauError('AGENT_UNREACHABLE', message, { retriable: true, cause });
}

/** An agent that recovers, or waits for acknowledgements itself, answers 503. */
function refused(type: string, status: number, reason: string): PlateauError {
  const message = `The agent answered ${type} with status ${status}: ${reason}`;
  return new PlateauError('CALL_REFUSED', message, {
    context: { status, reason },
    retriable: status === 408 || status === 429 || status >= 500,
  });
}
