/**
 * Keeps the agent connected to a launcher. A connection that broke is made again; a launcher that
 * died is replaced, after its listener has dealt with what it left.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, errorMessage } from '../base/index.js';
import {
  type LauncherPlace,
  type LauncherSession,
  findLauncher,
  startLauncher,
} from './launcher-process.js';
import type {
  Ability,
  ContainerRecord,
  LauncherEvent,
  LauncherRequest,
  ProcessIdentity,
  Welcome,
} from './launcher/protocol.js';
import { isAlive, sendSignal } from './processes.js';

/** A launcher that lives but cannot be reached for so long is killed. */
export const UNREACHABLE_LAUNCHER_MS = 10_000;
const RECONNECT_INTERVAL_MS = 50;
const RESTART_INTERVAL_MS = 1_000;
/** How long a launcher may take to end with all of its containers. */
const SHUTDOWN_TIMEOUT_MS = 10_000;
const SHUTDOWN_POLL_MS = 5;

export interface LinkListener {
  event(event: Exclude<LauncherEvent, Welcome>): void;
  /** The same launcher was reached again; events may have been missed. */
  reconnected(records: readonly ContainerRecord[]): void;
  /** The launcher is gone. A new one is started when the promise resolves; it must not reject. */
  died(): Promise<void>;
}

export class LauncherLink {
  readonly #place: LauncherPlace;
  readonly #log: Logger;
  readonly #listener: LinkListener;
  #session: LauncherSession | undefined;
  #repair: Promise<void> | undefined;
  #isClosed = false;

  constructor(place: LauncherPlace, log: Logger, listener: LinkListener) {
    this.#place = place;
    this.#log = log;
    this.#listener = listener;
  }

  /**
   * Finds or starts a launcher, once.
   * @throws PlateauError `SOCKET_PATH_TOO_LONG`, `STALE_SOCKET`, `LAUNCHER_UNREACHABLE`.
   */
  async open(): Promise<LauncherSession> {
    const session = (await findLauncher(this.#place)) ?? (await startLauncher(this.#place));
    this.#adopt(session);
    this.#log.info(session.isNew ? 'started a launcher' : 'found the launcher', {
      launcher: session.welcome.pid,
      containers: session.welcome.containers.length,
    });
    return session;
  }

  /** The process of the launcher, as last seen. */
  get process(): ProcessIdentity | undefined {
    return this.#session?.welcome;
  }

  /** Whether the launcher of this moment can do what older ones cannot. */
  can(ability: Ability): boolean {
    return this.#session?.welcome.abilities?.includes(ability) === true;
  }

  /** Resolves when no repair is going on. */
  async ready(): Promise<void> {
    while (this.#repair !== undefined) await this.#repair;
  }

  /** Sends a request to the launcher of this moment; one that dies takes it along. */
  send(request: LauncherRequest): void {
    this.#session?.connection.send(request);
  }

  /** Lets go of the launcher, which runs on. */
  close(): void {
    this.#isClosed = true;
    this.#session?.connection.close();
  }

  /** Ends the launcher and all it runs; events of their ends still arrive. */
  async shutDown(): Promise<void> {
    this.#isClosed = true;
    const launcher = this.process;
    if (launcher === undefined) return;
    this.send({ type: 'shutdown' });
    const deadlineMs = performance.now() + SHUTDOWN_TIMEOUT_MS;
    while (isAlive(launcher) && performance.now() < deadlineMs) await delay(SHUTDOWN_POLL_MS);
    if (isAlive(launcher)) sendSignal(launcher.pid, 'SIGKILL');
    this.close();
  }

  #adopt(session: LauncherSession): void {
    this.#session = session;
    session.connection.listen({
      event: (event) => this.#listener.event(event),
      lost: () => this.#lost(),
    });
  }

  #lost(): void {
    if (this.#isClosed || this.#repair !== undefined) return;
    this.#repair = this.#restore().finally(() => {
      this.#repair = undefined;
    });
  }

  async #restore(): Promise<void> {
    const old = this.process;
    if (old !== undefined && (await this.#reachAgain(old))) return;
    if (this.#isClosed) return;
    if (old !== undefined && isAlive(old)) sendSignal(old.pid, 'SIGKILL');
    this.#log.error('the launcher died; its containers are ended', { pid: old?.pid });
    await this.#listener.died();
    await this.#replace();
  }

  /** Connects to the same launcher again; false when it is dead or stays out of reach. */
  async #reachAgain(old: ProcessIdentity): Promise<boolean> {
    const deadlineMs = performance.now() + UNREACHABLE_LAUNCHER_MS;
    while (isAlive(old) && performance.now() < deadlineMs) {
      const session = await findLauncher(this.#place).catch(() => undefined);
      if (session !== undefined) {
        this.#log.warn('connected to the launcher again', { pid: old.pid });
        this.#adoptAgain(session);
        return true;
      }
      await delay(RECONNECT_INTERVAL_MS);
    }
    return false;
  }

  #adoptAgain(session: LauncherSession): void {
    // Of a repair that ends with a broken connection the next one must not be held back.
    this.#repair = undefined;
    this.#adopt(session);
    this.#listener.reconnected(session.welcome.containers);
  }

  async #replace(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const session = await startLauncher(this.#place);
        this.#repair = undefined;
        this.#adopt(session);
        this.#log.info('started another launcher', { pid: session.welcome.pid });
        return;
      } catch (error) {
        this.#log.error('cannot start a launcher; trying again', { error: errorMessage(error) });
        await delay(RESTART_INTERVAL_MS);
      }
    }
  }
}
