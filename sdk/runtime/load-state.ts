/**
 * Reads what a framework has stored, and brings it to the shape of this program: everything that has
 * to change is written in one transaction, or nothing is.
 *
 * Records: `framework/format`, `framework/id`, `framework/epoch`; `tasks/<id>`; `operations/<id>`; for each repository
 * `framework/state/<name>` with the version of its shape, and `state/<name>/<key>`.
 */
import { PlateauError, type Store, errorMessage, isRecord } from '../../core/base/index.js';
import type { FrameworkDefinition, StoredDefinition } from '../framework/index.js';
import { stateKey } from './repositories.js';
import { OPERATIONS_PREFIX, type OperationRecord } from './operation-ledger.js';
import { type StoredTask, TASKS_PREFIX } from './task-ledger.js';

/** Version of what the runtime itself stores. */
export const STATE_FORMAT = 1;

export const FORMAT_KEY = 'framework/format';
export const FRAMEWORK_ID_KEY = 'framework/id';
/** How often the framework has begun anew under another id. */
export const EPOCH_KEY = 'framework/epoch';
const VERSIONS_PREFIX = 'framework/state/';

/** Everything that was stored. */
export interface LoadedState {
  readonly frameworkId: string | undefined;
  readonly registrations: number;
  /** The oldest first. */
  readonly tasks: readonly StoredTask[];
  /** Those whose outcome is not known. */
  readonly operations: readonly OperationRecord[];
  /** By name of the repository. */
  readonly values: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

/**
 * @param epoch the epoch of the writer, if the store was claimed.
 * @throws PlateauError `INVALID_STATE` naming record and remedy, and what the store throws.
 */
export async function loadState(
  store: Store,
  definition: FrameworkDefinition,
  epoch?: number,
): Promise<LoadedState> {
  const format = await store.get(FORMAT_KEY);
  checkFormat(format?.value);
  const [id, registrations, entries, operations] = await Promise.all([
    store.get(FRAMEWORK_ID_KEY),
    store.get(EPOCH_KEY),
    store.list(TASKS_PREFIX),
    store.list(OPERATIONS_PREFIX),
  ]);
  const puts: { key: string; value: string }[] = [];
  if (format === undefined) puts.push({ key: FORMAT_KEY, value: String(STATE_FORMAT) });
  const values = new Map<string, ReadonlyMap<string, unknown>>();
  for (const stored of definition.stored) {
    // oxlint-disable-next-line no-await-in-loop -- few, and a fault names the first
    const loaded = await loadRepository(store, stored);
    values.set(stored.name, loaded.values);
    puts.push(...loaded.puts);
  }
  const tasks = entries.map(({ key, value }) => readTask(key, value));
  if (puts.length > 0) await store.transact({ epoch, puts });
  return {
    frameworkId: id?.value,
    registrations: Number(registrations?.value ?? 0),
    tasks: tasks.toSorted((one, other) => one.launchedAt - other.launchedAt),
    operations: operations
      .map(({ key, value }) => readOperation(key, value))
      .toSorted((one, other) => one.since - other.since),
    values,
  };
}

function checkFormat(text: string | undefined): void {
  if (text === undefined || text === String(STATE_FORMAT)) return;
  throw invalid(
    FORMAT_KEY,
    `has the format ${text}, and this program reads ${STATE_FORMAT}: use the version of Plateau that ` +
      'wrote it',
  );
}

function readTask(key: string, text: string): StoredTask {
  const value = parse(key, text);
  const id = key.slice(TASKS_PREFIX.length);
  const isTask =
    isRecord(value) &&
    value['id'] === id &&
    ['name', 'role', 'agentId', 'hostname', 'state'].every(
      (field) => typeof value[field] === 'string',
    ) &&
    ['cpus', 'memMiB', 'launchedAt', 'updatedAt'].every(
      (field) => typeof value[field] === 'number',
    ) &&
    isRecord(value['attributes']) &&
    Array.isArray(value['ports']);
  if (!isTask) throw invalid(key, 'is not the record of a task: restore the store, or delete it');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field above
  return value as unknown as StoredTask;
}

function readOperation(key: string, text: string): OperationRecord {
  const value = parse(key, text);
  const isOperation =
    isRecord(value) &&
    value['id'] === key.slice(OPERATIONS_PREFIX.length) &&
    typeof value['type'] === 'string' &&
    typeof value['agentId'] === 'string' &&
    typeof value['since'] === 'number' &&
    isTextOrMissing(value['state']) &&
    isTextOrMissing(value['updateUuid']);
  if (!isOperation) {
    throw invalid(key, 'is not the record of an operation: restore the store, or delete it');
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field above
  return value as unknown as OperationRecord;
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

interface LoadedRepository {
  readonly values: ReadonlyMap<string, unknown>;
  readonly puts: readonly { readonly key: string; readonly value: string }[];
}

async function loadRepository(store: Store, stored: StoredDefinition): Promise<LoadedRepository> {
  const versionKey = VERSIONS_PREFIX + stored.name;
  const prefix = stateKey(stored.name, '');
  const found = await store.get(versionKey);
  const entries = await store.list(prefix);
  const from = versionOf(versionKey, found?.value, stored);
  const values = new Map<string, unknown>();
  const puts: { key: string; value: string }[] = [];
  if (found?.value !== String(stored.version)) {
    puts.push({ key: versionKey, value: String(stored.version) });
  }
  for (const { key, value: text } of entries) {
    const value = migrate(key, parse(key, text), { stored, from });
    check(key, value, stored);
    values.set(key.slice(prefix.length), value);
    if (from !== stored.version) puts.push({ key, value: JSON.stringify(value) });
  }
  return { values, puts };
}

function versionOf(key: string, text: string | undefined, stored: StoredDefinition): number {
  if (text === undefined) return stored.version;
  const version = Number(text);
  if (!Number.isInteger(version) || version < 1) throw invalid(key, `is '${text}', not a version`);
  if (version <= stored.version) return version;
  throw invalid(
    key,
    `is ${version}, and @Stored('${stored.name}') reads up to ${stored.version}: use the newer program ` +
      'that wrote it',
  );
}

function migrate(
  key: string,
  value: unknown,
  { stored, from }: { readonly stored: StoredDefinition; readonly from: number },
): unknown {
  let migrated = value;
  for (let version = from; version < stored.version; version++) {
    const migration = stored.migrations[version];
    if (migration === undefined) {
      throw invalid(
        key,
        `has version ${version}, and @Stored('${stored.name}') has no migration from it: add ` +
          `migrations: { ${version}: (value) => … }`,
      );
    }
    try {
      migrated = migration(migrated);
    } catch (error) {
      throw invalid(key, `cannot be migrated from version ${version}: ${errorMessage(error)}`);
    }
  }
  return migrated;
}

function check(key: string, value: unknown, { name, check: run }: StoredDefinition): void {
  try {
    run?.(value);
  } catch (error) {
    throw invalid(key, `is refused by the check of @Stored('${name}'): ${errorMessage(error)}`);
  }
}

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(key, `is not JSON: ${errorMessage(error)}`);
  }
}

function invalid(key: string, problem: string): PlateauError {
  return new PlateauError('INVALID_STATE', `The stored record '${key}' ${problem}.`, {
    context: { key },
  });
}
