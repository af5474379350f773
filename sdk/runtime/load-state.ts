/**
 * Reads what a framework has stored, and brings it to the shape of this program: everything that has
 * to change is written in one transaction, or nothing is.
 *
 * Records: `framework/format`, `framework/id`, `framework/epoch`; `tasks/<id>`; `operations/<id>`; for each repository
 * `framework/state/<name>` with the version of its shape, and `state/<name>/<key>`.
 */
import type { Store, StoreReader } from '../../core/base/index.js';
import type { FrameworkDefinition } from '../framework/index.js';
import { OPERATIONS_PREFIX, type OperationRecord } from './operation-ledger.js';
import { type Put, type RepositoryFindings, readRepository } from './read-repository.js';
import { STATE_PREFIX } from './repositories.js';
import {
  EPOCH_KEY,
  FORMAT_KEY,
  FRAMEWORK_ID_KEY,
  STATE_FORMAT,
  StateProblems,
  VERSIONS_PREFIX,
  checkFormat,
  readOperation,
  readTask,
} from './stored-records.js';
import { type StoredTask, TASKS_PREFIX } from './task-ledger.js';

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

/** What is read before anything is written. */
export interface FoundState {
  /** Without the records that are in `problems`. */
  readonly state: LoadedState;
  /** Nothing was ever stored. */
  readonly isNew: boolean;
  readonly repositories: readonly RepositoryFindings[];
  /** What a start has to write. */
  readonly puts: readonly Put[];
  readonly problems: StateProblems;
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
  const { state, puts, problems } = await readState(store, definition);
  const [first] = problems.first;
  if (first !== undefined) throw first;
  if (puts.length > 0) await store.transact({ epoch, puts });
  return state;
}

/** Reads everything as for a start, and writes nothing. What cannot be read is in `problems`. */
export async function readState(
  store: StoreReader,
  definition: FrameworkDefinition,
): Promise<FoundState> {
  const problems = new StateProblems();
  const format = await store.get(FORMAT_KEY);
  problems.attempt(() => checkFormat(format?.value));
  const [id, registrations, tasks, operations] = await Promise.all([
    store.get(FRAMEWORK_ID_KEY),
    store.get(EPOCH_KEY),
    store.list(TASKS_PREFIX),
    store.list(OPERATIONS_PREFIX),
  ]);
  const puts: Put[] = [];
  if (format === undefined) puts.push({ key: FORMAT_KEY, value: String(STATE_FORMAT) });
  const values = new Map<string, ReadonlyMap<string, unknown>>();
  const repositories: RepositoryFindings[] = [];
  for (const stored of definition.stored) {
    // oxlint-disable-next-line no-await-in-loop -- few, and a fault names the first
    const read = await readRepository(store, stored, problems);
    values.set(stored.name, read.values);
    puts.push(...read.puts);
    repositories.push(read.findings);
  }
  const state = {
    frameworkId: id?.value,
    registrations: Number(registrations?.value ?? 0),
    tasks: tasks
      .flatMap(({ key, value }) => problems.attempt(() => readTask(key, value)) ?? [])
      .toSorted((one, other) => one.launchedAt - other.launchedAt),
    operations: operations
      .flatMap(({ key, value }) => problems.attempt(() => readOperation(key, value)) ?? [])
      .toSorted((one, other) => one.since - other.since),
    values,
  };
  return { state, isNew: format === undefined, repositories, puts, problems };
}

/** State of a name that the class does not have (any more): it stays as it is, unread. */
export interface UnclaimedState {
  readonly name: string;
  readonly values: number;
}

export async function readUnclaimed(
  store: StoreReader,
  { stored }: FrameworkDefinition,
): Promise<readonly UnclaimedState[]> {
  const known = new Set(stored.map(({ name }) => name));
  const counts = new Map<string, number>();
  for (const { key } of await store.list(VERSIONS_PREFIX)) {
    counts.set(key.slice(VERSIONS_PREFIX.length), 0);
  }
  for (const { key } of await store.list(STATE_PREFIX)) {
    const [name = ''] = key.slice(STATE_PREFIX.length).split('/', 1);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].flatMap(([name, values]) => (known.has(name) ? [] : [{ name, values }]));
}
