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
  return checkedBy('fitsRanges', (value, whole) => {
    if (isGiven(whole['completions'])) return "excludes 'completions': leave one of them out";
    if (value === '') return "must not be empty: write such as '0-99,200'";
    return rangesProblem(value);
  });
}

/** A template that makes a valid task: what is wrong with single fields is told there. */
export function IsTemplate(): PropertyDecorator {
  return checkedBy('isTemplate', (value) => {
    if (typeof value !== 'object' || value === null) return "must be an object with a 'command'";
    const given = Object.fromEntries(
      Object.entries(value).filter(([field, each]) => isGiven(each) && !field.endsWith('Seconds')),
    );
    const ofFields = new Set(
      Object.entries(given).flatMap(([field, each]) => taskProblems({ ...TASK, [field]: each })),
    );
    const problems = taskProblems({ name: 'task', ...DEFAULTS, ...given }).filter(
      (problem) => !ofFields.has(problem),
    );
    return problems.length === 0 ? undefined : problems.join('; ');
  });
}

const DEFAULTS = { cpus: 0.1, memMiB: 32 };
const TASK = { name: 'task', ...DEFAULTS, command: 'true' };

/** A field of a template that is one of a task, of the type that other checks demand. */
export function FitsTask(): PropertyDecorator {
  return (target, property) => {
    const field = String(property);
    const prefix = `'${field}' `;
    checkedBy('fitsTask', (value) => {
      const isLeftToOthers =
        typeof value === 'number' ? value < 0 || !Number.isFinite(value) : Object(value) !== value;
      if (isLeftToOthers && typeof value !== 'string') return undefined;
      const problems = taskProblems({ ...TASK, [field]: value });
      if (problems.length === 0) return undefined;
      return problems
        .map((each) => (each.startsWith(prefix) ? each.slice(prefix.length) : each))
        .join('; ');
    })(target, property);
  };
}

/** An object whose values are texts. */
export function HasTexts(): PropertyDecorator {
  return checkedBy('hasTexts', (value) => {
    const others = Object.entries(Object(value)).filter(([, each]) => typeof each !== 'string');
    return others.length === 0
      ? undefined
      : `has values that are no texts: write them in quotes: ${others.map(([name]) => name).join(', ')}`;
  });
}

/** In a document nothing and `null` are the same: YAML has `null` where nothing follows a name. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Either a template, or steps with templates of their own. */
export function OneOfTemplateAndSteps(): PropertyDecorator {
  return checkedBy('oneOfTemplateAndSteps', (steps, whole) => {
    if (!isGiven(steps)) return undefined;
    if (isGiven(whole['template'])) return "exclude 'template': leave one of them out";
    const ofArray = ['completions', 'indexes'].filter((field) => isGiven(whole[field]));
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
  const problems: string[] = [];
  const names = new Set<string>();
  for (const { name } of steps) {
    if (names.has(name)) problems.push(`have two steps named '${name}': rename one`);
    names.add(name);
  }
  for (const { name, needs } of steps) {
    for (const need of needs) {
      if (!names.has(need))
        problems.push(`have '${name}', which needs '${need}', which is no step`);
    }
  }
  const circle = circleProblem(steps, names);
  if (circle !== undefined) problems.push(circle);
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** Steps that can never begin; needs that are no steps are told elsewhere. */
function circleProblem(steps: readonly Step[], names: ReadonlySet<string>): string | undefined {
  const done = new Set<string>();
  for (let before = -1; before < done.size;) {
    before = done.size;
    for (const { name, needs } of steps) {
      if (needs.every((need) => done.has(need) || !names.has(need))) done.add(name);
    }
  }
  const stuck = steps.filter(({ name }) => !done.has(name)).map(({ name }) => name);
  return stuck.length === 0
    ? undefined
    : `need each other in a circle: ${stuck.slice(0, 10).join(', ')}`;
}
