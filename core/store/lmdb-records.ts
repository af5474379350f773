/** How records lie in an LMDB database, and how they are read. */
import type { Database, Transaction } from 'lmdb';
import type { StoreEntry } from '../base/index.js';

export type Records = Database<string, Buffer>;

/** For `openDB`. */
export const RECORDS = {
  name: 'records',
  keyEncoding: 'binary',
  encoding: 'string',
  useVersions: true,
} as const;

/** What is read: the newest, or what one transaction sees. */
export interface ReadOptions {
  readonly transaction?: Transaction;
}

export function readRecord(
  records: Records,
  key: string,
  options: ReadOptions = {},
): StoreEntry | undefined {
  const entry = records.getEntry(Buffer.from(key), options);
  return entry === undefined ? undefined : { key, value: entry.value, version: entry.version ?? 0 };
}

/** Ordered by the bytes of their keys. */
export function listRecords(
  records: Records,
  prefix: string,
  options: ReadOptions = {},
): readonly StoreEntry[] {
  const start = Buffer.from(prefix);
  const found: StoreEntry[] = [];
  const range = start.length === 0 ? {} : { start };
  for (const { key, value, version } of records.getRange({
    ...options,
    ...range,
    versions: true,
  })) {
    // The library hands keys out as plain byte arrays.
    const name = Buffer.from(key).toString();
    if (!name.startsWith(prefix)) break;
    found.push({ key: name, value, version: version ?? 0 });
  }
  return found;
}
