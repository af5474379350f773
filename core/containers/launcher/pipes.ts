/**
 * The standard streams of one container as pipes. Next to nothing is kept here: what nobody has asked
 * for waits in the pipe, and holds the process up when that is full. Each stream is given out once.
 */
import type { Socket } from 'node:net';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { ATTACHED_LINE, type PipeName } from './protocol.js';

/** Where the bytes come from and go to; a stream that is absent has ended. */
export interface StandardStreams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

export class Pipes {
  readonly #child: StandardStreams;
  /** Called when a reader leaves before the end of what it reads. */
  readonly #onAbandoned: () => void;
  readonly #taken = new Set<PipeName>();
  /** Node throws away what nobody reads when a process ends: somebody does from the start. */
  readonly #outputs: { readonly stdout: PassThrough; readonly stderr: PassThrough };

  constructor(child: StandardStreams, onAbandoned: () => void) {
    this.#child = child;
    this.#onAbandoned = onAbandoned;
    // A process that does not read its input must not end the launcher.
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      stream?.on('error', () => stream.destroy());
    }
    this.#outputs = { stdout: hold(child.stdout), stderr: hold(child.stderr) };
  }

  /** Joins a connection to a stream, and answers on it; false: somebody has the stream already. */
  attach(name: PipeName, socket: Socket): boolean {
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    socket.write(ATTACHED_LINE);
    if (name === 'stdin') this.#attachInput(socket);
    else this.#attachOutput(name, socket);
    return true;
  }

  /** Lets go of all streams. */
  close(): void {
    const { stdin, stdout, stderr } = this.#child;
    const { stdout: heldOutput, stderr: heldErrors } = this.#outputs;
    for (const stream of [stdin, stdout, stderr, heldOutput, heldErrors]) stream?.destroy();
  }

  #attachInput(socket: Socket): void {
    const { stdin } = this.#child;
    if (stdin === null || stdin.destroyed) {
      socket.resume();
      socket.end();
      return;
    }
    stdin.once('close', () => socket.destroySoon());
    socket.pipe(stdin);
  }

  #attachOutput(name: 'stdout' | 'stderr', socket: Socket): void {
    const source = this.#outputs[name];
    // Nothing comes this way, but without reading the other end's leaving would not be seen.
    socket.resume();
    socket.once('close', () => {
      if (source.readableEnded || source.destroyed) return;
      source.destroy();
      this.#onAbandoned();
    });
    source.once('close', () => socket.end());
    source.pipe(socket);
  }
}

function hold(source: Readable | null): PassThrough {
  const held = new PassThrough();
  if (source === null) held.end();
  source?.once('close', () => held.end());
  source?.pipe(held);
  return held;
}
