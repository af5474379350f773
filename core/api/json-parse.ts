/**
 * From bytes or text to plain JSON values, safely: depth is counted before the parser recurses, and
 * integers that a double cannot hold arrive as bigint. What a value means is the reader's business.
 */
import { parse as parseLossless } from 'lossless-json';
import { PlateauError, errorMessage } from '../base/index.js';

/** Deepest nesting of objects and lists that is accepted, as in Mesos. */
export const MAX_JSON_DEPTH = 200;

/** Integers with at least this many digits may lie beyond 2^53. */
const LONG_INTEGER_DIGITS = 16;

/** Longer integers are no numbers of any use; they are read as doubles, so as infinite. */
const MAX_INTEGER_DIGITS = 400;

// A byte order mark is kept, so that the parser refuses it.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses JSON. Integers of 16 digits and more are bigint, all other numbers are doubles. The bare
 * words `Infinity` and `-Infinity`, which the writer produces as Mesos does, are read as text.
 * @throws PlateauError `INVALID_MESSAGE`: not UTF-8, not JSON, or nested deeper than 200.
 */
export function parseJson(source: string | Uint8Array): unknown {
  const text = typeof source === 'string' ? source : decodeUtf8(source);
  const { hasLongInteger, infinities } = scan(text);
  const clean = infinities.length === 0 ? text : quoteInfinities(text, infinities);
  try {
    return hasLongInteger ? parseLongIntegers(clean) : JSON.parse(clean);
  } catch (error) {
    throw malformed(`the body is not JSON: ${errorMessage(error)}`, error);
  }
}

function malformed(message: string, cause?: unknown): PlateauError {
  return new PlateauError('INVALID_MESSAGE', message, { cause });
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw malformed('the body is not valid UTF-8', error);
  }
}

function parseLongIntegers(text: string): unknown {
  return parseLossless(text, null, {
    parseNumber: (digits) =>
      digits.length < LONG_INTEGER_DIGITS ||
      digits.length > MAX_INTEGER_DIGITS ||
      !/^-?\d+$/.test(digits)
        ? Number(digits)
        : BigInt(digits),
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

interface Scan {
  readonly hasLongInteger: boolean;
  /** Where bare `Infinity` stands, with its sign. */
  readonly infinities: readonly number[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the text outside strings. Judges nothing but depth; the parser does the rest. */
function scan(text: string): Scan {
  let depth = 0;
  let digits = 0;
  let hasLongInteger = false;
  const infinities: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) {
      digits++;
      if (digits === LONG_INTEGER_DIGITS) hasLongInteger = true;
      continue;
    }
    // Digits after a decimal point are no reason to leave the native parser.
    digits = code === 0x2e ? -Infinity : 0;
    if (code === QUOTE) index = endOfString(text, index);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) {
        throw malformed(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`);
      }
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x49 && text.startsWith('Infinity', index)) {
      infinities.push(text.charCodeAt(index - 1) === 0x2d ? index - 1 : index);
    }
  }
  return { hasLongInteger, infinities };
}

/** Index of the quote that ends the string opened at `start`, or of the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end, start)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, index: number, start: number): boolean {
  let backslashes = 0;
  for (let at = index - 1; at > start && text.charCodeAt(at) === BACKSLASH; at--) backslashes++;
  return backslashes % 2 === 1;
}

function quoteInfinities(text: string, starts: readonly number[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const start of starts) {
    const end = text.indexOf('y', start) + 1;
    pieces.push(text.slice(from, start), '"', text.slice(start, end), '"');
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}
