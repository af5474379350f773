/**
 * Regular expressions of constraints, by RE2: matching takes time in proportion to the text, whatever the
 * expression. Compiled expressions and their answers are remembered, within bounds, because the same few
 * values are looked at in every turn.
 */
import { RE2JS, RE2JSException } from 're2js';

/** Longest expression of a constraint. */
export const MAX_CONSTRAINT_PATTERN_CHARS = 1_000;
/** Instructions of a compiled expression: compiling takes time in proportion. */
export const MAX_CONSTRAINT_PATTERN_INSTRUCTIONS = 10_000;
/** Expressions that stay compiled; with more, all are forgotten. */
export const MAX_COMPILED_PATTERNS = 200;
/** Values of which an expression remembers its answer; with more, all are forgotten. */
export const MAX_REMEMBERED_MATCHES = 10_000;

/** A compiled expression. */
export class Pattern {
  readonly #compiled: RE2JS;
  readonly #answers = new Map<string, boolean>();

  constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Whether the expression matches the whole text. */
  matches(text: string): boolean {
    const known = this.#answers.get(text);
    if (known !== undefined) return known;
    if (this.#answers.size >= MAX_REMEMBERED_MATCHES) this.#answers.clear();
    const answer = this.#compiled.testExact(text);
    this.#answers.set(text, answer);
    return answer;
  }
}

const compiled = new Map<string, Pattern>();

/** The expression compiled, or what is wrong with it. */
export function compilePattern(expression: string): Pattern | { readonly problem: string } {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  if (expression.length > MAX_CONSTRAINT_PATTERN_CHARS) {
    return { problem: `it is longer than ${MAX_CONSTRAINT_PATTERN_CHARS} characters` };
  }
  try {
    const program = RE2JS.compile(expression);
    const size = program.programSize();
    if (size > MAX_CONSTRAINT_PATTERN_INSTRUCTIONS) {
      const limit = MAX_CONSTRAINT_PATTERN_INSTRUCTIONS;
      return { problem: `it compiles to ${size} instructions, and ${limit} is the limit` };
    }
    const pattern = new Pattern(program);
    if (compiled.size >= MAX_COMPILED_PATTERNS) compiled.clear();
    compiled.set(expression, pattern);
    return pattern;
  } catch (error) {
    if (error instanceof RE2JSException) return { problem: error.message };
    throw error;
  }
}
