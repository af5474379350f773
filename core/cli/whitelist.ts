/**
 * The whitelist of `--whitelist`: a file with one host name a line. It is read at the start and again
 * and again; while it cannot be read, the last list stays in force.
 */
import { readFile } from 'node:fs/promises';
import { type Disposable, type World, errorMessage, setRepeatingTimer } from '../base/index.js';
import { flagError, pathOf } from './flag-values.js';

/** Time between two looks at the file, as in Mesos. */
export const WHITELIST_INTERVAL_MS = 5_000;
/** A larger file is no list of hosts. */
export const MAX_WHITELIST_BYTES = 16 * 1024 * 1024;

/** Host names that may be offered; undefined: all. */
export type Whitelist = readonly string[] | undefined;

export interface WhitelistOptions {
  readonly world: World;
  /** The value of the flag: a path, or `*` for all hosts. */
  readonly flag: string;
  /** Told of the first list, and of each that differs from the last. */
  readonly onChange: (hostnames: Whitelist) => void;
}

/**
 * Reads the list, tells of it, and goes on reading until disposed of.
 * @throws PlateauError `INVALID_FLAG` when the file cannot be read the first time.
 */
export async function watchWhitelist(options: WhitelistOptions): Promise<Disposable> {
  const { world, flag, onChange } = options;
  if (flag === '*') return { dispose() {} };
  const path = pathOf(flag);
  let last = '';
  const look = async (): Promise<void> => {
    const hostnames = parseWhitelist(await readList(path));
    const text = hostnames?.join('\n') ?? '*';
    if (text === last) return;
    last = text;
    onChange(hostnames);
    const hosts = hostnames === undefined ? 'all' : hostnames.length;
    world.log.info('the whitelist has been read', { path, hosts });
  };
  try {
    // Even an empty list is told of: nobody is offered anything then.
    last = '\n';
    await look();
  } catch (error) {
    throw flagError('whitelist', `'${path}' cannot be read: ${errorMessage(error)}`, error);
  }
  let isReading = false;
  return setRepeatingTimer(world.clock, WHITELIST_INTERVAL_MS, () => {
    if (isReading) return;
    isReading = true;
    void look()
      .catch((error: unknown) => {
        const reason = errorMessage(error);
        world.log.warn('the whitelist cannot be read: the last one stays', { path, reason });
      })
      .finally(() => (isReading = false));
  });
}

/**
 * The host names of a list, in order and each once. Empty lines, and what follows `#`, do not count;
 * a line `*` stands for all hosts.
 */
export function parseWhitelist(text: string): Whitelist {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const names = new Set(lines.filter((line) => line !== ''));
  return names.has('*') ? undefined : [...names].toSorted();
}

async function readList(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (bytes.length > MAX_WHITELIST_BYTES) {
    throw new Error(`it is larger than ${MAX_WHITELIST_BYTES} bytes`);
  }
  return bytes.toString('utf8');
}
