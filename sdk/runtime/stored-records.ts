/** Records of the runtime as they lie in the store: their keys, and how each is read or found wrong. */
import { PlateauError, errorMessage, isRecord } from '../../core/base/index.js';
import { OPERATIONS_PREFIX, type OperationRecord } from './operation-ledger.js';
import { type StoredTask, TASKS_PREFIX } from './task-ledger.js';

/** Version of what the runtime itself stores. */
export const STATE_FORMAT = 1;

export const FORMAT_KEY = 'framework/format';
export const FRAMEWORK_ID_KEY = 'framework/id';
/** How often the framework has begun anew under another id. */
export const EPOCH_KEY = 'framework/epoch';
/** Before the name of a repository: the version of its shape. */
export const VERSIONS_PREFIX = 'framework/state/';

/** Of records that cannot be read so many are told; the others are counted. */
export const MAX_TOLD_STATE_PROBLEMS = 50;

/** What is wrong with stored records. */
export class StateProblems {
  /** `INVALID_STATE`, each with the `key` of its record in the context. */
  readonly first: PlateauError[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Runs what reads a record; undefined when the record is not as it must be, which is noted. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PlateauError) || error.code !== 'INVALID_STATE') throw error;
      this.#count += 1;
      if (this.first.length < MAX_TOLD_STATE_PROBLEMS) this.first.push(error);
      return undefined;
    }
  }
}

export function checkFormat(text: string | undefined): void {
  if (text === undefined || text === String(STATE_FORMAT)) return;
  throw invalidRecord(
    FORMAT_KEY,
    `has the format ${text}, and this program reads ${STATE_FORMAT}: use the version of Plateau that ` +
      'wrote it',
  );
}

export function readTask(key: string, text: string): StoredTask {
  const value = parseRecord(key, text);
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
  if (!isTask) {
    throw invalidRecord(key, 'is not the record of a task: restore the store, or delete it');
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field above
  return value as unknown as StoredTask;
}

export function readOperation(key: string, text: string): OperationRecord {
  const value = parseRecord(key, text);
  const isOperation =
    isRecord(value) &&
    value['id'] === key.slice(OPERATIONS_PREFIX.length) &&
    typeof value['type'] === 'string' &&
    typeof value['agentId'] === 'string' &&
    typeof value['since'] === 'number' &&
    isTextOrMissing(value['state']) &&
    isTextOrMissing(value['updateUuid']);
  if (!isOperation) {
    throw invalidRecord(key, 'is not the record of an operation: restore the store, or delete it');
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field above
  return value as unknown as OperationRecord;
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

export function parseRecord(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidRecord(key, `is not JSON: ${errorMessage(error)}`);
  }
}

export function invalidRecord(key: string, problem: string): PlateauError {
  return new PlateauError('INVALID_STATE', `The stored record '${key}' ${problem}.`, {
    context: { key },
  });
}
