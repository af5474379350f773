/** Which files are counted, and how they are divided among map tasks. */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface InputFile {
  /** Absolute path. */
  readonly path: string;
  readonly bytes: number;
}

/** Extensions of files that hold text worth counting. */
const TEXT_FILE = /\.(md|ts|mts|js|mjs|json|txt|yaml|yml)$/;
/** Folders that hold what others wrote, or what is made. */
const SKIPPED = new Set(['node_modules', 'dist']);
/** Bound on the number of files. */
const MOST_FILES = 50_000;

/**
 * All text files below the paths, in a fixed order.
 * @throws Error when a path does not exist, or when there are too many files.
 */
export function findInput(paths: readonly string[]): readonly InputFile[] {
  const found: InputFile[] = [];
  const visit = (path: string, isNamed: boolean): void => {
    const stats = statSync(path);
    if (stats.isDirectory()) {
      for (const entry of readdirSync(path, { withFileTypes: true }).toSorted(byName)) {
        if (SKIPPED.has(entry.name) || entry.name.startsWith('.') || entry.isSymbolicLink())
          continue;
        visit(join(path, entry.name), false);
      }
    } else if (stats.isFile() && (isNamed || TEXT_FILE.test(path))) {
      if (found.length === MOST_FILES) throw new Error(`more than ${MOST_FILES} files to count`);
      found.push({ path, bytes: stats.size });
    }
  };
  for (const path of paths) visit(resolve(path), true);
  return found;
}

/** Divides files into at most `parts` groups of about the same size: the largest go first. */
export function partition(
  files: readonly InputFile[],
  parts: number,
): readonly (readonly InputFile[])[] {
  const groups = Array.from({ length: Math.min(parts, files.length) }, () => ({
    bytes: 0,
    files: [] as InputFile[],
  }));
  for (const file of files.toSorted((one, other) => other.bytes - one.bytes)) {
    const smallest = groups.reduce((least, group) => (group.bytes < least.bytes ? group : least));
    smallest.bytes += file.bytes;
    smallest.files.push(file);
  }
  return groups.map((group) => group.files);
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}
