/**
 * The text form of values, shared by `--resources` and `--attributes`: `4`, `[31000-32000,1-2]`,
 * `{a,b}`, and anything else as text.
 */
import type { Value } from '../api/index.js';

/** The value that a text means, or why it means none. */
export type ParsedValue = { readonly value: Value } | { readonly problem: string };

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Reads a value. Only broken brackets and braces are problems; what is nothing else is text. */
export function parseValue(text: string): ParsedValue {
  const trimmed = text.trim();
  if (trimmed === '') return { problem: 'the value is empty' };
  if (trimmed.startsWith('[')) return parseRanges(trimmed);
  if (trimmed.startsWith('{')) return parseSet(trimmed);
  if (NUMBER.test(trimmed)) {
    return { value: { type: 'SCALAR', scalar: { value: Number(trimmed) } } };
  }
  return { value: { type: 'TEXT', text: { value: trimmed } } };
}

function parseRanges(text: string): ParsedValue {
  if (!text.endsWith(']')) return { problem: `'${text}' lacks the closing bracket` };
  const range: { begin: bigint; end: bigint }[] = [];
  for (const part of partsOf(text)) {
    const [, begin, end] = /^(\d+)\s*-\s*(\d+)$/.exec(part) ?? [];
    if (begin === undefined || end === undefined) {
      return { problem: `'${part}' is not a range; write it as 31000-32000` };
    }
    range.push({ begin: BigInt(begin), end: BigInt(end) });
  }
  return { value: { type: 'RANGES', ranges: { range } } };
}

function parseSet(text: string): ParsedValue {
  if (!text.endsWith('}')) return { problem: `'${text}' lacks the closing brace` };
  return { value: { type: 'SET', set: { item: partsOf(text) } } };
}

/** What stands between the brackets, split at commas. */
function partsOf(text: string): string[] {
  return text
    .slice(1, -1)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
