/**
 * Reads the body of a request within its bound. What the bytes mean (UTF-8, nesting, schema) is checked
 * by the codec of `api`.
 */
import type { IncomingMessage } from 'node:http';
import { LINGER_MS } from './limits.js';
import type { Exchange } from './routes.js';

/** The bytes of a body, or why there are none. `gone`: the client went away; nobody can be told. */
export type BodyOutcome =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'gone' };

/** Reads the whole body. Stops keeping bytes as soon as more than `maxBytes` are sent or announced. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyOutcome> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return Promise.resolve({ kind: 'too-large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) {
        request.off('data', onData);
        resolve({ kind: 'too-large' });
      } else {
        chunks.push(chunk);
      }
    };
    request.on('data', onData);
    request.once('end', () => resolve({ kind: 'body', bytes: Buffer.concat(chunks, size) }));
    request.once('error', () => resolve({ kind: 'gone' }));
    request.once('close', () => resolve({ kind: 'gone' }));
  });
}

/**
 * Refuses a body that is too large, and ends the connection. The answer is sent whole at once, but
 * the connection is closed only after the rest of the body was thrown away for a moment: closing
 * under a client that still sends would lose the answer.
 */
export function answerTooLarge(exchange: Exchange, maxBytes: number): void {
  const { request, response } = exchange;
  const text = Buffer.from(`The body is larger than ${maxBytes} bytes.`);
  response.writeHead(413, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': text.length,
    Connection: 'close',
  });
  response.write(text);
  const end = (): void => {
    timer.dispose();
    response.end();
  };
  const timer = exchange.world.clock.setTimer(LINGER_MS, end);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
