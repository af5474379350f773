/**
 * Unpacks archives with the system's `tar` and `unzip`, as the user of the task, into an empty folder
 * of its own; looks at what came out; and only then moves it into the sandbox. Entries with absolute
 * names or `..`, links that lead out, devices and pipes make the whole archive fail.
 */
import { randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readdir, readlink, rename } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { LineReader } from './launcher/protocol.js';
import { runTool } from './fetch-file.js';
import { openFolder, removeTree, walkTree } from './tree.js';
import type { UserIds } from './users.js';

export type ArchiveKind = 'tar' | 'tar-gzip' | 'tar-bzip2' | 'tar-xz' | 'zip';

/** The most entries an archive may have. */
export const MAX_ARCHIVE_ENTRIES = 1_000_000;

const KINDS: readonly (readonly [RegExp, ArchiveKind])[] = [
  [/\.tar$/, 'tar'],
  [/\.(?:tgz|tar\.gz)$/, 'tar-gzip'],
  [/\.(?:tbz2|tar\.bz2)$/, 'tar-bzip2'],
  [/\.(?:txz|tar\.xz)$/, 'tar-xz'],
  [/\.zip$/, 'zip'],
];

const FILTERS: Readonly<Record<ArchiveKind, readonly string[]>> = {
  tar: [],
  'tar-gzip': ['-z'],
  'tar-bzip2': ['-j'],
  'tar-xz': ['-J'],
  zip: [],
};

/** What kind of archive a name stands for; undefined: none that is unpacked. */
export function archiveKind(path: string): ArchiveKind | undefined {
  return KINDS.find(([pattern]) => pattern.test(path))?.[1];
}

export interface Extraction {
  readonly archive: string;
  readonly kind: ArchiveKind;
  /** Where the entries go. */
  readonly folder: string;
  readonly sandbox: string;
  readonly user: UserIds | undefined;
  readonly signal: AbortSignal;
}

/** @throws Error when the archive is broken or an entry would lead out of the sandbox. */
export async function extractArchive(extraction: Extraction): Promise<void> {
  const { user, sandbox, folder } = extraction;
  const staging = join(sandbox, `.unpacking-${randomUUID()}`);
  await mkdir(staging, { mode: 0o700 });
  try {
    if (user !== undefined) {
      await chown(staging, user.uid, user.gid);
      await chown(extraction.archive, user.uid, user.gid);
    }
    await checkNames(extraction, staging);
    await runTar(extraction, staging);
    await checkTree(staging);
    await moveEntries(staging, folder);
  } finally {
    await removeTree(staging);
  }
}

/** Lists the archive and refuses names that lead out; the tools would skip or rewrite them. */
async function checkNames(extraction: Extraction, staging: string): Promise<void> {
  const lines = new LineReader();
  let count = 0;
  let refused: string | undefined;
  await run(extraction, staging, {
    arguments: extraction.kind === 'zip' ? ['-Z1'] : ['-t', ...FILTERS[extraction.kind]],
    onOutput: (chunk) => {
      for (const name of lines.push(chunk) ?? ['..']) {
        count++;
        if (isAbsolute(name) || name.split(/[/\\]/).includes('..')) refused ??= name;
      }
    },
  });
  if (refused !== undefined)
    throw new Error(`its entry '${refused}' would lead out of the sandbox`);
  if (count > MAX_ARCHIVE_ENTRIES) {
    throw new Error(`it has ${count} entries; the limit is ${MAX_ARCHIVE_ENTRIES}`);
  }
}

async function runTar(extraction: Extraction, staging: string): Promise<void> {
  const isZip = extraction.kind === 'zip';
  const options = ['-x', ...FILTERS[extraction.kind], '--no-same-owner', '--no-same-permissions'];
  await run(extraction, staging, { arguments: isZip ? ['-q', '-o'] : options });
}

interface ToolCall {
  readonly arguments: readonly string[];
  readonly onOutput?: (chunk: Buffer) => void;
}

/** The archive is handed over open: the user cannot reach it by name while the sandbox is closed. */
async function run(extraction: Extraction, staging: string, call: ToolCall): Promise<void> {
  const input = await open(extraction.archive, 'r');
  const isZip = extraction.kind === 'zip';
  try {
    await runTool({
      file: isZip ? 'unzip' : 'tar',
      argv: isZip ? [...call.arguments, '/proc/self/fd/0'] : [...call.arguments, '-f', '-'],
      cwd: staging,
      user: extraction.user,
      signal: extraction.signal,
      stdin: input.fd,
      ...(call.onOutput === undefined ? {} : { onOutput: call.onOutput }),
    });
  } finally {
    await input.close();
  }
}

/** Refuses what may not come out of an archive. Nobody else can reach the folder meanwhile. */
async function checkTree(staging: string): Promise<void> {
  const linked = new Map<number, { found: number; readonly wanted: number }>();
  const folder = await openFolder(staging);
  try {
    await walkTree(folder, async ({ path, name, stats }) => {
      if (stats.isSymbolicLink()) checkLink(name, await readlink(path));
      else if (!stats.isFile() && !stats.isDirectory()) {
        throw new Error(`its entry '${name}' is neither file, folder nor link`);
      }
      if (stats.isFile() && stats.nlink > 1) {
        const seen = linked.get(stats.ino) ?? { found: 0, wanted: stats.nlink };
        seen.found++;
        linked.set(stats.ino, seen);
      }
      // Without these the user, or the next archive, could not get into its own folders.
      if (stats.isDirectory()) await chmod(path, (stats.mode & 0o777) | 0o700);
    });
  } finally {
    await folder.close();
  }
  for (const { found, wanted } of linked.values()) {
    if (found !== wanted) throw new Error('a hard link in it leads out of the sandbox');
  }
}

/**
 * A link may climb first and descend then. As every link obeys this, and climbs no further than the
 * top, following any chain of them stays inside.
 */
function checkLink(name: string, target: string): void {
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const climbs = steps.findIndex((step) => step !== '..');
  const up = climbs < 0 ? steps.length : climbs;
  const depth = name.split('/').length - 1;
  if (isAbsolute(target) || up > depth || steps.slice(up).includes('..')) {
    throw new Error(`its link '${name}' leads out of the sandbox, to '${target}'`);
  }
}

/** Moves all entries; folders that are there already take the entries of those of the same name. */
async function moveEntries(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const source = join(from, name);
    const target = join(to, name);
    const [moved, there] = await Promise.all([lstat(source), lstat(target).catch(() => undefined)]);
    if (moved.isDirectory() && there?.isDirectory() === true) await moveEntries(source, target);
    else {
      if (there?.isDirectory() === true) await removeTree(target);
      await rename(source, target);
    }
  }
}
