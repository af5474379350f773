/** Sends bytes over a connection of their own and tells what came back. */
import { connect } from 'node:net';

/**
 * How long a server may take before the request counts as incomplete, and is ended by us. Node takes
 * that for the end of the client, and answers a request no more that was complete after all.
 */
const QUIET_MS = 500;
/** How long after that it may take to answer or to close. */
const PATIENCE_MS = 10_000;
const MAX_HEAD_BYTES = 20_000;

export type Outcome =
  | { readonly kind: 'status'; readonly status: number }
  /** The connection ended without an answer. */
  | { readonly kind: 'closed' }
  /** Neither an answer nor an end. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'garbage'; readonly text: string };

export interface SentRequest {
  readonly bytes: Buffer;
  /** What follows once the server has taken over the connection. */
  readonly after?: Buffer;
  /** Whether the server may wait for more: then we end it after a moment. */
  readonly isBroken: boolean;
}

/**
 * Resolves with the status of the first answer. `after` follows once that has come, for connections that
 * are taken over; the connection is then read for a moment and closed.
 */
export function sendBytes(url: string, { bytes, after, isBroken }: SentRequest): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let head = Buffer.alloc(0);
    let isDone = false;
    const finish = (outcome: Outcome): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(quiet);
      clearTimeout(patience);
      if (after === undefined || outcome.kind !== 'status') socket.destroy();
      else socket.end(after).setTimeout(QUIET_MS, () => socket.destroy());
      resolve(outcome);
    };
    const quiet = setTimeout(() => isBroken && socket.end(), QUIET_MS);
    const patience = setTimeout(() => finish({ kind: 'silent' }), QUIET_MS + PATIENCE_MS);
    socket.on('data', (part) => {
      head = Buffer.concat([head, part]).subarray(0, MAX_HEAD_BYTES);
      for (let end = endOfHead(head); end > 0; end = endOfHead(head)) {
        const text = head.toString('latin1', 0, end);
        const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(text)?.[1]);
        // The interim answer to `Expect: 100-continue` is followed by the real one.
        if (status === 100) head = head.subarray(end);
        else return finish(status > 100 ? { kind: 'status', status } : { kind: 'garbage', text });
      }
    });
    socket.on('end', () => finish({ kind: 'closed' }));
    socket.on('close', () => finish({ kind: 'closed' }));
    socket.on('error', () => finish({ kind: 'closed' }));
    socket.write(bytes);
  });
}

/** Where the first empty line ends; 0: it has not come. */
function endOfHead(bytes: Buffer): number {
  const at = bytes.indexOf('\r\n\r\n');
  return at < 0 ? 0 : at + 4;
}
