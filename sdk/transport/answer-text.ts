/** What the other side says about a refusal. */
import { Buffer } from 'node:buffer';
import type { Request } from 'got';

/** Bytes of the text of a refusal that are kept. */
export const MAX_REFUSAL_BYTES = 64 * 1024;

/** The beginning of the text of an answer, as far as it comes. Ends the stream; never throws. */
export async function textOf(stream: Request): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) continue;
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // The status says enough.
  } finally {
    stream.destroy();
  }
  return Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES).toString('utf8').trim();
}
