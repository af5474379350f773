/** Checks of documents that look at several fields, or that the SDK does for tasks anyway. */
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { taskProblems } from '../../sdk/decisions/index.js';
import { rangesProblem } from './index-ranges.js';

type Problem = (value: unknown, whole: Readonly<Record<string, unknown>>) => string | undefined;

/** A property decorator that tells the problem that a function finds. */
function checkedBy(name: string, problem: Problem): PropertyDecorator {
  const judge = (found: ValidationArguments | undefined): string | undefined =>
    found === undefined ? undefined : problem(found.value, { ...found.object });
  return ValidateBy({
    name,
    validator: {
      validate: (_value, found) => judge(found) === undefined,
      defaultMessage: (found) => judge(found) ?? '',
    },
  });
}

/** A text, or a list of texts. */
export function IsCommand(): PropertyDecorator {
  return checkedBy('isCommand', (value) =>
    typeof value === 'string' ||
    (Array.isArray(value) && value.every((word) => typeof word === 'string'))
      ? undefined
      : 'must be a text for a shell, or a list of a program and its arguments',
  );
}

/** Index ranges; not beside `completions`. */
export function FitsRanges(): PropertyDecorator {
  return checkedBy('fitsRanges', (value, { completions }) => {
    if (completions !== undefined) return "excludes 'completions': leave one of them out";
    if (value === '') return "must not be empty: write such as '0-99,200'";
    return rangesProblem(value);
  });
}

/** A template that makes a valid task. */
export function IsTemplate(): PropertyDecorator {
  return checkedBy('isTemplate', (value) => {
    if (typeof value !== 'object' || value === null) return "must be an object with a 'command'";
    const given = Object.entries(value).filter(
      ([field, each]) => each !== undefined && !field.endsWith('Seconds'),
    );
    const problems = taskProblems({ name: 'task', ...Object.fromEntries(given) });
    return problems.length === 0 ? undefined : problems.join('; ');
  });
}

/** Either a template, or steps with templates of their own. */
export function OneOfTemplateAndSteps(): PropertyDecorator {
  return checkedBy('oneOfTemplateAndSteps', (steps, whole) => {
    if (steps === undefined) return undefined;
    if (whole['template'] !== undefined) return "exclude 'template': leave one of them out";
    const ofArray = ['completions', 'indexes'].filter((field) => whole[field] !== undefined);
    return ofArray.length === 0
      ? undefined
      : `exclude '${ofArray.join("', '")}': give each step its own`;
  });
}

/** Steps whose names differ, and that can be put into an order in which each comes after what it needs. */
export function NeedsInOrder(): PropertyDecorator {
  return checkedBy('needsInOrder', (steps) =>
    Array.isArray(steps) ? needsProblem(steps.map(stepOf)) : undefined,
  );
}

interface Step {
  readonly name: string;
  readonly needs: readonly string[];
}

function stepOf(value: unknown): Step {
  const { name, needs }: { readonly name?: unknown; readonly needs?: unknown } = Object(value);
  return { name: String(name), needs: Array.isArray(needs) ? needs.map(String) : [] };
}

function needsProblem(steps: readonly Step[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of steps) {
    if (names.has(name)) return `have two steps named '${name}': rename one`;
    names.add(name);
  }
  for (const { name, needs } of steps) {
    const missing = needs.find((need) => !names.has(need));
    if (missing !== undefined) return `have '${name}', which needs '${missing}', which is no step`;
  }
  const done = new Set<string>();
  for (let before = -1; before < done.size;) {
    before = done.size;
    for (const { name, needs } of steps) if (needs.every((need) => done.has(need))) done.add(name);
  }
  const stuck = steps.filter(({ name }) => !done.has(name)).map(({ name }) => name);
  return stuck.length === 0
    ? undefined
    : `need each other in a circle: ${stuck.slice(0, 10).join(', ')}`;
}
