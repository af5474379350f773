/**
 * Probes that connect to a task: HTTP, HTTPS and TCP on the loopback interface. They cost a socket and
 * no process. An answer is read to its end, as a client of the task would, but no further than a bound.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { HttpProbe, ProbeListener, ProbeOutcome, TcpProbe } from '../agent/index.js';
import { type Disposable, errorMessage, toDisposable } from '../base/index.js';

/** So much of an answer is read; its status counts all the same when it is longer. */
export const MAX_PROBE_ANSWER_BYTES = 64 * 1024;

/** The most that the header lines of an answer may take. */
export const MAX_PROBE_HEADER_BYTES = 16 * 1024;

/** Each probe has a connection of its own: one that is kept would not show a server that hangs. */
const AGENTS = {
  http: new HttpAgent({ keepAlive: false }),
  https: new HttpsAgent({ keepAlive: false, rejectUnauthorized: false }),
} as const;

const NO_ADDRESS = 'the task has no network of this protocol at which it can be reached';

/** Asks for a page. */
export function probeHttp(spec: HttpProbe, listener: ProbeListener): Disposable {
  const once = new Once(listener);
  const { address, port, scheme } = spec;
  try {
    if (address === '') throw new Error(NO_ADDRESS);
    const send = scheme === 'https' ? requestHttps : requestHttp;
    const request = send({
      agent: AGENTS[scheme],
      host: address,
      port,
      path: escaped(spec.path),
      maxHeaderSize: MAX_PROBE_HEADER_BYTES,
      headers: { accept: '*/*', 'user-agent': 'plateau-check' },
    });
    once.owns(() => request.destroy());
    request.on('error', (error) => once.fail(error.message));
    request.on('response', (response) => readAnswer(response, once));
    request.on('upgrade', (response) => once.tell(answered(response)));
    request.end();
    listener.begun();
  } catch (error) {
    // An address, port or path with which nothing can be asked.
    setImmediate(() => once.fail(errorMessage(error)));
  }
  return toDisposable(() => once.giveUp());
}

/** Connects, and closes the connection. */
export function probeTcp(spec: TcpProbe, listener: ProbeListener): Disposable {
  const once = new Once(listener);
  const { address: host, port } = spec;
  try {
    if (host === '') throw new Error(NO_ADDRESS);
    const socket = connect({ host, port });
    once.owns(() => socket.destroy());
    socket.on('error', (error) => once.fail(error.message));
    socket.on('connect', () => {
      // Where nobody listens, the system may pick that very port as our own and connect us to ourselves.
      if (socket.localPort === port) once.fail(`nobody listens on port ${port}`);
      else once.tell({ kind: 'connected' });
    });
    listener.begun();
  } catch (error) {
    setImmediate(() => once.fail(errorMessage(error)));
  }
  return toDisposable(() => once.giveUp());
}

function readAnswer(response: IncomingMessage, once: Once): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= MAX_PROBE_ANSWER_BYTES) once.tell(answered(response));
  });
  response.on('end', () => once.tell(answered(response)));
  response.on('error', (error) => once.fail(`the answer broke off: ${error.message}`));
}

function answered(response: IncomingMessage): ProbeOutcome {
  return { kind: 'answered', status: response.statusCode ?? 0 };
}

/** The path as it may stand in a request line: blanks, controls and what is not ASCII are escaped. */
function escaped(path: string): string {
  return path.replaceAll(/[^\u0021-\u007e]+/g, (text) => encodeURIComponent(text));
}

/** Tells the outcome of one probe once, and lets go of its connection. */
class Once {
  readonly #listener: ProbeListener;
  #release: (() => void) | undefined;
  #isOver = false;

  constructor(listener: ProbeListener) {
    this.#listener = listener;
  }

  owns(release: () => void): void {
    this.#release = release;
  }

  tell(outcome: ProbeOutcome): void {
    if (this.#isOver) return;
    this.giveUp();
    this.#listener.done(outcome);
  }

  fail(message: string): void {
    this.tell({ kind: 'failed', message });
  }

  giveUp(): void {
    this.#isOver = true;
    this.#release?.();
  }
}
