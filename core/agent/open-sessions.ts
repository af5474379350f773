/**
 * The streams that clients may attach to: those of sessions, which are read from the start and hold their
 * container up, and the terminals of other containers, which are joined when somebody asks and left
 * when nobody does any more.
 */
import type { ContainerId } from '../base/index.js';
import { ContainerSession } from './container-sessions.js';
import type { AgentContext } from './context.js';
import type { ContainerPipes } from './ports.js';

/** Sessions, and terminals that are attached to, of each so many at the same time on one agent. */
export const MAX_SESSIONS = 100;
/** How long the last output of a session is waited for after its end. */
export const SESSION_DRAIN_MS = 2_000;
/** How long a terminal is held on to that nobody is attached to. */
export const TERMINAL_IDLE_MS = 1_000;

/** A terminal that cannot be attached to because too many are. */
export const TOO_MANY_TERMINALS = Symbol('too many terminals');

export class OpenSessions {
  readonly #context: AgentContext;
  readonly #sessions = new Map<ContainerId, ContainerSession>();
  /** Containers whose streams are still to be taken, even if they have ended already. */
  readonly #opening = new Set<ContainerId>();
  /** Of terminals: another may have been joined since. */
  readonly #left = new WeakSet<ContainerSession>();
  /** Those that are being joined, too. */
  readonly #terminals = new Map<ContainerId, Promise<ContainerSession | undefined>>();

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** The streams of a container are to be taken: it is not forgotten before. */
  expect(runId: ContainerId): void {
    this.#opening.add(runId);
  }

  /** They will not be. Whether they were to. */
  giveUp(runId: ContainerId): boolean {
    return this.#opening.delete(runId);
  }

  /** Keeps the streams of a container, once they are there. Rejects when they cannot be had. */
  async open(runId: ContainerId, pipes: Promise<ContainerPipes>): Promise<void> {
    this.#sessions.set(runId, new ContainerSession(await pipes));
    this.#opening.delete(runId);
  }

  /** Whether there is output that nobody has read: the container must not be forgotten. */
  isUnread(runId: ContainerId): boolean {
    return this.#sessions.has(runId) || this.#opening.has(runId);
  }

  /**
   * The session of a container, or its terminal, which is joined if it is not yet; undefined: it has
   * neither.
   */
  async attach(
    runId: ContainerId,
    isRunning: boolean,
  ): Promise<ContainerSession | typeof TOO_MANY_TERMINALS | undefined> {
    const session = this.#sessions.get(runId);
    if (session !== undefined || !isRunning || this.#opening.has(runId)) return session;
    const known = this.#terminals.get(runId);
    if (known !== undefined) return await known;
    if (this.#terminals.size >= MAX_SESSIONS) return TOO_MANY_TERMINALS;
    const joining = this.#join(runId);
    this.#terminals.set(runId, joining);
    return await joining;
  }

  /** What the container wrote last is given out, if it comes within a moment. */
  end(runId: ContainerId): void {
    const session = this.#sessions.get(runId);
    if (session === undefined) return;
    session.containerEnded();
    const close = (): void => {
      session.cutOff();
      this.#sessions.delete(runId);
      this.#context.containerizer.forget(runId);
    };
    this.#closeWhenRead(session, close);
  }

  /** The same for a container on whose terminal somebody may be. */
  async endTerminal(runId: ContainerId): Promise<void> {
    const session = await this.#terminals.get(runId);
    if (session === undefined) return;
    session.containerEnded();
    this.#closeWhenRead(session, () => this.#leave(runId, session));
  }

  /** Leaves all terminals: what runs on them goes on. */
  leaveTerminals(): void {
    for (const terminal of this.#terminals.values()) {
      void terminal.then((session) => session?.cutOff());
    }
    this.#terminals.clear();
  }

  /** As long as a slow reader still takes something, it is given time. */
  #closeWhenRead(session: ContainerSession, close: () => void): void {
    this.#context.timers.after(SESSION_DRAIN_MS, () => {
      if (session.isHeldUp) this.#closeWhenRead(session, close);
      else close();
    });
  }

  async #join(runId: ContainerId): Promise<ContainerSession | undefined> {
    const { containerizer, timers } = this.#context;
    try {
      const pipes = await containerizer.terminal?.(runId);
      if (pipes === undefined || timers.isDisposed) {
        pipes?.close();
        this.#terminals.delete(runId);
        return undefined;
      }
      const session = new ContainerSession(pipes, () => this.#leaveLater(runId, session));
      this.#leaveLater(runId, session);
      return session;
    } catch {
      // It has none: the launcher knows.
      this.#terminals.delete(runId);
      return undefined;
    }
  }

  /** Somebody may be about to attach, or come back. */
  #leaveLater(runId: ContainerId, session: ContainerSession): void {
    this.#context.timers.after(TERMINAL_IDLE_MS, () => {
      if (session.isUnused) this.#leave(runId, session);
    });
  }

  #leave(runId: ContainerId, session: ContainerSession): void {
    if (this.#left.has(session)) return;
    this.#left.add(session);
    session.cutOff();
    this.#terminals.delete(runId);
  }
}
