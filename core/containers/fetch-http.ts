/** Downloads by http and https, with bounds on size and on silence. */
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FetchTarget } from './fetch-target.js';

const CONNECT_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 10;

/** @throws Error with the status of the answer, or what else went wrong. */
export async function download(url: string, target: FetchTarget): Promise<void> {
  // Loaded on the first download: most agents never need it.
  const { got } = await import('got');
  const request = got.stream(url, {
    timeout: {
      lookup: CONNECT_TIMEOUT_MS,
      connect: CONNECT_TIMEOUT_MS,
      secureConnect: CONNECT_TIMEOUT_MS,
      socket: target.stallTimeoutMs,
      response: target.stallTimeoutMs,
    },
    retry: { limit: 0 },
    maxRedirects: MAX_REDIRECTS,
    // An archive must arrive as it is, not unpacked on the way.
    decompress: false,
    headers: { 'user-agent': 'plateau-fetcher', 'accept-encoding': 'identity' },
  });
  const file = createWriteStream(target.path, { mode: 0o644 });
  await pipeline(request, bounded(target.maxBytes), file, { signal: target.signal });
}

function bounded(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new Error(`it is larger than the limit of ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
}
