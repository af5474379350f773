import { expect } from 'chai';
import * as fc from 'fast-check';
import { decodeJson, encodeJson, messagesEqual, parseJson } from '../../../core/api/index.js';
import type { MessageName, Messages } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';
import { MESSAGE_NAMES, drawMessage, withDefaults } from './messages.js';

const RUNS_PER_MESSAGE = 12;

describe('JSON codec', () => {
  it('reads back what it wrote, with defaults filled in, for every message', () => {
    for (const name of MESSAGE_NAMES) {
      const property = fc.property(fc.gen(), (draw) => {
        const message = drawMessage(draw, name);
        const text = encodeJson(name, message as unknown as Messages[MessageName]);
        expect(text).to.match(/^[ -~]*$/);
        const back = decodeJson(name, text);
        expect(back).to.deep.equal(withDefaults(name, message));
        expect(encodeJson(name, back)).to.equal(text);
        expect(messagesEqual(name, back, message as unknown as Messages[MessageName])).to.equal(
          true,
        );
      });
      fc.assert(property, { numRuns: RUNS_PER_MESSAGE });
    }
  });

  it('reads the same from bytes as from text', () => {
    fc.assert(
      fc.property(fc.gen(), (draw) => {
        const message = drawMessage(draw, 'SchedulerCall');
        const text = encodeJson('SchedulerCall', message);
        expect(decodeJson('SchedulerCall', Buffer.from(text))).to.deep.equal(
          decodeJson('SchedulerCall', text),
        );
      }),
    );
  });

  it('accepts what JSON.parse accepts, with the same values, whichever parser is used', () => {
    const value = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(value, (json) => {
        const text = JSON.stringify(json);
        const expected: unknown = JSON.parse(text);
        expect(widen(parseJson(text))).to.deep.equal(expected);
        const long = parseJson(`[12345678901234567890,${text}]`) as unknown[];
        expect(widen(long[1])).to.deep.equal(expected);
      }),
    );
  });
});

/** Long integers as the doubles that JSON.parse makes of them. */
function widen(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(widen);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, widen(item)]));
}

/** Pieces that break parsers. */
const FRAGMENTS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  'null',
  'true',
  '1e400',
  '-0',
  'NaN',
  'Infinity',
  '-Infinity',
  '12345678901234567890',
  '9007199254740993',
  '0.1',
  '"__proto__":',
  '"constructor":{"prototype":{"x":1}},',
  '"__proto__":{"polluted":1},',
  '\u0000',
  '\ufeff',
  '//',
  '/*',
  '"value":',
  '{"value":[[]]}',
  '"type":"UNKNOWN",',
  ' ',
  '\n',
  'é',
];

const EDIT = fc.record({
  position: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(6),
  inserted: fc.oneof(fc.constantFrom('', ...FRAGMENTS), fc.string({ maxLength: 4 })),
});

function mutate(
  text: string,
  edits: readonly { position: number; removed: number; inserted: string }[],
): string {
  return edits.reduce((current, { position, removed, inserted }) => {
    const at = Math.floor(position * current.length);
    return current.slice(0, at) + inserted + current.slice(at + removed);
  }, text);
}

/** Decodes, and tells whether it was accepted. Anything but a PlateauError gets through. */
function accepts(name: MessageName, source: string | Buffer): boolean {
  try {
    decodeJson(name, source);
    return true;
  } catch (error) {
    if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
    return false;
  }
}

function expectCleanPrototypes(before: readonly string[]): void {
  expect(Object.getOwnPropertyNames(Object.prototype)).to.deep.equal(before);
  expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
}

describe('JSON reader on bad input', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const name = fc.constantFrom<MessageName>(
    'SchedulerCall',
    'MasterCall',
    'AgentCall',
    'ExecutorCall',
    'LinkAgentMessage',
  );

  it('throws nothing but INVALID_MESSAGE on mutated texts, and pollutes nothing', () => {
    const outcomes = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(
        name,
        fc.gen(),
        fc.array(EDIT, { minLength: 1, maxLength: 4 }),
        (type, draw, edits) => {
          const text = encodeJson(
            type,
            drawMessage(draw, type) as unknown as Messages[MessageName],
          );
          const isAccepted = accepts(type, mutate(text, edits));
          outcomes[isAccepted ? 'accepted' : 'refused']++;
          expectCleanPrototypes(before);
        },
      ),
      { numRuns: 4000 },
    );
    expect(outcomes.accepted).to.be.greaterThan(0);
    expect(outcomes.refused).to.be.greaterThan(0);
  });

  it('throws nothing else on mutated bytes', () => {
    fc.assert(
      fc.property(
        fc.gen(),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (draw, flips) => {
          const bytes = Buffer.from(
            encodeJson('SchedulerCall', drawMessage(draw, 'SchedulerCall')),
          );
          for (const [position, byte] of flips) bytes[position % bytes.length] = byte;
          accepts('SchedulerCall', bytes);
          expectCleanPrototypes(before);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('throws nothing else on any JSON value in the place of any field', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MESSAGE_NAMES),
        fc.gen(),
        fc.jsonValue(),
        (type, draw, value) => {
          const message = drawMessage(draw, type);
          const fields = Object.keys(message);
          const victim = fields.length === 0 ? 'x' : draw(() => fc.constantFrom(...fields));
          const text = encodeJson(type, message as unknown as Messages[MessageName]);
          const tampered = { ...(JSON.parse(quoteInfinity(text)) as object), [victim]: value };
          accepts(type, JSON.stringify(tampered));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The text for JSON.parse, which knows no infinite numbers. Texts in it may change. */
function quoteInfinity(text: string): string {
  return text
    .replaceAll(/:(-?)Infinity/g, ':"$1Infinity"')
    .replaceAll(/([[,])(-?)Infinity/g, '$1"$2Infinity"');
}
