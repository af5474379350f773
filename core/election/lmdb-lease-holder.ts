/** Looks at a lease in an LMDB store from outside, without standing for it. Nothing is written. */
import { existsSync } from 'node:fs';
import type { LeaseHolder } from '../base/index.js';
import { isRunning, openStoreForReading } from '../store/index.js';
import { parseLeaseRecord } from './lease-record.js';

export interface SeenHolder extends LeaseHolder {
  /** Whether its process still runs: the record of one that died stays until another candidate comes. */
  readonly isRunning: boolean;
}

/**
 * Who holds the lease of a folder, as `LmdbLease` takes it; undefined: nobody, or no lease was ever there.
 * @throws PlateauError `STORE_FAILED` when what is there cannot be read.
 */
export async function lmdbLeaseHolder(options: {
  readonly path: string;
  readonly name: string;
}): Promise<SeenHolder | undefined> {
  const { path, name } = options;
  if (!existsSync(path)) return undefined;
  const store = openStoreForReading(`lmdb:${path}`);
  try {
    const entry = await store.get(`lease/${name}`);
    const record = entry && parseLeaseRecord(entry.value);
    if (record === undefined) return undefined;
    const { id, info, process } = record;
    return { id, info, isRunning: process === undefined || isRunning(process) };
  } finally {
    await store.close();
  }
}
