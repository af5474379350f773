/**
 * RecordIO, read strictly: a length in decimal, a newline, that many bytes, and nothing in between. A
 * server that pads a length, separates records or sends an empty one is found out.
 */
import { Buffer } from 'node:buffer';

const NEWLINE = 0x0a;
const MAX_LENGTH_DIGITS = 20;

export function writeRecord(payload: string): string {
  return `${Buffer.byteLength(payload)}\n${payload}`;
}

export class RecordReader {
  #rest = Buffer.alloc(0);

  /** Whether all bytes so far belong to whole records. */
  get isBetweenRecords(): boolean {
    return this.#rest.length === 0;
  }

  /** The records that these bytes complete. @throws Error at the first malformed length. */
  push(bytes: Buffer): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const records: Buffer[] = [];
    for (;;) {
      const end = this.#rest.indexOf(NEWLINE);
      const digits = this.#rest.toString('latin1', 0, end < 0 ? MAX_LENGTH_DIGITS + 1 : end);
      const isLength = end < 0 ? /^([1-9][0-9]{0,19})?$/ : /^[1-9][0-9]{0,19}$/;
      if (!isLength.test(digits)) throw new Error(`bad record length ${JSON.stringify(digits)}`);
      const next = end + 1 + Number(digits);
      if (end < 0 || this.#rest.length < next) return records;
      records.push(this.#rest.subarray(end + 1, next));
      this.#rest = this.#rest.subarray(next);
    }
  }
}
