/**
 * The agent's ends of the standard streams of one container: three connections to the launcher, which
 * hands over bytes and keeps none. Reading stops while it is paused, and then the process waits. Of a
 * terminal there is one output, and its input goes as frames.
 */
import { type Socket, connect } from 'node:net';
import type { ContainerPipes, OutputListener } from '../agent/index.js';
import { PlateauError } from '../base/index.js';
import { ATTACHED_LINE, type PipeName } from './launcher/protocol.js';
import { type TerminalSize, encodeTerminalFrame } from './launcher/terminal-frames.js';

/** How long a launcher may take to hand over a stream. */
const ATTACH_TIMEOUT_MS = 10_000;

/**
 * Takes the streams of a container that was launched with pipes.
 * @throws PlateauError `LAUNCHER_UNREACHABLE` when the launcher does not hand them over: the container
 *   is unknown, or somebody has them already.
 */
export async function openPipes(
  path: string,
  containerId: string,
  { hasTerminal }: { readonly hasTerminal: boolean },
): Promise<ContainerPipes> {
  const names: readonly PipeName[] = ['stdin', 'stdout', 'stderr'];
  const opened = await Promise.allSettled(names.map((name) => attach(path, containerId, name)));
  const sockets = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [stdin, stdout, stderr] = sockets;
  if (stdin !== undefined && stdout !== undefined && stderr !== undefined) {
    const outputs = { stdout, stderr };
    return hasTerminal ? new TerminalPipes(stdin, outputs) : new SocketPipes(stdin, outputs);
  }
  for (const socket of sockets) socket.destroy();
  throw new PlateauError(
    'LAUNCHER_UNREACHABLE',
    `the launcher does not hand over the streams of container ${containerId}`,
    { context: { containerId } },
  );
}

function attach(path: string, containerId: string, stream: PipeName): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = Buffer.alloc(0);
    const fail = (): void => {
      socket.destroy();
      reject(new Error(`no ${stream}`));
    };
    socket.setTimeout(ATTACH_TIMEOUT_MS, fail);
    socket.on('error', fail);
    socket.on('close', fail);
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < ATTACHED_LINE.length) return;
      socket.pause();
      socket.off('data', onData).off('close', fail).off('error', fail);
      socket.setTimeout(0);
      socket.on('error', () => socket.destroy());
      const rest = answer.subarray(ATTACHED_LINE.length);
      if (rest.length > 0) socket.unshift(rest);
      resolve(socket);
    };
    socket.on('data', onData);
    socket.write(`${JSON.stringify({ type: 'attach', containerId, stream })}\n`);
  });
}

class SocketPipes implements ContainerPipes {
  readonly #stdin: Socket;
  readonly #outputs: { readonly stdout: Socket; readonly stderr: Socket };
  #listener: OutputListener | undefined;
  #open = 2;

  constructor(stdin: Socket, outputs: { readonly stdout: Socket; readonly stderr: Socket }) {
    this.#stdin = stdin;
    this.#outputs = outputs;
    // The other end says nothing on it, but its leaving must be seen.
    stdin.resume();
  }

  read(listener: OutputListener): void {
    this.#listener = listener;
    for (const name of ['stdout', 'stderr'] as const) {
      const socket = this.#outputs[name];
      socket.on('data', (bytes: Buffer) => listener.data(name, bytes));
      if (socket.destroyed) this.#closed();
      else socket.once('close', () => this.#closed());
      // It was paused since it was attached.
      socket.resume();
    }
  }

  pause(): void {
    this.#outputs.stdout.pause();
    this.#outputs.stderr.pause();
  }

  resume(): void {
    this.#outputs.stdout.resume();
    this.#outputs.stderr.resume();
  }

  write(bytes: Uint8Array): Promise<boolean> {
    const stdin = this.#stdin;
    if (!stdin.writable) return Promise.resolve(false);
    if (stdin.write(bytes)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (): void => {
        stdin.off('drain', settle).off('close', settle);
        resolve(stdin.writable);
      };
      stdin.once('drain', settle).once('close', settle);
    });
  }

  endInput(): void {
    this.#stdin.end();
  }

  close(): void {
    this.#stdin.destroy();
    this.#outputs.stdout.destroy();
    this.#outputs.stderr.destroy();
  }

  #closed(): void {
    this.#open--;
    if (this.#open === 0) this.#listener?.end();
  }
}

/** What ends the input of a program that reads whole lines from a terminal: Ctrl-D. */
const END_OF_TRANSMISSION = 4;
const LINE_FEED = 10;

class TerminalPipes extends SocketPipes {
  /** Whether a program that reads lines would have nothing to read. */
  #isAtLineStart = true;

  override write(bytes: Uint8Array): Promise<boolean> {
    const last = bytes.at(-1);
    if (last !== undefined) this.#isAtLineStart = last === LINE_FEED;
    return super.write(encodeTerminalFrame({ kind: 'input', bytes: Buffer.from(bytes) }));
  }

  resize(size: TerminalSize): void {
    void super.write(encodeTerminalFrame({ kind: 'resize', size }));
  }

  /** In the middle of a line the first one hands over what there is, and the second says the end. */
  override endInput(): void {
    void this.write(Buffer.alloc(this.#isAtLineStart ? 1 : 2, END_OF_TRANSMISSION));
  }
}
