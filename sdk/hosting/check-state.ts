/**
 * Whether a framework class would start over what is stored: its state is read, migrated and checked as at a
 * start, and nothing is written. A framework may run over the same store meanwhile.
 */
import type { StoreReader } from '../../core/base/index.js';
import { openStoreForReading } from '../../core/store/index.js';
import type { FrameworkDefinition } from '../framework/index.js';
import {
  type RepositoryFindings,
  type UnclaimedState,
  readState,
  readUnclaimed,
} from '../runtime/index.js';

/** A record that would keep the framework from starting. */
export interface StateProblem {
  readonly key: string;
  readonly message: string;
}

/** What a framework would find at its start. Plain data. */
export interface StateReport {
  /** Whether it would start. */
  readonly isReady: boolean;
  /** Nothing was ever stored. */
  readonly isNew: boolean;
  readonly frameworkId: string | undefined;
  /** How often it has begun anew under another id. */
  readonly registrations: number;
  /** How many records of tasks there are, by state. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Operations whose outcome is not known. */
  readonly operations: number;
  /** One for each `@Stored` field. */
  readonly stored: readonly RepositoryFindings[];
  /** Stored names that the class does not have (any more): their values stay as they are, unread. */
  readonly unclaimed: readonly UnclaimedState[];
  /** How many records would keep it from starting. */
  readonly problemCount: number;
  /** The first of them. */
  readonly problems: readonly StateProblem[];
}

/**
 * Reads the state as a start does, and tells all that it finds.
 * @param store a store, or the URL of one, which is opened for reading only.
 * @throws PlateauError `INVALID_FLAG`, `STORE_FAILED`; what is wrong with records is in the report.
 */
export async function checkState(
  store: StoreReader | string,
  definition: FrameworkDefinition,
): Promise<StateReport> {
  if (typeof store !== 'string') return report(store, definition);
  const opened = openStoreForReading(store);
  try {
    return await report(opened, definition);
  } finally {
    await opened.close();
  }
}

async function report(store: StoreReader, definition: FrameworkDefinition): Promise<StateReport> {
  const { isNew, state, repositories, problems } = await readState(store, definition);
  const tasks: Record<string, number> = {};
  for (const task of state.tasks) tasks[task.state] = (tasks[task.state] ?? 0) + 1;
  return {
    isReady: problems.count === 0,
    isNew,
    frameworkId: state.frameworkId,
    registrations: state.registrations,
    tasks,
    operations: state.operations.length,
    stored: repositories,
    unclaimed: await readUnclaimed(store, definition),
    problemCount: problems.count,
    problems: problems.first.map(({ context, message }) => ({
      key: String(context['key'] ?? ''),
      message,
    })),
  };
}
