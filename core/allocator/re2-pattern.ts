/** Regular expressions by RE2, whose matching takes time in proportion to the text. */
import { RE2JS, RE2JSException } from 're2js';
import { type CompilePattern, MAX_PATTERN_INSTRUCTIONS } from './pattern.js';

/** Compiles expressions in the syntax of RE2, as Mesos does; too complex ones are refused. */
export const compileRe2: CompilePattern = (expression) => {
  try {
    const compiled = RE2JS.compile(expression);
    const size = compiled.programSize();
    if (size > MAX_PATTERN_INSTRUCTIONS) {
      return {
        problem: `compiles to ${size} instructions; the limit is ${MAX_PATTERN_INSTRUCTIONS}`,
      };
    }
    return { matches: (text) => compiled.testExact(text) };
  } catch (error) {
    if (error instanceof RE2JSException) return { problem: `is not valid: ${error.message}` };
    throw error;
  }
};
