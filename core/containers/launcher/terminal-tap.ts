/**
 * Joins those who look at the terminal of a task, and type on it, to the host of the terminal. They come
 * and go; the task goes on, and is not held up by one who does not read. One at a time has each stream.
 */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { ATTACHED_LINE, type PipeName } from './protocol.js';
import { type TerminalFrame, TerminalFrameReader, encodeTerminalFrame } from './terminal-frames.js';

export class TerminalTap {
  readonly #input: Writable;
  readonly #screen: Readable;
  readonly #taken = new Set<PipeName>();

  /** `input` takes frames; on `screen` comes what is shown while the host is told to. */
  constructor(input: Writable, screen: Readable) {
    this.#input = input;
    this.#screen = screen;
    screen.on('error', () => screen.destroy());
    // What nobody looks at is thrown away.
    screen.resume();
  }

  /** Joins a connection to a stream, and answers on it; false: somebody has the stream. */
  attach(name: PipeName, socket: Socket): boolean {
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    socket.once('close', () => this.#taken.delete(name));
    socket.write(ATTACHED_LINE);
    if (name === 'stdin') this.#attachInput(socket);
    else if (name === 'stdout') this.#attachScreen(socket);
    // All that is shown comes as one stream.
    else socket.resume().end();
    return true;
  }

  /** Only whole frames are passed on: one who leaves in the middle must not spoil it for the next. */
  #attachInput(socket: Socket): void {
    const reader = new TerminalFrameReader();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#pass(frame, socket);
      } catch {
        socket.destroy();
      }
    });
    this.#input.once('close', () => socket.destroySoon());
    socket.resume();
  }

  #pass(frame: TerminalFrame, socket: Socket): void {
    if (frame.kind !== 'input' && frame.kind !== 'resize') return;
    if (!this.#input.writable || this.#input.write(encodeTerminalFrame(frame))) return;
    socket.pause();
    this.#input.once('drain', () => socket.resume());
  }

  #attachScreen(socket: Socket): void {
    const screen = this.#screen;
    const end = (): void => void socket.end();
    screen.once('close', end);
    // Nothing comes this way, but without reading the other end's leaving would not be seen.
    socket.resume();
    socket.once('close', () => {
      screen.off('close', end);
      screen.unpipe(socket);
      screen.resume();
      this.#tell({ kind: 'unwatch' });
    });
    screen.pipe(socket, { end: false });
    this.#tell({ kind: 'watch' });
    if (screen.destroyed) socket.end();
  }

  #tell(frame: TerminalFrame): void {
    if (this.#input.writable) this.#input.write(encodeTerminalFrame(frame));
  }
}
