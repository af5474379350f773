/** Names of users and groups for listings, from the files of the system; cached for a minute. */
import { readFile } from 'node:fs/promises';

const CACHE_MS = 60_000;

interface Cache {
  readonly untilMs: number;
  readonly names: ReadonlyMap<number, string>;
}

const caches = new Map<string, Cache>();

/** The name of a user, or its number as text. */
export async function userName(uid: number): Promise<string> {
  return (await namesOf('/etc/passwd')).get(uid) ?? String(uid);
}

/** The name of a group, or its number as text. */
export async function groupName(gid: number): Promise<string> {
  return (await namesOf('/etc/group')).get(gid) ?? String(gid);
}

async function namesOf(file: string): Promise<ReadonlyMap<number, string>> {
  const cached = caches.get(file);
  if (cached !== undefined && cached.untilMs > performance.now()) return cached.names;
  const names = await readNames(file);
  caches.set(file, { untilMs: performance.now() + CACHE_MS, names });
  return names;
}

async function readNames(file: string): Promise<ReadonlyMap<number, string>> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name === undefined || number === undefined || names.has(Number(number))) continue;
    names.set(Number(number), name);
  }
  return names;
}
