import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  MAX_PROTOBUF_DEPTH,
  decodeJson,
  decodeProtobuf,
  encodeJson,
  encodeProtobuf,
  messagesEqual,
} from '../../../core/api/index.js';
import type { MessageName, Messages } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';
import { MESSAGE_NAMES, drawMessage, withDefaults } from './messages.js';
import { decodeByReflection, encodeByReflection } from './protobuf-oracle.js';

const RUNS_PER_MESSAGE = 12;

type Message = Record<string, unknown>;

function encode(name: MessageName, message: Message): Buffer {
  return encodeProtobuf(name, message as unknown as Messages[MessageName]);
}

/** The message as it can be in UTF-8, which has no halves of surrogate pairs. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Message;
  for (const [key, item] of Object.entries(value))
    copy[Buffer.from(key).toString()] = wellFormed(item);
  return copy;
}

/** Keys that the library refuses to put into a map, for fear of prototypes. */
function hasUnsafeKey(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnsafeKey);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, item]) => ['__proto__', 'prototype', 'constructor'].includes(key) || hasUnsafeKey(item),
  );
}

/** Checks a property of messages of every type. */
function forEveryMessage(check: (name: MessageName, message: Message) => void): void {
  for (const name of MESSAGE_NAMES) {
    const property = fc.property(fc.gen(), (draw) => {
      check(name, wellFormed(drawMessage(draw, name)) as Message);
    });
    // Making a large message smaller step by step takes more memory than it helps.
    fc.assert(property, { numRuns: RUNS_PER_MESSAGE, endOnFailure: true });
  }
}

describe('Protobuf codec', () => {
  it('reads back what it wrote, for every message', () => {
    forEveryMessage((name, message) => {
      const bytes = encode(name, message);
      const back = decodeProtobuf(name, bytes);
      expect(back).to.deep.equal(message);
      expect(encodeProtobuf(name, back).equals(bytes)).to.equal(true);
    });
  });

  it('says the same as JSON, there and back, for every message', () => {
    forEveryMessage((name, message) => {
      const viaProtobuf = decodeProtobuf(name, encode(name, message));
      const viaJson = decodeJson(name, encodeJson(name, viaProtobuf));
      expect(viaJson).to.deep.equal(withDefaults(name, message));
      const again = decodeProtobuf(name, encodeProtobuf(name, viaJson));
      expect(again).to.deep.equal(viaJson);
      expect(messagesEqual(name, again, viaProtobuf)).to.equal(true);
    });
  });

  it('writes the bytes that the library writes by reflection, and reads them', () => {
    forEveryMessage((name, message) => {
      if (hasUnsafeKey(message)) return;
      const golden = encodeByReflection(name, message);
      expect(encode(name, message).toString('hex')).to.equal(golden.toString('hex'));
      expect(decodeProtobuf(name, golden)).to.deep.equal(message);
      expect(decodeByReflection(name, golden)).to.deep.equal(message);
    });
  });

  it('replaces halves of surrogate pairs, as UTF-8 asks, and nothing else', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map(charOf),
      maxLength: 200,
    });
    fc.assert(
      fc.property(text, (value) => {
        const back = decodeProtobuf('FrameworkID', encodeProtobuf('FrameworkID', { value }));
        expect(back).to.deep.equal(wellFormed({ value }));
      }),
      { numRuns: 500 },
    );
  });

  it('reads what comes in pieces as the library does: messages and lists add up', () => {
    forEveryMessage((name, message) => {
      if (hasUnsafeKey(message)) return;
      const bytes = encode(name, message);
      const twice = Buffer.concat([bytes, bytes]);
      expect(decodeProtobuf(name, twice)).to.deep.equal(decodeByReflection(name, twice));
    });
  });
});

function charOf(code: number): string {
  return String.fromCharCode(code);
}

/** Decodes, and tells whether it was accepted. Anything but INVALID_MESSAGE gets through. */
function accepts(name: MessageName, bytes: Buffer): boolean {
  try {
    const message = decodeProtobuf(name, bytes);
    // What was read can be shown and passed on.
    encodeJson(name, message);
    encodeProtobuf(name, message);
    return true;
  } catch (error) {
    if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
    expect(error.message.length).to.be.lessThan(8_000);
    return false;
  }
}

