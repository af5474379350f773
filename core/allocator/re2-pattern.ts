/** Regular expressions by RE2, whose matching takes time in proportion to the text. */
import { RE2JS, RE2JSException } from 're2js';
import { estimatePatternSize } from './pattern-size.js';
import { type CompilePattern, DEFAULT_PATTERN_LIMITS, type PatternLimits } from './pattern.js';

/**
 * An expression that is estimated at this many times the limit is refused without being compiled:
 * compiling takes time in proportion to the size. Below, the compiled size decides.
 */
const ESTIMATE_MARGIN = 20;

/** Compiles expressions in the syntax of RE2, as Mesos does; too large ones are refused. */
export function re2Compiler({ maxChars, maxInstructions }: PatternLimits): CompilePattern {
  const limit = `the limit is ${maxInstructions}`;
  return (expression) => {
    if (expression.length > maxChars) return { problem: `is longer than ${maxChars} characters` };
    const estimate = estimatePatternSize(expression);
    if (estimate > ESTIMATE_MARGIN * Math.max(maxInstructions, 1)) {
      return { problem: `compiles to about ${estimate} instructions; ${limit}` };
    }
    try {
      const compiled = RE2JS.compile(expression);
      const size = compiled.programSize();
      if (size > maxInstructions) return { problem: `compiles to ${size} instructions; ${limit}` };
      return { matches: (text) => compiled.testExact(text) };
    } catch (error) {
      if (error instanceof RE2JSException) return { problem: `is not valid: ${error.message}` };
      throw error;
    }
  };
}

/** Compiles expressions within the default limits. */
export const compileRe2: CompilePattern = re2Compiler(DEFAULT_PATTERN_LIMITS);
