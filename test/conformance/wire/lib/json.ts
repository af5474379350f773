/** JSON that keeps 64-bit integers: those a double cannot hold are `bigint`, in both directions. */
import { parse, stringify } from 'lossless-json';

const DIGITS_OF_LARGE_NUMBERS = /[0-9]{16}/;

/** @throws SyntaxError when the text is no JSON. */
export function readJson(text: string): unknown {
  if (!DIGITS_OF_LARGE_NUMBERS.test(text)) return JSON.parse(text);
  return parse(text, undefined, (digits) => {
    const number = Number(digits);
    return /^-?[0-9]+$/.test(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number;
  });
}

/** Members without a value are left out. */
export function writeJson(value: unknown): string {
  return stringify(value) ?? '';
}
