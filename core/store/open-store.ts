/** Opens the store that a URL names, as options of masters and frameworks do. */
import { PlateauError, type Store, type StoreReader } from '../base/index.js';
import { LmdbSnapshot } from './lmdb-snapshot.js';
import { LmdbStore } from './lmdb-store.js';
import { MemoryStore } from './memory-store.js';

/** The forms that `openStore` takes, for usage texts. */
export const STORE_URL_FORMS = ['memory:', 'lmdb:./folder'] as const;

/**
 * Opens a store: `memory:` (forgotten at the end) or `lmdb:` and the path of a folder.
 * @throws PlateauError `INVALID_FLAG` for another URL, `STORE_FAILED` when it cannot be opened.
 */
export function openStore(url: string): Store {
  const path = pathOf(url);
  return path === undefined ? new MemoryStore() : new LmdbStore(path);
}

/** A store that is only looked at, as it is at this moment. */
export interface OpenedReader extends StoreReader {
  close(): Promise<void>;
}

/**
 * Opens a store that is there already, for reading alone: processes that write to it go on.
 * @throws PlateauError `INVALID_FLAG` for `memory:` and for another URL, `STORE_FAILED` when no store is there.
 */
export function openStoreForReading(url: string): OpenedReader {
  const path = pathOf(url);
  if (path !== undefined) return new LmdbSnapshot(path);
  throw new PlateauError(
    'INVALID_FLAG',
    "'memory:' holds nothing: name a store such as lmdb:./folder",
    {
      context: { url },
    },
  );
}

/** The folder that a URL names; undefined: memory. */
function pathOf(url: string): string | undefined {
  const colon = url.indexOf(':');
  const scheme = colon < 0 ? url : url.slice(0, colon);
  const path = colon < 0 ? '' : url.slice(colon + 1);
  if (scheme === 'memory' && colon >= 0) {
    if (path === '') return undefined;
    throw invalid(url, "'memory:' takes no path");
  }
  if (scheme === 'lmdb' && colon >= 0) {
    if (path !== '') return withoutAuthority(path);
    throw invalid(url, "the path of a folder is missing after 'lmdb:'");
  }
  throw invalid(url, `there is no store of the kind '${scheme}'`);
}

/** `lmdb:///var/x` means `/var/x`; `lmdb://x/y` would name a host. */
function withoutAuthority(path: string): string {
  return path.startsWith('///') ? path.slice(2) : path;
}

function invalid(url: string, reason: string): PlateauError {
  const forms = STORE_URL_FORMS.join(' or ');
  return new PlateauError('INVALID_FLAG', `invalid store '${url}': ${reason}; use ${forms}`, {
    context: { url },
  });
}
