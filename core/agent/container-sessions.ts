/**
 * The streams of containers that run in sessions, or on a terminal: what one writes goes to everybody who listens, and
 * the slowest of them holds it up. Nothing is kept here.
 */
import type { Disposable } from '../base/index.js';
import { toDisposable } from '../base/index.js';
import type { ContainerPipes } from './ports.js';

/** Readers that listen to one session at the same time. */
export const MAX_SESSION_READERS = 16;

/** Somebody who listens to a session. */
export interface SessionReader {
  /** Takes bytes; false: it has enough for now, and says by `ContainerSession.ready` when no more. */
  data(stream: 'stdout' | 'stderr', bytes: Uint8Array): boolean;
  /** The container has ended and all that it wrote was given. */
  end(): void;
}

export class ContainerSession {
  readonly #pipes: ContainerPipes;
  readonly #onUnused: () => void;
  readonly #readers = new Set<SessionReader>();
  readonly #full = new Set<SessionReader>();
  #hasOutputEnded = false;
  #hasEnded = false;
  #isOver = false;
  #hasWriter = false;
  #isReading = false;

  /** `onUnused` is called when the last reader or writer has left. */
  constructor(pipes: ContainerPipes, onUnused: () => void = () => undefined) {
    this.#pipes = pipes;
    this.#onUnused = onUnused;
  }

  /** Whether nobody listens or writes. */
  get isUnused(): boolean {
    return this.#readers.size === 0 && !this.#hasWriter;
  }

  /** Whether nothing more will be written and all was given. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether nobody else may listen. */
  get isCrowded(): boolean {
    return this.#readers.size >= MAX_SESSION_READERS;
  }

  /** Whether a reader has more than it can take, and what is left waits for it. */
  get isHeldUp(): boolean {
    return !this.#isOver && this.#full.size > 0;
  }

  /** Starts to listen: to all that is written from now on, for the first reader from the start. */
  listen(reader: SessionReader): Disposable {
    this.#readers.add(reader);
    if (this.#isOver) reader.end();
    else if (!this.#isReading) this.#read();
    return toDisposable(() => {
      const wasThere = this.#readers.delete(reader);
      this.ready(reader);
      if (wasThere && this.isUnused) this.#onUnused();
    });
  }

  /** A reader that had enough takes more. */
  ready(reader: SessionReader): void {
    if (this.#full.delete(reader) && this.#full.size === 0) this.#pipes.resume();
  }

  /** Takes the input for one writer; undefined: somebody has it. */
  takeInput(): SessionInput | undefined {
    if (this.#hasWriter) return undefined;
    this.#hasWriter = true;
    return {
      write: (bytes) => this.#pipes.write(bytes),
      end: () => this.#pipes.endInput(),
      resize: (size) => {
        this.#pipes.resize?.(size);
        return this.#pipes.resize !== undefined;
      },
      release: () => {
        this.#hasWriter = false;
        if (this.isUnused) this.#onUnused();
      },
    };
  }

  /** The container has ended; what it wrote last may still be on its way. */
  containerEnded(): void {
    this.#hasEnded = true;
    this.#finish();
  }

  /** What a process beyond our reach might still write is not waited for. */
  cutOff(): void {
    this.#hasOutputEnded = true;
    this.#hasEnded = true;
    this.#finish();
    this.#pipes.close();
  }

  #read(): void {
    this.#isReading = true;
    this.#pipes.read({
      data: (stream, bytes) => {
        for (const reader of this.#readers) {
          if (!reader.data(stream, bytes)) this.#full.add(reader);
        }
        if (this.#full.size > 0) this.#pipes.pause();
      },
      end: () => {
        this.#hasOutputEnded = true;
        this.#finish();
      },
    });
  }

  #finish(): void {
    if (!this.#hasEnded || !this.#hasOutputEnded || this.#isOver) return;
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }
}

/** The standard input of a session, while one writer has it. */
export interface SessionInput {
  /** Resolves when more may be written; false: the container takes no more. */
  write(bytes: Uint8Array): Promise<boolean>;
  end(): void;
  /** Sets the size of the window, in characters; false: there is no terminal. */
  resize(size: { readonly rows: number; readonly columns: number }): boolean;
  /** Lets go of the input without ending it. */
  release(): void;
}
