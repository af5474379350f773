/**
 * RecordIO framing: the length of a record in decimal ASCII, a line feed, and exactly that many
 * bytes; nothing stands between records. Lengths that are not plainly written are refused, since a
 * reader that guesses loses its place in the stream.
 */
import { PlateauError } from '../base/index.js';

/** Largest record that a decoder takes unless told otherwise. */
export const DEFAULT_MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Most digits in the length of a record, as many as 2^64 has. */
export const MAX_RECORD_HEADER_DIGITS = 20;

/** One record with its frame, in one buffer so that it goes out in one write. */
export function encodeRecord(payload: string | Uint8Array): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const header = `${length}\n`;
  const record = Buffer.allocUnsafe(header.length + length);
  record.write(header, 0, 'latin1');
  if (typeof payload === 'string') record.write(payload, header.length, 'utf8');
  else record.set(payload, header.length);
  return record;
}

export interface RecordDecoderOptions {
  /** Largest record that is accepted. Default 16 MiB. */
  readonly maxRecordBytes?: number;
  /** Most digits in a length. Default 20. */
  readonly maxHeaderDigits?: number;
}

const LINE_FEED = 0x0a;
const DIGIT_ZERO = 0x30;
const EMPTY = Buffer.alloc(0);
/** First room for a record that comes in pieces. */
const LEAST_BODY_BYTES = 1024;

/**
 * Takes a stream apart into records, in time linear in its length however it is cut. After an error
 * the stream is of no use: every later `push` throws the same error.
 */
export class RecordDecoder {
  readonly #maxRecordBytes: number;
  readonly #maxHeaderDigits: number;
  /** Digits of a length that is not complete. */
  #header = '';
  /** Bytes that the open record still lacks; undefined while its length is read. */
  #lacking: number | undefined;
  /** The bytes of the open record so far, when it did not come in one chunk; grows by doubling. */
  #body = EMPTY;
  #bodyLength = 0;
  #failure: PlateauError | undefined;

  constructor(options: RecordDecoderOptions = {}) {
    this.#maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
    this.#maxHeaderDigits = options.maxHeaderDigits ?? MAX_RECORD_HEADER_DIGITS;
  }

  /**
   * Takes the next bytes and returns the records that they complete. A record may share memory
   * with the chunk: do not change the chunk afterwards. Records before a broken one in the same
   * chunk are lost with it.
   * @throws PlateauError `INVALID_MESSAGE` on a length that is malformed or too large.
   */
  push(chunk: Uint8Array): Buffer[] {
    if (this.#failure !== undefined) throw this.#failure;
    const records: Buffer[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#lacking === undefined) offset = this.#readHeader(chunk, offset);
      if (this.#lacking !== undefined) offset = this.#readBody(chunk, offset, records);
    }
    return records;
  }

  /**
   * To be called at the end of the stream.
   * @throws PlateauError `INVALID_MESSAGE` when it ended inside a record.
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#header === '' && this.#lacking === undefined) return;
    this.#fail(
      this.#lacking === undefined
        ? 'the stream ended inside the length of a record'
        : `the stream ended ${this.#lacking} bytes before the end of a record`,
    );
  }

  /** Reads digits up to the line feed. Returns where the body starts. */
  #readHeader(chunk: Uint8Array, start: number): number {
    for (let offset = start; offset < chunk.length; offset++) {
      const digit = (chunk[offset] ?? 0) - DIGIT_ZERO;
      if (chunk[offset] === LINE_FEED) {
        this.#open();
        return offset + 1;
      }
      if (digit < 0 || digit > 9)
        this.#fail('the length of a record has a character that is no digit');
      if (this.#header === '0') this.#fail('the length of a record starts with a zero');
      if (this.#header.length >= this.#maxHeaderDigits) {
        this.#fail(`the length of a record has more than ${this.#maxHeaderDigits} digits`);
      }
      this.#header += String(digit);
    }
    return chunk.length;
  }

  #open(): void {
    if (this.#header === '') this.#fail('the length of a record is missing');
    const length = Number(this.#header);
    if (length > this.#maxRecordBytes) {
      this.#fail(`a record of ${this.#header} bytes exceeds the limit of ${this.#maxRecordBytes}`);
    }
    this.#header = '';
    this.#lacking = length;
  }

  #readBody(chunk: Uint8Array, offset: number, records: Buffer[]): number {
    const lacking = this.#lacking ?? 0;
    const end = Math.min(chunk.length, offset + lacking);
    const part = chunk.subarray(offset, end);
    if (part.length < lacking) {
      this.#append(part, lacking);
      this.#lacking = lacking - part.length;
      return end;
    }
    if (this.#bodyLength === 0) {
      records.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    } else {
      this.#append(part, lacking);
      records.push(this.#body.subarray(0, this.#bodyLength));
    }
    this.#reset();
    return end;
  }

  /** Room grows with what has come, never with what a header claims. */
  #append(part: Uint8Array, lacking: number): void {
    const needed = this.#bodyLength + part.length;
    if (needed > this.#body.length) {
      const whole = this.#bodyLength + lacking;
      const grown = Buffer.allocUnsafe(Math.min(whole, Math.max(2 * needed, LEAST_BODY_BYTES)));
      this.#body.copy(grown, 0, 0, this.#bodyLength);
      this.#body = grown;
    }
    this.#body.set(part, this.#bodyLength);
    this.#bodyLength = needed;
  }

  #reset(): void {
    this.#lacking = undefined;
    this.#body = EMPTY;
    this.#bodyLength = 0;
  }

  #fail(reason: string): never {
    this.#reset();
    this.#failure = new PlateauError(
      'INVALID_MESSAGE',
      `the stream of records is broken: ${reason}`,
    );
    throw this.#failure;
  }
}
