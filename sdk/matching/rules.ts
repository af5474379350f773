/**
 * Constraints, ready to be asked. A fixed rule looks at the agent alone; a counting rule looks at how many
 * tasks of the name share the agent's value, which changes with each task that is placed.
 */
import { type Constraint, compilePattern } from '../decisions/index.js';
import type { Cell, Counts } from './tally.js';
import { type Values, fieldName } from './values.js';

export interface FixedRule {
  readonly kind: 'fixed';
  readonly text: string;
  readonly holds: (values: Values) => boolean;
}

export interface CountingRule {
  readonly kind: 'counting';
  readonly text: string;
  readonly field: string;
  readonly counts: Counts;
  /** Whether one more task may share the value of the cell. */
  readonly holds: (cell: Cell) => boolean;
  /** Values with fewer tasks come first, whatever their fitness. */
  readonly evens: boolean;
}

export type Rule = FixedRule | CountingRule;

/** Makes a rule of a constraint that is valid; `countsOf` gives the counts of a field. */
export function ruleOf(constraint: Constraint, countsOf: (field: string) => Counts): Rule {
  const [name, operator, argument] = constraint;
  const field = fieldName(name);
  const text = constraintText(constraint);
  const fixed = (accepts: (value: string | undefined) => boolean): FixedRule => ({
    kind: 'fixed',
    text,
    holds: (values) => accepts(values[field]),
  });
  if (operator === 'LIKE') return fixed(likeness(argument ?? '', true));
  if (operator === 'UNLIKE') return fixed(likeness(argument ?? '', false));
  if (operator === 'IS') return fixed(equality(argument ?? ''));
  if (operator === 'CLUSTER' && argument !== undefined) return fixed((value) => value === argument);
  const counts = countsOf(field);
  const counting = (holds: (cell: Cell) => boolean): CountingRule => ({
    kind: 'counting',
    text,
    field,
    counts,
    holds,
    evens: operator === 'GROUP_BY',
  });
  if (operator === 'UNIQUE') return counting((cell) => cell.count === 0);
  if (operator === 'MAX_PER') return counting((cell) => cell.count < Number(argument));
  if (operator === 'CLUSTER') {
    return counting((cell) => counts.first === undefined || counts.first === cell);
  }
  const groups = Number(argument ?? 0);
  return counting((cell) =>
    counts.groups < groups ? cell.count === 0 : cell.count <= counts.lowest(),
  );
}

/** A constraint as people write it: `rack LIKE r[1-3]`. */
export function constraintText(constraint: Constraint): string {
  return constraint.join(' ');
}

/** An attribute that is missing is like nothing, and so passes UNLIKE alone. */
function likeness(expression: string, wanted: boolean): (value: string | undefined) => boolean {
  const pattern = compilePattern(expression);
  if ('problem' in pattern) return () => false;
  return (value) => (value === undefined ? !wanted : pattern.matches(value) === wanted);
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The same text but for blanks, or the same number to three decimals. */
function equality(argument: string): (value: string | undefined) => boolean {
  const wanted = withoutBlanks(argument);
  const wantedNumber = thousandths(wanted);
  return (value) => {
    if (value === undefined) return false;
    if (value === argument) return true;
    const text = withoutBlanks(value);
    return text === wanted || (wantedNumber !== undefined && thousandths(text) === wantedNumber);
  };
}

/** Blanks mean something in texts, but not in numbers, ranges and sets. */
function withoutBlanks(text: string): string {
  const trimmed = text.trim();
  return /^(?:\[.*\]|\{.*\})$/s.test(trimmed) ? trimmed.replaceAll(/\s/g, '') : trimmed;
}

function thousandths(text: string): number | undefined {
  return NUMBER.test(text) ? Math.round(Number(text) * 1000) : undefined;
}
