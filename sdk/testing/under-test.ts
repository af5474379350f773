/** What may be put under test, and how it is made. */
import type { World } from '../../core/base/index.js';
import {
  type FrameworkClass,
  type FrameworkDefinition,
  Injector,
  LOG,
  type Provided,
  checkProvided,
  provide,
  readFramework,
} from '../framework/index.js';

/** A framework: its class, of which each start makes an object, a function that makes one, or an object. */
export type FrameworkUnderTest<T extends object> = FrameworkClass<T> | (() => T) | T;

export interface MakeOptions {
  /** Options that replace those of `@Framework`, one by one. */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined;
  /** What `inject` finds. */
  readonly provide?: readonly Provided[] | undefined;
}

/** An object to run, what its class says, and what was made for it. */
export interface MadeFramework<T extends object = object> {
  readonly instance: T;
  readonly definition: FrameworkDefinition;
  /** To be closed at the end of its term. */
  readonly injector: Injector;
}

/** Makes the framework anew; an object stays itself. */
export function makeFramework<T extends object>(
  target: FrameworkUnderTest<T>,
  { log }: Pick<World, 'log'>,
  options: MakeOptions,
): MadeFramework<T> {
  const { overrides, provide: provided = [] } = options;
  checkProvided(target, provided);
  const injector = new Injector([provide(LOG, { value: log }), ...provided]);
  const instance = instanceOf(target, injector);
  return { instance, definition: definitionOf(instance, overrides), injector };
}

/** The name of a framework. */
export function nameOf<T extends object>(
  target: FrameworkUnderTest<T>,
  world: Pick<World, 'clock' | 'log'>,
  options: MakeOptions,
): string {
  if (typeof target !== 'function' || isClass<T>(target)) {
    return definitionOf(target, options.overrides).settings.name;
  }
  const { definition, injector } = makeFramework(target, world, options);
  void injector.close(world);
  return definition.settings.name;
}

function instanceOf<T extends object>(target: FrameworkUnderTest<T>, injector: Injector): T {
  if (typeof target !== 'function') return target;
  if (isClass<T>(target)) return injector.run(target.name, () => new target());
  return injector.run('the framework', target);
}

function definitionOf(
  framework: object,
  overrides: Readonly<Record<string, unknown>> | undefined,
): FrameworkDefinition {
  return readFramework(framework, { user: 'nobody', ...(overrides && { overrides }) });
}

function isClass<T extends object>(
  target: FrameworkClass<T> | (() => T),
): target is FrameworkClass<T> {
  return /^class\b|^@/.test(Function.prototype.toString.call(target));
}
