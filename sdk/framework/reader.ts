/**
 * The only reader of what decorators wrote. It walks a class and those that it extends, checks
 * everything, and tells all problems at once, each with class, method, option and remedy.
 */
import { PlateauError } from '../../core/base/index.js';
import type { FrameworkDefinition, FrameworkSettings } from './definition.js';
import type { Complain, Link } from './read-links.js';
import { readHandlers } from './read-handlers.js';
import { readStored } from './read-stored.js';
import { declaredFramework } from './metadata.js';
import { settingsOf } from './options.js';

export interface ReadFrameworkOptions {
  /** Unix user of tasks where the options of the class name none. Default `root`. */
  readonly user?: string;
  /** Options that replace those of the class, one by one. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** A framework class. */
export type FrameworkClass<T extends object = object> = new () => T;

/**
 * Reads a framework class, or the class of an instance.
 * @throws PlateauError `INVALID_FRAMEWORK` with all that is wrong.
 */
export function readFramework(
  target: object,
  { user = 'root', overrides = {} }: ReadFrameworkOptions = {},
): FrameworkDefinition {
  const theClass = classOf(target);
  const problems: string[] = [];
  const complain: Complain = (problem) => problems.push(problem);
  const name = nameOf(theClass);
  const declared = declaredFramework(theClass);
  if (declared === undefined) {
    throw invalid(name, [
      `the class has no @Framework: put @Framework({ name: '…' }) before 'class ${name}'`,
    ]);
  }
  const options = { ...Object(declared.options), ...overrides };
  const settings = readSettings({ options, user, name }, complain);
  const chain = chainOf(theClass);
  const handlers = readHandlers(chain, complain);
  const stored = readStored(chain, complain);
  if (settings === undefined || problems.length > 0) throw invalid(name, problems);
  return { settings, handlers, stored };
}

/** Whether a value is a class with `@Framework`, its own or inherited. */
export function isFrameworkClass(value: unknown): value is FrameworkClass {
  return typeof value === 'function' && declaredFramework(value) !== undefined;
}

/** The class and those that it extends, the topmost first. */
function chainOf(theClass: object): readonly Link[] {
  const links: Link[] = [];
  let current: unknown = theClass;
  while (typeof current === 'function' && current !== Function.prototype) {
    const prototype: unknown = current.prototype;
    if (typeof prototype === 'object' && prototype !== null) {
      links.unshift({ theClass: current, prototype, name: nameOf(current) });
    }
    current = Object.getPrototypeOf(current);
  }
  return links;
}

function classOf(target: object): object {
  if (typeof target === 'function') return target;
  const theClass: unknown = target.constructor;
  return typeof theClass === 'function' ? theClass : target;
}

function nameOf(theClass: object): string {
  return 'name' in theClass && typeof theClass.name === 'string' && theClass.name !== ''
    ? theClass.name
    : '(a class without a name)';
}

function readSettings(
  given: { readonly options: unknown; readonly user: string; readonly name: string },
  complain: Complain,
): FrameworkSettings | undefined {
  const checked = settingsOf(given.options, given.user);
  if (checked.kind === 'good') return checked.value;
  for (const { path, message } of checked.problems) {
    complain(`option '${path}' of @Framework ${message}`);
  }
  return undefined;
}

function invalid(name: string, problems: readonly string[]): PlateauError {
  const [only = '', ...more] = problems;
  const text = more.length === 0 ? ` ${only}.` : problems.map((each) => `\n  - ${each}.`).join('');
  return new PlateauError('INVALID_FRAMEWORK', `The framework ${name} is not valid:${text}`, {
    context: { class: name, problems: problems.length },
  });
}
