/**
 * One version of one page: its text, shared by all who ask for it, and the same compressed once
 * somebody wants it so. Compression runs beside the event loop.
 */
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { SharedBody } from './shared-body.js';

const GZIP_CHUNK_BYTES = 64 * 1024;

export class Page {
  /** Names its version: what differs has another, within its origin. */
  tag: string;
  readonly plain = new SharedBody();
  #gzip: SharedBody | undefined;
  #users = 0;
  readonly #cutOffs = new Set<() => void>();
  readonly #onUnused: (page: Page) => void;

  /** @param onUnused called whenever its last user is done. */
  constructor(tag: string, onUnused: (page: Page) => void) {
    this.tag = tag;
    this.#onUnused = onUnused;
  }

  /** Bytes that it keeps in memory. */
  get bytes(): number {
    return this.plain.bytes + (this.#gzip?.bytes ?? 0);
  }

  /** Whether somebody reads it, or is about to. */
  get isUsed(): boolean {
    return this.#users > 0;
  }

  /** Counts users in; each has to be released. */
  retain(users = 1): void {
    this.#users += users;
  }

  /** A user is done, or several, and has no part of it any more. */
  release(users = 1): void {
    this.#users -= users;
    if (this.#users === 0) this.#onUnused(this);
  }

  /** The same, compressed: begun by the first who asks. */
  gzip(): SharedBody {
    if (this.#gzip === undefined) {
      this.retain();
      this.#gzip = compressed(this.plain, () => this.release());
    }
    return this.#gzip;
  }

  /** Remembers how to end an answer of it; returns what forgets that. */
  onCutOff(cutOff: () => void): () => void {
    this.#cutOffs.add(cutOff);
    return () => this.#cutOffs.delete(cutOff);
  }

  /** Ends all answers of it: it is old, and memory is needed. */
  cutOff(): void {
    for (const cutOff of this.#cutOffs) cutOff();
  }
}

function compressed(plain: SharedBody, onDone: () => void): SharedBody {
  const body = new SharedBody();
  const collect = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      body.push(chunk);
      done();
    },
  });
  const gzip = createGzip({ level: 1, chunkSize: GZIP_CHUNK_BYTES });
  pipeline(Readable.from(plain.read(), { objectMode: false }), gzip, collect)
    .then(
      () => body.finish(),
      (error: unknown) => body.fail(error instanceof Error ? error : new Error(String(error))),
    )
    .finally(onDone);
  return body;
}
