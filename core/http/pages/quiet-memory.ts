/**
 * Memory for texts that are kept. What is taken as an `ArrayBuffer` prompts V8 to collect garbage each
 * time that some 64 MiB have come together, half a second of work when a large cluster is in the heap;
 * what is taken as a `SharedArrayBuffer` does not. It is shared with nobody, and freed like any other.
 */

/** Bytes that small texts share: the most that one of them can keep from being freed. */
export const TEXT_SLAB_BYTES = 8 * 1024;

/** Zeroed bytes. */
export function quietBytes(bytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(bytes));
}

let slab: Buffer = Buffer.alloc(0);
let used = 0;

/** The bytes of a text of ASCII. */
export function keptBytes(text: string): Buffer {
  const { length } = text;
  if (length > TEXT_SLAB_BYTES / 2) {
    const own = quietBytes(length);
    own.write(text, 'latin1');
    return own;
  }
  if (used + length > slab.length) {
    slab = quietBytes(TEXT_SLAB_BYTES);
    used = 0;
  }
  slab.write(text, used, 'latin1');
  used += length;
  return slab.subarray(used - length, used);
}
