/**
 * Regular expressions that clients send. They must not cost more than time in proportion to the text,
 * whatever the expression: the engine that is plugged in has to be one of the RE2 kind.
 */

export interface Pattern {
  /** Whether the expression matches the whole text. */
  matches(text: string): boolean;
}

/** What is wrong with an expression, for whoever sent it. */
export interface PatternProblem {
  readonly problem: string;
}

/** Compiles an expression in time and space that are bounded whatever the expression. */
export type CompilePattern = (expression: string) => Pattern | PatternProblem;

/** What expressions may cost at most. */
export interface PatternLimits {
  /** Characters of the expression; longer ones are refused without being looked at. */
  readonly maxChars: number;
  /** Instructions of the compiled expression. */
  readonly maxInstructions: number;
}

/** Longer expressions are refused without being looked at, unless the operator says otherwise. */
export const MAX_PATTERN_CHARS = 4096;

/** Instructions of a compiled expression, unless the operator says otherwise; as in Mesos. */
export const MAX_PATTERN_INSTRUCTIONS = 100;

/** The limits when nothing is said. */
export const DEFAULT_PATTERN_LIMITS: PatternLimits = {
  maxChars: MAX_PATTERN_CHARS,
  maxInstructions: MAX_PATTERN_INSTRUCTIONS,
};
