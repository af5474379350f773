/**
 * Reads one scalar of the v1 JSON form with the leniency that Mesos shows: numbers and booleans may
 * come as text, fractions of integers are cut off, 64-bit overflow wraps around. What does not fit
 * comes back as a `Misfit`, to which the caller adds the path of the field.
 */

/** Says what was wrong with a value. */
export class Misfit {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Reads a scalar: its value, or why it is none. */
export type ScalarReader = (value: unknown) => string | number | bigint | boolean | Misfit;

const NUMBER_TEXT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER_TEXT = /^[+-]?\d{1,400}$/;

/** The JSON word for the type of a value. */
export function typeWord(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return 'a boolean';
    default:
      return 'an object';
  }
}

function wanted(what: string, value: unknown): Misfit {
  return new Misfit(`expected ${what}, not ${typeWord(value)}`);
}

function readString(value: unknown): string | Misfit {
  return typeof value === 'string' ? value : wanted('text', value);
}

function readBool(value: unknown): boolean | Misfit {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  if (value === 'false') return false;
  if (typeof value === 'string') return new Misfit('expected true or false, not other text');
  return wanted('a boolean', value);
}

/** What it is written as in standard form: the unused bits of the last symbol are zero. */
const STANDARD_BASE64 = /^[A-Za-z0-9+/]*(?:[AEIMQUYcgkosw048]=|[AQgw]==)?$/;
const BASE64_ALPHABET = /^[A-Za-z0-9+/]*$/;
const BLANKS = /[ \t\r\n]+/g;

/** Returns the one padded standard form, so that equal bytes are equal text. */
function readBytes(value: unknown): string | Misfit {
  if (typeof value !== 'string') return wanted('base64 text', value);
  if (value.length % 4 === 0 && STANDARD_BASE64.test(value)) return value;
  const symbols = value.replace(BLANKS, '').replace(/={1,2}$/, '');
  if (!BASE64_ALPHABET.test(symbols) || symbols.length % 4 === 1) {
    return new Misfit('expected base64 text in the standard alphabet');
  }
  return Buffer.from(symbols, 'base64').toString('base64');
}

function readDouble(value: unknown): number | Misfit {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  return readFinite(value);
}

function readFinite(value: unknown): number | Misfit {
  const number = toNumber(value);
  if (number === undefined) {
    if (typeof value === 'string') return new Misfit('expected a number, not other text');
    return wanted('a number', value);
  }
  return Number.isFinite(number) ? number : new Misfit('expected a finite number');
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && NUMBER_TEXT.test(value) ? Number(value) : undefined;
}

function integer32(lowest: number, highest: number): ScalarReader {
  return (value) => {
    const number = readFinite(value);
    if (number instanceof Misfit) return number;
    const whole = Math.trunc(number);
    if (whole < lowest || whole > highest) {
      return new Misfit(`expected a number from ${lowest} to ${highest}`);
    }
    // Truncation of a small negative fraction gives -0.
    return whole === 0 ? 0 : whole;
  };
}

function integer64(wrap: (value: bigint) => bigint): ScalarReader {
  return (value) => {
    if (typeof value === 'bigint') return wrap(value);
    if (typeof value === 'string' && INTEGER_TEXT.test(value)) {
      return wrap(BigInt(value.startsWith('+') ? value.slice(1) : value));
    }
    const number = readFinite(value);
    return number instanceof Misfit ? number : wrap(BigInt(Math.trunc(number)));
  };
}

/** Readers of all scalar types of the schema. */
export const SCALAR_READERS: Readonly<Record<string, ScalarReader>> = {
  string: readString,
  bool: readBool,
  bytes: readBytes,
  double: readDouble,
  int32: integer32(-(2 ** 31), 2 ** 31 - 1),
  uint32: integer32(0, 2 ** 32 - 1),
  int64: integer64((value) => BigInt.asIntN(64, value)),
  uint64: integer64((value) => BigInt.asUintN(64, value)),
};
