/**
 * Fetches the URIs of a command into its sandbox, one after the other, before the task starts. The
 * sandbox is closed to everybody else meanwhile (see `makeSandbox`); at the end everything in it is
 * given to the user of the task. Local files are read, and archives unpacked, as that user.
 */
import { chmod, lchown, mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandInfoURI } from '../api/index.js';
import { type Logger, errorMessage } from '../base/index.js';
import { archiveKind, extractArchive } from './fetch-archive.js';
import { copyAsUser } from './fetch-file.js';
import { download } from './fetch-http.js';
import { LaunchError } from './launch-error.js';
import type { FetchTarget } from './fetch-target.js';
import { Limiter } from './limiter.js';
import { openFolder, walkTree } from './tree.js';
import type { UserIds } from './users.js';

/** How many tasks may fetch at the same time on one agent; the others wait. */
export const MAX_CONCURRENT_FETCHES = 8;
/** The largest file that is fetched by default, in bytes. */
export const DEFAULT_MAX_FETCH_BYTES = 10 * 1024 ** 3;
/** A download that brings nothing for so long has failed. */
export const DEFAULT_STALL_TIMEOUT_MS = 60_000;

const EXECUTABLE_BITS = 0o111;
const SPECIAL_BITS = 0o7000;

export interface FetcherOptions {
  readonly log: Logger;
  readonly stallTimeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Where URIs that are relative paths start; without it they are refused. */
  readonly frameworksHome?: string | undefined;
}

export interface FetchRequest {
  readonly uris: readonly CommandInfoURI[];
  readonly sandbox: string;
  readonly user: UserIds | undefined;
  /** Gives the fetch up: the task is not wanted any more. */
  readonly signal: AbortSignal;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #limiter = new Limiter(MAX_CONCURRENT_FETCHES);

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** @throws LaunchError of stage `fetch`, naming the URI and what was wrong. */
  async fetch(request: FetchRequest): Promise<void> {
    if (request.uris.length === 0) return;
    await this.#limiter.run(async () => {
      for (const uri of request.uris) await this.#fetchOne(uri, request);
      await handOver(request);
    });
  }

  async #fetchOne(uri: CommandInfoURI, request: FetchRequest): Promise<void> {
    try {
      request.signal.throwIfAborted();
      if (uri.cache === true) {
        this.#options.log.debug('fetched without a cache, which this agent does not have', {
          uri: withoutSecrets(uri.value),
        });
      }
      const path = resolve(request.sandbox, outputName(uri));
      await mkdir(dirname(path), { recursive: true });
      await this.#transfer(uri.value, {
        path,
        maxBytes: this.#options.maxBytes ?? DEFAULT_MAX_FETCH_BYTES,
        stallTimeoutMs: this.#options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
        user: request.user,
        signal: request.signal,
      });
      await finish(uri, path, request);
    } catch (error) {
      const why = request.signal.aborted ? 'the task was killed meanwhile' : errorMessage(error);
      const message = `cannot fetch ${withoutSecrets(uri.value)}: ${withoutSecrets(why)}`;
      throw new LaunchError('fetch', message);
    }
  }

  async #transfer(uri: string, target: FetchTarget): Promise<void> {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase();
    if (scheme === 'http' || scheme === 'https') return download(uri, target);
    if (scheme === 'file') return copyAsUser(fileURLToPath(uri), target);
    if (scheme !== undefined) {
      throw new Error(`this agent does not fetch ${scheme}: offer the file by http, https or file`);
    }
    if (isAbsolute(uri)) return copyAsUser(uri, target);
    const home = this.#options.frameworksHome;
    if (home === undefined) {
      throw new Error('it is a relative path: name an absolute one, or a URL');
    }
    return copyAsUser(resolve(home, uri), target);
  }
}

/** The name of the file in the sandbox. @throws Error when it would lead out of it. */
export function outputName(uri: CommandInfoURI): string {
  const named = uri.output_file ?? '';
  const name = named === '' ? lastSegment(uri.value) : named;
  if (name === '' || name.includes('\0')) throw new Error('it names no file: set output_file');
  const isInside = !isAbsolute(name) && !name.split('/').includes('..') && normalize(name) !== '.';
  if (!isInside) throw new Error(`output_file '${name}' would lead out of the sandbox`);
  return name;
}

function lastSegment(uri: string): string {
  const path = uri.includes('://') ? uri.replace(/[?#].*$/s, '') : uri;
  const segment = path.slice(path.lastIndexOf('/') + 1);
  return segment === '.' || segment === '..' ? '' : segment;
}

async function finish(uri: CommandInfoURI, path: string, request: FetchRequest): Promise<void> {
  if (uri.executable === true) {
    await chmod(path, 0o755);
    return;
  }
  const kind = uri.extract === false ? undefined : archiveKind(path);
  if (kind === undefined) return;
  const { sandbox, user, signal } = request;
  await extractArchive({ archive: path, kind, folder: dirname(path), sandbox, user, signal });
}

/** Gives all files to the user, and takes bits away that would lend them powers of others. */
async function handOver(request: FetchRequest): Promise<void> {
  const folder = await openFolder(request.sandbox);
  const { user } = request;
  try {
    await walkTree(folder, async ({ path, stats }) => {
      if (user !== undefined) await lchown(path, user.uid, user.gid);
      if (stats.isFile() && (stats.mode & SPECIAL_BITS) !== 0) {
        await chmod(path, stats.mode & (0o666 | EXECUTABLE_BITS));
      }
    });
  } finally {
    await folder.close();
  }
}

/** Hides what stands between scheme and host, and the query: passwords and tokens are there. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(:\/\/)[^/@\s]*@/g, '$1***@')
    .replace(/([?&][^=&\s]*(?:token|secret|signature|password|key)[^=&\s]*=)[^&\s]*/gi, '$1***');
}
