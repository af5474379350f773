/**
 * The work directory of a program: one live process at a time, and never that of another program or
 * of a newer version. The holder is a record in a small LMDB store inside of the directory; two
 * starters at once meet in its compare-and-set, so exactly one wins. A record whose process is gone
 * (killed, rebooted, its pid used again) is taken over.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { type Disposable, PlateauError, type StoreEntry, isRecord } from '../base/index.js';
import { storeFailedError } from './errors.js';
import { LmdbStore } from './lmdb-store.js';
import {
  type ProcessIdentity,
  isProcessIdentity,
  isRunning,
  ownIdentity,
} from './process-identity.js';

export interface WorkDirectoryOptions {
  readonly program: 'master' | 'agent';
  /** The format that this version writes; directories of a higher one are refused. */
  readonly format: number;
}

/** The right to use a work directory; `dispose` gives it back in the background. */
export interface WorkDirectoryLock extends Disposable {
  /** Absolute path. */
  readonly path: string;
  /** The format that the directory had; undefined when it is new. */
  readonly previousFormat: number | undefined;
  /** Gives the directory back, and resolves when another process may take it. Never rejects. */
  release(): Promise<void>;
}

interface Holder extends ProcessIdentity {
  readonly program: string;
  /** Tells holders within one process apart. */
  readonly token: string;
}

const FORMAT_KEY = 'format';
const HOLDER_KEY = 'holder';

/** How often a starter looks again when others keep changing the record under it. */
const MAX_ATTEMPTS = 100;

/** The holders of this process: a record of this process that is not among them is a leftover. */
const heldTokens = new Set<string>();

/**
 * Makes the directory when absent and takes it for this process.
 * @throws PlateauError `WORK_DIR_LOCKED` naming the process that has it, `WORK_DIR_FORMAT` naming
 *   what was found, `STORE_FAILED` when it cannot be read or written.
 */
export async function lockWorkDirectory(
  directory: string,
  options: WorkDirectoryOptions,
): Promise<WorkDirectoryLock> {
  const path = resolve(directory);
  makeDirectory(path);
  const store = new LmdbStore(join(path, 'lock'));
  const token = randomUUID();
  heldTokens.add(token);
  try {
    const { previousFormat, version } = await acquire(store, { path, token, ...options });
    return new HeldDirectory({ path, store, token, previousFormat, version });
  } catch (error) {
    heldTokens.delete(token);
    await store.close();
    throw error;
  }
}

interface Request extends WorkDirectoryOptions {
  readonly path: string;
  readonly token: string;
}

async function acquire(
  store: LmdbStore,
  request: Request,
): Promise<{ previousFormat: number | undefined; version: number }> {
  const { path, program, format, token } = request;
  const holder: Holder = { ...ownIdentity(), program, token };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const found = await store.get(FORMAT_KEY);
    const previousFormat = checkFormat(found, request);
    const current = await store.get(HOLDER_KEY);
    refuseLiveHolder(current, path);
    try {
      await store.transact({
        checks: [
          { key: FORMAT_KEY, version: found?.version ?? 0 },
          { key: HOLDER_KEY, version: current?.version ?? 0 },
        ],
        puts: [
          { key: FORMAT_KEY, value: JSON.stringify({ program, format }) },
          { key: HOLDER_KEY, value: JSON.stringify(holder) },
        ],
      });
      return { previousFormat, version: (await store.get(HOLDER_KEY))?.version ?? 0 };
    } catch (error) {
      if (!(error instanceof PlateauError) || error.code !== 'STORE_CONFLICT') throw error;
    }
  }
  throw storeFailedError(`the lock of ${path} changed ${MAX_ATTEMPTS} times while taking it`);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw storeFailedError(`the work directory ${path} cannot be made`, error);
  }
}

/** The format found, if it is one that the program can use. */
function checkFormat(entry: StoreEntry | undefined, request: Request): number | undefined {
  if (entry === undefined) return undefined;
  const found = parse(entry.value);
  const format = isRecord(found) ? found['format'] : undefined;
  const program = isRecord(found) ? found['program'] : undefined;
  if (typeof format === 'number' && program === request.program && format <= request.format) {
    return format;
  }
  const what =
    typeof program === 'string' && typeof format === 'number'
      ? `format ${format} of the program '${program}'`
      : 'something that is not understood';
  const message =
    `the work directory ${request.path} holds ${what}; this is the program ` +
    `'${request.program}' with format ${request.format}: use another directory, or the version ` +
    'that wrote it';
  throw new PlateauError('WORK_DIR_FORMAT', message, { context: { path: request.path } });
}

function refuseLiveHolder(entry: StoreEntry | undefined, path: string): void {
  const holder = entry === undefined ? undefined : parse(entry.value);
  if (!isProcessIdentity(holder) || !isRecord(holder)) return;
  if (!isHeld(holder, String(holder['token']))) return;
  const owner =
    holder.pid === process.pid
      ? `this process (pid ${holder.pid})`
      : `the ${String(holder['program'])} with pid ${holder.pid}`;
  const message = `the work directory ${path} is in use by ${owner}: stop it or use another directory`;
  throw new PlateauError('WORK_DIR_LOCKED', message, { context: { path, pid: holder.pid } });
}

function isHeld(holder: ProcessIdentity, token: string): boolean {
  if (holder.pid === process.pid && !heldTokens.has(token)) return false;
  return isRunning(holder);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface HeldDirectoryState {
  readonly path: string;
  readonly previousFormat: number | undefined;
  readonly store: LmdbStore;
  readonly token: string;
  /** Of the holder's record. */
  readonly version: number;
}

class HeldDirectory implements WorkDirectoryLock {
  readonly path: string;
  readonly previousFormat: number | undefined;
  readonly #state: HeldDirectoryState;
  #released: Promise<void> | undefined;

  constructor(state: HeldDirectoryState) {
    this.path = state.path;
    this.previousFormat = state.previousFormat;
    this.#state = state;
  }

  dispose(): void {
    void this.release();
  }

  release(): Promise<void> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }

  async #giveBack(): Promise<void> {
    const { store, token, version } = this.#state;
    heldTokens.delete(token);
    try {
      await store.transact({ checks: [{ key: HOLDER_KEY, version }], deletes: [HOLDER_KEY] });
    } catch {
      // The record stays behind; the next starter sees that nobody holds it.
    }
    await store.close();
  }
}
