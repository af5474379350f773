/**
 * Reads what a `@Stored` field holds, and brings it to the version of this program, in memory: whoever
 * reads writes the changes, or does not.
 */
import { type StoreReader, errorMessage } from '../../core/base/index.js';
import { checkRecord } from '../../core/store/index.js';
import type { StoredDefinition } from '../framework/index.js';
import { stateKey } from './repositories.js';
import { storedJson } from './stored-json.js';
import {
  type StateProblems,
  VERSIONS_PREFIX,
  invalidRecord,
  parseRecord,
} from './stored-records.js';

export interface Put {
  readonly key: string;
  readonly value: string;
}

/** What was found of a repository. Plain data. */
export interface RepositoryFindings {
  /** Property of the class. */
  readonly property: string;
  /** Name in `@Stored`. */
  readonly name: string;
  /** Version of the class. */
  readonly version: number;
  /** Version of the values; undefined: nothing was ever stored. NaN: what is stored is no version. */
  readonly storedVersion: number | undefined;
  readonly values: number;
  /** How many of them have been, or would be, brought to the version of the class. */
  readonly migrated: number;
  /** How many of them cannot be read. */
  readonly failed: number;
}

export interface ReadRepository {
  readonly values: ReadonlyMap<string, unknown>;
  /** What a start has to write. */
  readonly puts: readonly Put[];
  readonly findings: RepositoryFindings;
}

export async function readRepository(
  store: StoreReader,
  stored: StoredDefinition,
  problems: StateProblems,
): Promise<ReadRepository> {
  const { property, name, version } = stored;
  const versionKey = VERSIONS_PREFIX + name;
  const prefix = stateKey(name, '');
  const found = await store.get(versionKey);
  const entries = await store.list(prefix);
  const values = new Map<string, unknown>();
  const puts: Put[] = [];
  if (found?.value !== String(version)) puts.push({ key: versionKey, value: String(version) });
  const from = problems.attempt(() => {
    const storedVersion = versionOf(versionKey, found?.value, stored);
    const [first] = entries;
    if (first !== undefined) checkMigrations(first.key, storedVersion, stored);
    return storedVersion;
  });
  for (const { key, value: text } of entries) {
    if (from === undefined) break;
    const read = problems.attempt(() => readValue(key, text, { stored, from }));
    if (read === undefined) continue;
    values.set(key.slice(prefix.length), read.value);
    if (read.text !== undefined) puts.push({ key, value: read.text });
  }
  const findings = {
    property,
    name,
    version,
    storedVersion: found === undefined ? undefined : Number(found.value),
    values: entries.length,
    migrated: from === version ? 0 : values.size,
    failed: entries.length - values.size,
  };
  return { values, puts, findings };
}

function versionOf(key: string, text: string | undefined, stored: StoredDefinition): number {
  if (text === undefined) return stored.version;
  const version = Number(text);
  if (!Number.isInteger(version) || version < 1) {
    throw invalidRecord(key, `is '${text}', not a version`);
  }
  if (version <= stored.version) return version;
  throw invalidRecord(
    key,
    `is ${version}, and @Stored('${stored.name}') reads up to ${stored.version}: use the newer program ` +
      'that wrote it',
  );
}

function checkMigrations(key: string, from: number, stored: StoredDefinition): void {
  for (let version = from; version < stored.version; version++) {
    if (stored.migrations[version] !== undefined) continue;
    throw invalidRecord(
      key,
      `has version ${version}, and @Stored('${stored.name}') has no migration from it: add ` +
        `migrations: { ${version}: (value) => … }`,
    );
  }
}

interface ReadValue {
  readonly value: unknown;
  /** As it has to be written; undefined: it stays as it is. */
  readonly text: string | undefined;
}

function readValue(
  key: string,
  text: string,
  { stored, from }: { readonly stored: StoredDefinition; readonly from: number },
): ReadValue {
  const value = migrate(key, parseRecord(key, text), { stored, from });
  check(key, value, stored);
  return { value, text: from === stored.version ? undefined : textOf(key, value) };
}

function migrate(
  key: string,
  value: unknown,
  { stored, from }: { readonly stored: StoredDefinition; readonly from: number },
): unknown {
  let migrated = value;
  for (let version = from; version < stored.version; version++) {
    try {
      migrated = stored.migrations[version]?.(migrated);
    } catch (error) {
      throw invalidRecord(
        key,
        `cannot be migrated from version ${version}: ${errorMessage(error)}`,
      );
    }
  }
  return migrated;
}

function check(key: string, value: unknown, { name, check: run }: StoredDefinition): void {
  try {
    run?.(value);
  } catch (error) {
    throw invalidRecord(
      key,
      `is refused by the check of @Stored('${name}'): ${errorMessage(error)}`,
    );
  }
}

/** What a migration made, as it is stored. */
function textOf(key: string, value: unknown): string {
  try {
    const text = storedJson(value);
    checkRecord(key, text);
    return text;
  } catch (error) {
    throw invalidRecord(key, `cannot be stored after its migration: ${errorMessage(error)}`);
  }
}
