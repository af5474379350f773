/** Finds the framework in a module: `./my-framework.js`, or `./my-framework.js#Name`. */
import { adminPrefix } from '../admin/index.js';
import {
  type FrameworkClass,
  type Provided,
  isFrameworkClass,
  isProvidedList,
} from '../framework/index.js';
import { loadModule, moduleError, splitSpecifier } from './load-module.js';

export interface LoadedFramework {
  readonly theClass: FrameworkClass;
  /** Other exported classes with `@Admin`: they are made with the framework as argument. */
  readonly routes: readonly object[];
  /** What the module exports as `providers`. */
  readonly provide: readonly Provided[];
}

/**
 * Loads a module and picks its framework: the one that is named, else the default export, else the only
 * one.
 * @param specifier path of a JavaScript module or name of a package, and `#Name` if several are there.
 * @throws PlateauError `INVALID_FLAG` saying what was found instead.
 */
export async function loadFramework(specifier: string): Promise<LoadedFramework> {
  const { path, name } = splitSpecifier(specifier);
  const exported = await loadModule(path);
  const theClass = pick(exported, path, name);
  const routes = Object.values(exported).filter(
    (each): each is object =>
      typeof each === 'function' && adminPrefix(each) !== undefined && !isFrameworkClass(each),
  );
  return { theClass, routes: [...new Set(routes)], provide: providedBy(exported, path) };
}

function providedBy(
  { providers = [] }: Readonly<Record<string, unknown>>,
  path: string,
): readonly Provided[] {
  if (isProvidedList(providers)) return providers;
  throw moduleError(
    path,
    "exports 'providers', which is not a list of what provide(…) gives: write [provide(TOKEN, { make: () => … })]",
  );
}

function pick(
  exported: Readonly<Record<string, unknown>>,
  path: string,
  name: string | undefined,
): FrameworkClass {
  const frameworks = Object.entries(exported).filter((entry): entry is [string, FrameworkClass] =>
    isFrameworkClass(entry[1]),
  );
  const names = [...new Set(frameworks.map(([each]) => each))].toSorted().join(', ');
  if (name !== undefined) {
    const named = frameworks.find(([each]) => each === name)?.[1];
    if (named !== undefined) return named;
    const others = names === '' ? 'no class with @Framework' : names;
    throw moduleError(path, `exports no framework '${name}'; it exports ${others}`);
  }
  const byDefault = frameworks.find(([each]) => each === 'default')?.[1];
  if (byDefault !== undefined) return byDefault;
  const [only, ...more] = new Set(frameworks.map(([, theClass]) => theClass));
  if (only !== undefined && more.length === 0) return only;
  throw moduleError(
    path,
    only === undefined
      ? "exports no framework: put @Framework({ name: '…' }) on a class and export it"
      : `exports several frameworks: name one of them, as in ${path}#${frameworks[0]?.[0] ?? ''} (${names})`,
  );
}
