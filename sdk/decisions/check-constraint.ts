/** Whether constraints are well-formed: field, operator, argument. */
import { compilePattern } from './patterns.js';

/** What an operator takes as its argument. */
interface OperatorRule {
  readonly needsArgument: boolean;
  /** What is wrong with an argument, or undefined. */
  readonly problem: (argument: string) => string | undefined;
}

const anything = (): undefined => undefined;

const OPERATORS: ReadonlyMap<unknown, OperatorRule> = new Map<unknown, OperatorRule>([
  ['UNIQUE', { needsArgument: false, problem: () => 'takes no argument: leave it out' }],
  ['CLUSTER', { needsArgument: false, problem: anything }],
  ['GROUP_BY', { needsArgument: false, problem: countProblem }],
  ['LIKE', { needsArgument: true, problem: patternProblem }],
  ['UNLIKE', { needsArgument: true, problem: patternProblem }],
  ['MAX_PER', { needsArgument: true, problem: countProblem }],
  ['IS', { needsArgument: true, problem: anything }],
]);

/** What is wrong with a constraint, as the rest of a sentence about it, or undefined. */
export function constraintProblem(constraint: unknown): string | undefined {
  if (!Array.isArray(constraint) || constraint.length < 2 || constraint.length > 3) {
    return "must be a list such as ['@hostname', 'UNIQUE'] or ['rack', 'LIKE', 'r[1-3]']";
  }
  const [field, operator, argument] = constraint as readonly unknown[];
  if (typeof field !== 'string' || field === '') {
    return 'has no field: begin with @hostname, @region, @zone or the name of an attribute';
  }
  if (field.startsWith('@') && !DOMAIN_FIELDS.has(field)) {
    return `has the field '${field}', which is not known: use @hostname, @region or @zone`;
  }
  const rule = OPERATORS.get(operator);
  if (rule === undefined) {
    return `has the operator '${String(operator)}': use ${[...OPERATORS.keys()].join(', ')}`;
  }
  if (argument === undefined) {
    return rule.needsArgument ? `${String(operator)} needs an argument: add a text` : undefined;
  }
  if (typeof argument !== 'string') return 'has an argument that is no text: write it in quotes';
  const problem = rule.problem(argument);
  return problem === undefined ? undefined : `${String(operator)} ${problem}`;
}

const DOMAIN_FIELDS: ReadonlySet<string> = new Set(['@hostname', '@region', '@zone']);

function countProblem(argument: string): string | undefined {
  return /^[1-9]\d{0,8}$/.test(argument)
    ? undefined
    : `has the argument '${argument}': write a whole number from 1, such as '2'`;
}

function patternProblem(argument: string): string | undefined {
  const pattern = compilePattern(argument);
  if (!('problem' in pattern)) return undefined;
  return `has the expression '${argument.slice(0, 100)}', which RE2 refuses: ${pattern.problem}`;
}
