/**
 * The agent's standing with the master: it connects, registers (or, once it has an id, re-registers
 * with all that it runs), answers pings, and does it again when the master falls silent or the
 * connection ends. Waits double up to a bound and are drawn evenly from zero, so that a thousand
 * agents do not come back in the same moment.
 */
import type { LinkAgentMessage } from '../api/index.js';
import type { Disposable, Logger, Random, Timers } from '../base/index.js';
import type { AgentConfig } from './config.js';
import type { MasterConnection, MasterConnector } from './ports.js';

export interface RegistrationOptions {
  readonly connector: MasterConnector;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  readonly config: AgentConfig;
  /** REGISTER or REREGISTER, with what the agent runs now. */
  readonly introduction: () => LinkAgentMessage;
  /** The agent was registered and is not any more. */
  readonly onLost: () => void;
}

export class Registration {
  readonly #options: RegistrationOptions;
  #connection: MasterConnection | undefined;
  #isRegistered = false;
  #isStopped = false;
  /** Failures since the last registration: connections, and introductions without an answer. */
  #failures = 0;
  #next: Disposable | undefined;
  #silence: Disposable | undefined;
  #pingTimeoutMs: number;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#pingTimeoutMs = options.config.pingTimeoutMs;
  }

  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** Begins. The first try is made at once. */
  start(): void {
    this.#options.connector.connect();
  }

  /** Closes the connection and tries no more. */
  stop(): void {
    this.#isStopped = true;
    this.#isRegistered = false;
    this.#clearTimers();
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Sends a message if the agent is registered; false: it was not sent. */
  send(message: LinkAgentMessage): boolean {
    if (!this.#isRegistered || this.#connection === undefined) return false;
    this.#connection.send(message);
    return true;
  }

  connected(connection: MasterConnection): void {
    if (this.#isStopped) {
      connection.close();
      return;
    }
    this.#lose();
    this.#connection?.close();
    this.#connection = connection;
    this.#clearTimers();
    this.#listen();
    this.#introduce();
  }

  /** Whether messages on this connection still count. */
  isCurrent(connection: MasterConnection): boolean {
    return connection === this.#connection;
  }

  disconnected(connection: MasterConnection | undefined, reason: string): void {
    // Also a try that failed when there is a connection by now.
    const isOld = connection !== this.#connection;
    if (isOld || this.#isStopped) return;
    this.#options.log.warn('no connection to the master', { reason });
    this.#retryLater();
  }

  /** The master has taken the agent. */
  registered(pingTimeoutSeconds: number): void {
    this.#isRegistered = true;
    this.#failures = 0;
    this.#next?.dispose();
    this.#pingTimeoutMs = pingTimeoutSeconds * 1000;
    this.#listen();
  }

  /** The master does not take the agent now. */
  refused(message: string): void {
    this.#options.log.warn('the master refused the agent', { reason: message });
    this.#connection?.close();
    this.#retryLater();
  }

  /** The master asks whether the agent lives, and so shows that it does itself. */
  ping(): void {
    this.#connection?.send({ type: 'PONG' });
    this.#listen();
  }

  /** Waits for the next sign of life of the master. */
  #listen(): void {
    this.#silence?.dispose();
    this.#silence = this.#options.timers.after(this.#pingTimeoutMs, () => {
      this.#options.log.warn('the master fell silent', { afterMs: this.#pingTimeoutMs });
      this.#connection?.close();
      this.#retryLater();
    });
  }

  #introduce(): void {
    this.#connection?.send(this.#options.introduction());
    this.#next?.dispose();
    const waitMs = this.#options.config.registrationBackoffFactorMs + this.#backoffMs();
    this.#next = this.#options.timers.after(waitMs, () => this.#introduce());
  }

  #retryLater(): void {
    this.#connection = undefined;
    this.#clearTimers();
    this.#lose();
    this.#next = this.#options.timers.after(this.#backoffMs(), () =>
      this.#options.connector.connect(),
    );
  }

  /** Full jitter: anything from zero to the bound, which doubles with each failure. */
  #backoffMs(): number {
    const { registrationBackoffFactorMs, registrationBackoffMaxMs } = this.#options.config;
    const doubled = registrationBackoffFactorMs * 2 ** Math.min(this.#failures, 32);
    this.#failures++;
    return this.#options.random.next() * Math.min(doubled, registrationBackoffMaxMs);
  }

  #lose(): void {
    if (!this.#isRegistered) return;
    this.#isRegistered = false;
    this.#options.onLost();
  }

  #clearTimers(): void {
    this.#next?.dispose();
    this.#silence?.dispose();
  }
}
