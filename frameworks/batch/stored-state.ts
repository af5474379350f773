/** What is kept of jobs in the repositories of the scheduler, and how it is read back. */
import type { Retry } from './array-state.js';
import { attemptOfPacked, indexOfPacked } from './attempts.js';
import { IndexRanges } from './index-ranges.js';
import type { Job } from './job.js';
import type { JobRecord, StoredStep } from './job-record.js';
import { MAX_REMEMBERED_ATTEMPTS } from './limits.js';
import type { Step } from './step.js';

/** Indexes whose ends are stored together: each end writes so many anew at most. */
export const CHUNK_SIZE = 32;

/** The ends of up to `CHUNK_SIZE` neighbouring indexes. */
export interface ChunkRecord {
  readonly succeeded: string;
  readonly failed: string;
  readonly cancelled: string;
  /** By index: failures, faults, attempts, when it is due, agent. */
  readonly retries: Readonly<Record<string, readonly [number, number, number, number, number]>>;
  /** Packed attempts, the oldest first. */
  readonly attempts: readonly string[];
  readonly failures: number;
  readonly faults: number;
  readonly replaced: number;
}

const NOTHING: ChunkRecord = {
  succeeded: '',
  failed: '',
  cancelled: '',
  retries: {},
  attempts: [],
  failures: 0,
  faults: 0,
  replaced: 0,
};

export function chunkOf(index: number): number {
  return Math.floor(index / CHUNK_SIZE);
}

/** The key of a chunk. Text that sorts as the numbers do. */
export function chunkKey(job: Job, step: Step, chunk: number): string {
  return `${padded(job.seq)}/${step.number}/${padded(chunk)}`;
}

function padded(number: number): string {
  return String(number).padStart(12, '0');
}

/** Numbers of all chunks that a step can have. */
export function* chunksOf(step: Step): IterableIterator<number> {
  let last = -1;
  for (const [first, end] of step.array.indexes.ranges()) {
    for (let chunk = Math.max(last + 1, chunkOf(first)); chunk <= chunkOf(end); chunk++) {
      yield chunk;
      last = chunk;
    }
  }
}

/** What has happened to indexes of a chunk since it was written. */
export interface ChunkChange {
  readonly job: Job;
  readonly step: Step;
  readonly chunk: number;
  /** Packed attempts that are over, and what they add to the counts. */
  readonly attempts: string[];
  failures: number;
  faults: number;
  replaced: number;
}

/** The record of a chunk as it is now. */
export function chunkRecordOf(change: ChunkChange, before: ChunkRecord = NOTHING): ChunkRecord {
  const { array } = change.step;
  const first = change.chunk * CHUNK_SIZE;
  const last = first + CHUNK_SIZE - 1;
  const retries: Record<string, readonly [number, number, number, number, number]> = {};
  for (const [index, retry] of array.retriesWithin(first, last)) {
    const { failures, faults, attempts, dueAt, agent } = retry;
    retries[index] = [failures, faults, attempts, dueAt, agent];
  }
  return {
    succeeded: array.succeeded.textWithin(first, last),
    failed: array.failed.textWithin(first, last),
    cancelled: array.cancelled.textWithin(first, last),
    retries,
    attempts: boundedAttempts(before.attempts, change.attempts),
    failures: before.failures + change.failures,
    faults: before.faults + change.faults,
    replaced: before.replaced + change.replaced,
  };
}

/** Attempts with those that have come, but the oldest at indexes that have had too many. */
function boundedAttempts(before: readonly string[], added: readonly string[]): readonly string[] {
  const attempts = added.length === 0 ? before : [...before, ...added];
  if (attempts.length <= MAX_REMEMBERED_ATTEMPTS) return attempts;
  const surplus = new Map<number, number>();
  for (const index of new Set(added.map(indexOfPacked))) {
    const start = `${index.toString(36)}|`;
    let count = 0;
    for (const packed of attempts) if (packed.startsWith(start)) count++;
    if (count > MAX_REMEMBERED_ATTEMPTS) surplus.set(index, count - MAX_REMEMBERED_ATTEMPTS);
  }
  if (surplus.size === 0) return attempts;
  return attempts.filter((packed) => {
    const index = indexOfPacked(packed);
    const left = surplus.get(index) ?? 0;
    if (left > 0) surplus.set(index, left - 1);
    return left === 0;
  });
}

/** The number of the last attempt at each index of a chunk that was tried. */
export function lastAttemptsOf(chunk: ChunkRecord | undefined): ReadonlyMap<number, number> {
  const last = new Map<number, number>();
  for (const packed of chunk?.attempts ?? []) {
    const index = indexOfPacked(packed);
    last.set(index, Math.max(last.get(index) ?? 0, attemptOfPacked(packed)));
  }
  return last;
}

/** Chunks by job and step, as the store had them. */
export class StoredChunks {
  /** By `seq/step`. */
  readonly #chunks = new Map<string, ChunkRecord[]>();

  constructor(entries: Iterable<readonly [string, ChunkRecord]>) {
    for (const [key, chunk] of entries) {
      const owner = key.slice(0, key.lastIndexOf('/'));
      const known = this.#chunks.get(owner);
      if (known === undefined) this.#chunks.set(owner, [chunk]);
      else known.push(chunk);
    }
  }

  /** What is known of the steps of a job. */
  stepsOf(record: JobRecord): readonly (StoredStep | undefined)[] {
    const count = record.document.steps?.length ?? 1;
    return Array.from({ length: count }, (_, number) =>
      storedStep(this.#chunks.get(`${padded(record.seq)}/${number}`)),
    );
  }
}

function storedStep(chunks: readonly ChunkRecord[] | undefined): StoredStep | undefined {
  if (chunks === undefined) return undefined;
  const [succeeded, failed, cancelled] = [
    IndexRanges.empty(),
    IndexRanges.empty(),
    IndexRanges.empty(),
  ];
  const retries = new Map<number, Retry>();
  let [failures, faults, replaced] = [0, 0, 0];
  for (const chunk of chunks) {
    succeeded.addAll(IndexRanges.parse(chunk.succeeded));
    failed.addAll(IndexRanges.parse(chunk.failed));
    cancelled.addAll(IndexRanges.parse(chunk.cancelled));
    for (const [index, retry] of Object.entries(chunk.retries)) {
      const [ofIndex, faultsOfIndex, attempts, dueAt, agent] = retry;
      retries.set(Number(index), {
        failures: ofIndex,
        faults: faultsOfIndex,
        attempts,
        dueAt,
        agent,
      });
    }
    failures += chunk.failures;
    faults += chunk.faults;
    replaced += chunk.replaced;
  }
  return { succeeded, failed, cancelled, retries, failures, faults, replaced };
}
