/** What may be put under test. */
import {
  type FrameworkClass,
  type FrameworkDefinition,
  readFramework,
} from '../framework/index.js';

/** A framework: its class, of which each start makes an object, a function that makes one, or an object. */
export type FrameworkUnderTest<T extends object> = FrameworkClass<T> | (() => T) | T;

/** How the framework is made anew. */
export function makerOf<T extends object>(target: FrameworkUnderTest<T>): () => T {
  if (typeof target !== 'function') return () => target;
  return isClass<T>(target) ? () => new target() : target;
}

/** What the class of a framework says, with some of its options replaced. */
export function definitionOf(
  framework: object,
  overrides?: Readonly<Record<string, unknown>>,
): FrameworkDefinition {
  return readFramework(framework, { user: 'nobody', ...(overrides && { overrides }) });
}

/** The name of a framework. */
export function nameOf(
  target: FrameworkUnderTest<object>,
  overrides?: Readonly<Record<string, unknown>>,
): string {
  return definitionOf(makerOf(target)(), overrides).settings.name;
}

function isClass<T extends object>(
  target: FrameworkClass<T> | (() => T),
): target is FrameworkClass<T> {
  return /^class\b|^@/.test(Function.prototype.toString.call(target));
}
