/**
 * The agent's side of its connection to the master: finds the leader among the masters it was given,
 * follows redirects, upgrades, and hands messages over. When to connect again, the agent decides.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { MasterConnection, MasterConnector } from '../agent/index.js';
import type { LinkMasterMessage } from '../api/index.js';
import { type Logger, errorMessage } from '../base/index.js';
import { HTTP_LIMITS, type HttpLimits } from './limits.js';
import { LinkChannel } from './link-channel.js';
import { LINK_PATH } from './link-server.js';
import { LINK_PROTOCOL } from './upgrade-request.js';

/** Redirects that are followed in one try. */
export const MAX_REDIRECTS = 5;
/** Milliseconds for one master to answer. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Who is told; the agent. */
export interface MasterConnectionOwner {
  masterConnected(connection: MasterConnection): void;
  masterMessage(connection: MasterConnection, message: LinkMasterMessage): void;
  masterDisconnected(connection: MasterConnection | undefined, reason: string): void;
}

export interface HttpMasterConnectorOptions {
  readonly log: Logger;
  /** URLs of masters such as `http://127.0.0.1:5050`, or a function that finds them anew each time. */
  readonly masters: readonly string[] | (() => Promise<readonly string[]>);
  readonly limits?: Partial<HttpLimits>;
  readonly connectTimeoutMs?: number;
}

/** What one try at one address gave. */
type Attempt =
  | { readonly kind: 'connected'; readonly socket: Socket; readonly head: Buffer }
  | { readonly kind: 'redirect'; readonly url: URL }
  | { readonly kind: 'failed'; readonly reason: string };

export class HttpMasterConnector implements MasterConnector {
  readonly #options: HttpMasterConnectorOptions;
  readonly #limits: HttpLimits;
  #owner: MasterConnectionOwner | undefined;
  #request: ClientRequest | undefined;
  #socket: Socket | undefined;
  #isConnecting = false;
  #isClosed = false;

  constructor(options: HttpMasterConnectorOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
  }

  /** Says who is told; to be called once, before the first `connect`. */
  attach(owner: MasterConnectionOwner): void {
    this.#owner = owner;
  }

  /** Tries every master once, in order. A try that is still running is left to finish. */
  connect(): void {
    if (this.#isConnecting || this.#isClosed) return;
    this.#isConnecting = true;
    void this.#connect().catch((error: unknown) => this.#failed(errorMessage(error)));
  }

  /** Ends the try or the connection. Nobody is told of anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#request?.destroy();
    // What the agent has sent last, such as that it leaves, still goes out.
    this.#socket?.destroySoon();
  }

  async #connect(): Promise<void> {
    const { masters } = this.#options;
    const urls = typeof masters === 'function' ? await masters() : masters;
    const reasons: string[] = [];
    for (const url of urls) {
      const attempt = await this.#reach(new URL(url));
      if (this.#isClosed) return;
      if (attempt.kind === 'connected') {
        this.#isConnecting = false;
        this.#adopt(attempt.socket, attempt.head);
        return;
      }
      reasons.push(`${url}: ${attempt.kind === 'failed' ? attempt.reason : 'too many redirects'}`);
    }
    this.#failed(reasons.length === 0 ? 'no master is known' : reasons.join('; '));
  }

  #failed(reason: string): void {
    this.#isConnecting = false;
    if (!this.#isClosed) this.#owner?.masterDisconnected(undefined, reason);
  }

  async #reach(master: URL): Promise<Attempt> {
    let url = master;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const attempt = await this.#attempt(url);
      if (attempt.kind !== 'redirect') return attempt;
      url = attempt.url;
    }
    return { kind: 'redirect', url };
  }

  #attempt(url: URL): Promise<Attempt> {
    return new Promise((resolve) => {
      const request = httpRequest(new URL(LINK_PATH, url), {
        headers: { Connection: 'Upgrade', Upgrade: LINK_PROTOCOL },
        timeout: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        agent: false,
      });
      this.#request = request;
      request.once('upgrade', (_response, socket: Socket, head: Buffer) => {
        resolve({ kind: 'connected', socket, head });
      });
      request.once('response', (response) => {
        resolve(readRefusal(response, url));
        request.destroy();
      });
      request.once('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error) => resolve({ kind: 'failed', reason: errorMessage(error) }));
      request.once('close', () => resolve({ kind: 'failed', reason: 'closed without an answer' }));
      request.end();
    });
  }

  #adopt(socket: Socket, head: Buffer): void {
    const owner = this.#owner;
    this.#socket = socket;
    if (owner === undefined || this.#isClosed) {
      socket.destroy();
      return;
    }
    const channel = new LinkChannel({
      socket,
      head,
      receives: 'LinkMasterMessage',
      sends: 'LinkAgentMessage',
      peer: `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
      log: this.#options.log,
      limits: this.#limits,
      onMessage: (message) => {
        if (!this.#isClosed) owner.masterMessage(channel, message);
      },
      onLost: (reason) => {
        if (!this.#isClosed) owner.masterDisconnected(channel, reason);
      },
    });
    channel.start();
    owner.masterConnected(channel);
  }
}

/** What an answer other than the upgrade means, in words for the log. */
const REFUSALS: Readonly<Record<number, string>> = {
  401: 'it wants credentials (401)',
  403: 'it does not allow this agent (403)',
  404: 'it is not a Plateau master, or of another version (404)',
  503: 'it is not ready, or knows no leader (503)',
};

function readRefusal(response: IncomingMessage, url: URL): Attempt {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  if (status === 307 && location !== undefined) {
    // The location may leave out the scheme; it is taken from the address that was asked.
    const target = parseUrl(location, url);
    if (target !== undefined) return { kind: 'redirect', url: target };
  }
  return { kind: 'failed', reason: REFUSALS[status] ?? `it answered ${status}` };
}

function parseUrl(location: string, base: URL): URL | undefined {
  try {
    return new URL(location, base);
  } catch {
    return undefined;
  }
}
