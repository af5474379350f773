/**
 * How large a regular expression would be when compiled, told without compiling it: `(x{9}){9}` is
 * short and stands for 81 instructions. It reads just enough of the syntax of RE2 to count; what is
 * not valid is counted somehow, and refused when it is compiled.
 */

/** Digits of a count that are read; longer ones are refused by RE2 anyway. */
const REPEAT = /\{(\d{1,6})(?:(,)(\d{0,6}))?\}/y;
/** A class such as `[^]a-z]`, with classes of the form `[:alpha:]` and escapes in it. */
const CLASS = /\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]/sy;
/** One character, escaped or not; `\Q…\E` counts as its characters do. */
const ATOM = /\\[pPx]\{[^}]*\}|\\.|./suy;

/**
 * About how many instructions the expression compiles to: one for each thing that takes a character,
 * as often as it is repeated. Real programs are up to a few times as large, or smaller where
 * alternatives begin alike.
 */
export function estimatePatternSize(expression: string): number {
  const outer: number[] = [];
  let size = 0;
  let last = 0;
  for (let at = 0; at < expression.length;) {
    const repeat = matchAt(REPEAT, expression, at);
    const word = repeat?.[0] ?? matchAt(CLASS, expression, at)?.[0];
    const token = word ?? matchAt(ATOM, expression, at)?.[0] ?? '';
    at += Math.max(token.length, 1);
    if (repeat !== undefined) {
      const grown = last * timesOf(repeat);
      size += grown - last;
      last = grown;
    } else if (token === '(') {
      outer.push(size);
      size = 0;
      last = 0;
    } else if (token === ')') {
      last = size;
      size += outer.pop() ?? 0;
    } else if (!'|*+?^$'.includes(token)) {
      last = 1;
      size += 1;
    }
  }
  return outer.reduce((sum, part) => sum + part, size);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

/** `{n}`, `{n,}` and `{n,m}` stand for that many copies. */
function timesOf([, least = '', comma, most]: RegExpExecArray): number {
  const more = comma === undefined ? 0 : 1;
  return Math.max(Number(least) + (most === '' ? more : 0), Number(most ?? '') || 0, 1);
}
