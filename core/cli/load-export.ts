/** Functions that modules bring: what flags name beside what is built in. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorMessage, isRecord } from '../base/index.js';
import { flagError } from './flag-values.js';

/** A function of a module: nothing is known about what it takes and gives. */
export type ExportedFunction = (...given: readonly unknown[]) => unknown;

/**
 * A function that a module exports.
 * @param named the flag, the path of a file or the name of a package, and the name of the export.
 * @throws PlateauError `INVALID_FLAG` naming flag and module when there is no such function.
 */
export async function loadExport(named: {
  readonly flag: string;
  readonly module: string;
  readonly name: string;
}): Promise<ExportedFunction> {
  const { flag, module, name } = named;
  if (module.trim() === '') throw flagError(flag, 'names no module');
  let loaded: unknown;
  try {
    loaded = await import(isPath(module) ? pathToFileURL(resolve(module)).href : module);
  } catch (error) {
    throw flagError(flag, `module '${module}' cannot be loaded: ${errorMessage(error)}`, error);
  }
  const found = isRecord(loaded) ? loaded[name] : undefined;
  if (isFunction(found)) return found;
  throw flagError(flag, `module '${module}' exports no function '${name}'`);
}

/** Names of packages have no such ending, and begin otherwise. */
function isPath(module: string): boolean {
  return /^\.{0,2}\/|\.[cm]?js$/.test(module);
}

function isFunction(value: unknown): value is ExportedFunction {
  return typeof value === 'function';
}
