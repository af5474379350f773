/**
 * Where cases come from: those of this folder, and those of further folders. A module of a further folder
 * exports a list of cases by default; what it gives to them is the `Context` of the library beside that
 * folder, `../lib/context.mjs`, which is made with the same target and the id of the case.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from '../../../core/base/index.js';
import { WIRE_CASES } from './cases/index.js';
import type { WireCase } from './lib/case.js';
import { Context } from './lib/context.js';
import type { Target } from './lib/target.js';

/** A case with everything it needs but the target. */
export interface LoadedCase extends Omit<WireCase, 'run'> {
  start(target: Target): StartedCase;
}

export interface StartedCase {
  run(): Promise<void>;
  /** Takes down what the case made; called in any event. */
  finish(): Promise<void>;
}

interface Finishing {
  finish(): Promise<void>;
}

type ContextClass<C> = new (target: Target, caseId: string) => C;

export function ownCases(): readonly LoadedCase[] {
  return WIRE_CASES.map((one) => withContext(one, Context));
}

/** @throws Error when a folder has no library, or a module is no list of cases. */
export async function casesOfFolder(folder: string): Promise<readonly LoadedCase[]> {
  const library = await load(join(folder, '..', 'lib', 'context.mjs'));
  const context = library['Context'] as ContextClass<Finishing>;
  const loaded: LoadedCase[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.mjs'))) {
    const { default: cases } = await load(join(folder, file));
    if (!Array.isArray(cases) || !cases.every(isCase)) {
      throw new Error(`${join(folder, file)} exports no list of cases by default`);
    }
    loaded.push(...cases.map((one) => withContext(one, context)));
  }
  return loaded;
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
}

function isCase(value: unknown): value is WireCase<Finishing> {
  return (
    isRecord(value) &&
    ['id', 'area', 'priority', 'title'].every((name) => typeof value[name] === 'string') &&
    typeof value['run'] === 'function'
  );
}

function withContext<C extends Finishing>(one: WireCase<C>, Class: ContextClass<C>): LoadedCase {
  return {
    ...one,
    start: (target) => {
      const context = new Class(target, one.id);
      return { run: () => one.run(context), finish: () => context.finish() };
    },
  };
}
