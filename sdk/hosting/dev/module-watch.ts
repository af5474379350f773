/**
 * Sees when the compiled code of a framework changes: it looks at the files again and again. `watch` of
 * node:fs is no help on Linux: with Node 20 it goes blind for a file that another was renamed over, and for
 * a folder that was removed and made again, which is what editors and builds do.
 */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, PlateauError } from '../../../core/base/index.js';
import { splitSpecifier } from '../load-module.js';

/** Files of code in the folder of a module that is watched. */
export const MAX_WATCHED_FILES = 2_000;
/** Between two looks. A change counts when the next look sees the same: a compiler writes many files. */
const LOOK_INTERVAL_MS = 200;

/** Size, time and number of each file. */
type Look = ReadonlyMap<string, string>;

export class ModuleWatch {
  /** Of the module, absolute. */
  readonly file: string;
  readonly folder: string;
  readonly #clock: Clock;
  #seen: Look;

  /**
   * Looks for the first time: what changes from now on is told.
   * @param specifier path of a module, perhaps with `#Name`.
   * @throws PlateauError `INVALID_FLAG` when the folder cannot be watched.
   */
  constructor(specifier: string, clock: Clock) {
    const { path } = splitSpecifier(specifier);
    this.file = resolve(path);
    this.folder = dirname(this.file);
    this.#clock = clock;
    this.#seen = look(this.folder);
    if (!this.#seen.has(this.file)) {
      throw moduleError(specifier, 'is not there: name the compiled .js file of the framework');
    }
    if (this.#seen.size > MAX_WATCHED_FILES) {
      const most = `more than ${MAX_WATCHED_FILES} files of code`;
      throw moduleError(
        specifier,
        `is in a folder with ${most}: compile it into a folder of its own`,
      );
    }
  }

  /** The files of code, the last changed first. */
  files(): readonly string[] {
    const times = [...this.#seen].map(([file, sign]) => ({ file, time: Number.parseFloat(sign) }));
    return times.toSorted((one, other) => other.time - one.time).map(({ file }) => file);
  }

  /** Names of the files that changed, each time when they are complete; ends with the signal. */
  async *changes(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    let before = this.#seen;
    while (await this.#pause(signal)) {
      const now = look(this.folder);
      const isStable = differing(before, now).length === 0;
      before = now;
      const changed = differing(this.#seen, now);
      // A build that begins with removing everything is not over before the module is back.
      if (changed.length === 0 || !isStable || !now.has(this.file)) continue;
      this.#seen = now;
      yield changed.map((file) => basename(file));
    }
  }

  /** Waits until the next look is due; false when there is none. */
  #pause(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolvePause) => {
      if (signal.aborted) {
        resolvePause(false);
        return;
      }
      const end = (goesOn: boolean): void => {
        timer.dispose();
        signal.removeEventListener('abort', onAbort);
        resolvePause(goesOn);
      };
      const onAbort = (): void => end(false);
      const timer = this.#clock.setTimer(LOOK_INTERVAL_MS, () => end(true));
      signal.addEventListener('abort', onAbort);
    });
  }
}

function differing(before: Look, now: Look): readonly string[] {
  const files = new Set([...before.keys(), ...now.keys()]);
  return [...files].filter((file) => before.get(file) !== now.get(file));
}

/** Every file of code below a folder; packages and hidden folders are left out. */
function look(folder: string): Look {
  const found = new Map<string, string>();
  const folders = [folder];
  // The list grows while it is walked.
  for (const each of folders) {
    for (const entry of entriesOf(each)) {
      if (found.size > MAX_WATCHED_FILES) return found;
      const path = join(each, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) folders.push(path);
      } else if (/\.(?:[cm]?js|json)$/.test(entry.name)) {
        const sign = signOf(path);
        if (sign !== undefined) found.set(path, sign);
      }
    }
  }
  return found;
}

/** Nothing when the folder has vanished meanwhile. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function signOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

function moduleError(module: string, problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `module '${module}' ${problem}`, { context: { module } });
}
