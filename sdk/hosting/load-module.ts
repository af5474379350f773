/** Loads the module of a framework's author: `./my-framework.js`, or `./my-framework.js#Name`. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlateauError, errorMessage, isRecord } from '../../core/base/index.js';

/** What stands before and behind the `#`. */
export function splitSpecifier(specifier: string): {
  readonly path: string;
  readonly name: string | undefined;
} {
  const hash = specifier.lastIndexOf('#');
  if (hash < 0) return { path: specifier, name: undefined };
  return { path: specifier.slice(0, hash), name: specifier.slice(hash + 1) };
}

/** What `import()` takes for the path of a file, or the name of a package. */
export function moduleUrl(path: string): string {
  const isPath = /^\.{0,2}\/|\.[cm]?js$/.test(path);
  return isPath ? pathToFileURL(resolve(path)).href : path;
}

/**
 * What a module exports.
 * @throws PlateauError `INVALID_FLAG` saying why it cannot be loaded.
 */
export async function loadModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (path === '') throw moduleError(path, 'no module is named: write the path of one');
  if (/\.[cm]?ts$/.test(path)) {
    throw moduleError(
      path,
      "is TypeScript: compile it with 'tsc' and name the .js file that comes out",
    );
  }
  try {
    const loaded: unknown = await import(moduleUrl(path));
    return isRecord(loaded) ? loaded : {};
  } catch (error) {
    const isSyntax = error instanceof SyntaxError && errorMessage(error).includes('token');
    const hint = isSyntax ? ' (decorators have to be compiled)' : '';
    throw moduleError(path, `cannot be loaded: ${errorMessage(error)}${hint}`, error);
  }
}

/** An error about a module that was named on the command line. */
export function moduleError(module: string, problem: string, cause?: unknown): PlateauError {
  return new PlateauError('INVALID_FLAG', `module '${module}' ${problem}`, {
    context: { module },
    cause,
  });
}
