/** Opens the store that a URL names, as options of masters and frameworks do. */
import { PlateauError, type Store } from '../base/index.js';
import { LmdbStore } from './lmdb-store.js';
import { MemoryStore } from './memory-store.js';

/** The forms that `openStore` takes, for usage texts. */
export const STORE_URL_FORMS = ['memory:', 'lmdb:./folder'] as const;

/**
 * Opens a store: `memory:` (forgotten at the end) or `lmdb:` and the path of a folder.
 * @throws PlateauError `INVALID_FLAG` for another URL, `STORE_FAILED` when it cannot be opened.
 */
export function openStore(url: string): Store {
  const colon = url.indexOf(':');
  const scheme = colon < 0 ? url : url.slice(0, colon);
  const path = colon < 0 ? '' : url.slice(colon + 1);
  if (scheme === 'memory' && colon >= 0) {
    if (path === '') return new MemoryStore();
    throw invalid(url, "'memory:' takes no path");
  }
  if (scheme === 'lmdb' && colon >= 0) {
    if (path !== '') return new LmdbStore(withoutAuthority(path));
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