/** Bytes that break readers: long lengths, endless varints, groups, tags of nothing. */
const FRAGMENTS: readonly Buffer[] = [
  'ffffffffffffffffff01',
  'ffffffffffffffffffff7f',
  '0affffffff07',
  '0affffffff0f',
  '0b0b0b0b',
  '0b0c',
  '0c',
  '0e',
  '0f',
  '00',
  '02ff',
  '80808080808000',
  '0a00',
  '0a02c328',
  '09000000000000f87f',
].map((hex) => Buffer.from(hex, 'hex'));

const EDIT = fc.record({
  position: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(6),
  inserted: fc.oneof(
    fc.constantFrom(Buffer.alloc(0), ...FRAGMENTS),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  ),
});

function mutate(
  bytes: Buffer,
  edits: readonly { position: number; removed: number; inserted: Buffer }[],
): Buffer {
  return edits.reduce((current, { position, removed, inserted }) => {
    const at = Math.floor(position * current.length);
    return Buffer.concat([current.subarray(0, at), inserted, current.subarray(at + removed)]);
  }, bytes);
}

describe('Protobuf reader on bad input', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);

  it('throws nothing but INVALID_MESSAGE on mutated bytes, and pollutes nothing', () => {
    const outcomes = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...MESSAGE_NAMES),
        fc.gen(),
        fc.array(EDIT, { minLength: 1, maxLength: 4 }),
        (name, draw, edits) => {
          const isAccepted = accepts(name, mutate(encode(name, drawMessage(draw, name)), edits));
          outcomes[isAccepted ? 'accepted' : 'refused']++;
          expect(Object.getOwnPropertyNames(Object.prototype)).to.deep.equal(before);
        },
      ),
      { numRuns: 6_000 },
    );
    expect(outcomes.accepted).to.be.greaterThan(100);
    expect(outcomes.refused).to.be.greaterThan(100);
  });

  it('throws nothing else on any bytes', () => {
    const name = fc.constantFrom<MessageName>('SchedulerCall', 'MasterCall', 'ContainerID');
    fc.assert(
      fc.property(name, fc.uint8Array({ maxLength: 64 }), (type, bytes) => {
        accepts(type, Buffer.from(bytes));
      }),
      { numRuns: 4_000 },
    );
  });

  it('accepts of a message that is cut short what the library accepts', () => {
    const outcomes = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...MESSAGE_NAMES),
        fc.gen(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (name, draw, position) => {
          const message = wellFormed(drawMessage(draw, name)) as Message;
          if (hasUnsafeKey(message)) return;
          const bytes = encode(name, message);
          const part = bytes.subarray(0, Math.floor(position * bytes.length));
          const isAccepted = accepts(name, part);
          outcomes[isAccepted ? 'accepted' : 'refused']++;
          expect(isAccepted).to.equal(isReadByReflection(name, part));
        },
      ),
      { numRuns: 3_000 },
    );
    expect(outcomes.accepted).to.be.greaterThan(100);
    expect(outcomes.refused).to.be.greaterThan(100);
  });

  it('passes over fields that a later version may have, wherever they stand', () => {
    // A varint, eight bytes, a text, four bytes, a group with a group in it; numbers beyond the schema.
    const unknown = Buffer.from(
      'c03e05c13e0102030405060708c23e027879c53e01020304c33ec33ec03e01c43ec43e',
      'hex',
    );
    forEveryMessage((name, message) => {
      const bytes = encode(name, message);
      const known = decodeProtobuf(name, bytes);
      expect(decodeProtobuf(name, Buffer.concat([unknown, bytes]))).to.deep.equal(known);
      expect(decodeProtobuf(name, Buffer.concat([bytes, unknown]))).to.deep.equal(known);
    });
  });

  it('refuses messages nested deeper than its bound, and reads those at it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 * MAX_PROTOBUF_DEPTH }), (levels) => {
        let bytes = Buffer.from([0x0a, 0x01, 0x78]);
        for (let level = 1; level < levels; level++) {
          const header = encodeProtobuf('ContainerID', { value: 'x' });
          const inner = Buffer.concat([Buffer.from([0x12]), varint(bytes.length), bytes]);
          bytes = Buffer.concat([header, inner]);
        }
        expect(accepts('ContainerID', bytes)).to.equal(levels <= MAX_PROTOBUF_DEPTH);
      }),
    );
  });
});

function isReadByReflection(name: MessageName, bytes: Buffer): boolean {
  try {
    decodeByReflection(name, bytes);
    return true;
  } catch {
    return false;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
