import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  RecordDecoder,
  durationInfoMs,
  encodeRecord,
  formatDuration,
  parseDuration,
  toDurationInfo,
} from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

/** Cuts a buffer at random places. */
function cut(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(stream.subarray(at, at + size));
    at += size;
  }
  return [...pieces, stream.subarray(at)];
}

const SIZES = fc.array(fc.nat(12), { maxLength: 60 });

describe('RecordIO', () => {
  it('gives back every record, wherever the stream is cut', () => {
    const records = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
    fc.assert(
      fc.property(records, SIZES, (payloads, sizes) => {
        const stream = Buffer.concat(payloads.map((payload) => encodeRecord(payload)));
        const decoder = new RecordDecoder();
        const found = cut(stream, sizes).flatMap((piece) => decoder.push(piece));
        decoder.finish();
        expect(found.map((record) => record.toString('hex'))).to.deep.equal(
          payloads.map((payload) => Buffer.from(payload).toString('hex')),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('comes to the same end on any bytes, wherever they are cut', () => {
    const byte = fc.oneof(fc.constantFrom(0x0a, 0x30, 0x31, 0x32, 0x39), fc.nat(255));
    const stream = fc.array(byte, { maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(stream, SIZES, (bytes, sizes) => {
        expect(outcome(cut(bytes, sizes))).to.equal(outcome([bytes]));
      }),
      { numRuns: 2000 },
    );
  });
});

/** How reading the pieces ended: the message of the error, or that there was none. */
function outcome(pieces: readonly Buffer[]): string {
  const decoder = new RecordDecoder({ maxRecordBytes: 1000 });
  try {
    for (const piece of pieces) decoder.push(piece);
    decoder.finish();
    return 'complete';
  } catch (error) {
    if (!(error instanceof PlateauError)) throw error;
    return error.message;
  }
}

describe('durations', () => {
  it('read back what they wrote, to fifteen digits', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (ms) => {
        const rounded = Math.round(ms * 1e6) / 1e6;
        const back = parseDuration(formatDuration(ms));
        expect(Math.abs(back - rounded)).to.be.at.most(Math.abs(rounded) * 1e-13 + 1e-9);
      }),
      { numRuns: 1000 },
    );
  });

  it('convert whole milliseconds without loss', () => {
    fc.assert(
      fc.property(fc.integer(), (ms) => {
        expect(durationInfoMs(toDurationInfo(ms))).to.equal(ms);
      }),
    );
  });
});
