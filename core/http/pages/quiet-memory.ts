/**
 * Memory for texts that are kept. What is taken as an `ArrayBuffer` prompts V8 to collect garbage each
 * time that some 64 MiB have come together, half a second of work when a large cluster is in the heap;
 * what is taken as a `SharedArrayBuffer` does not. It is shared with nobody, and freed like any other.
 */

/** Zeroed bytes. */
export function quietBytes(bytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(bytes));
}
