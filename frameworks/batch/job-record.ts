/** What is known of a job beside its indexes: its states, why it ended, what is stored. */
import type { StoredArray } from './array-state.js';
import type { JobData } from './document.js';

export type JobState =
  | 'HELD'
  | 'WAITING'
  | 'QUEUED'
  | 'RUNNING'
  | 'ENDING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED';

export const JOB_STATES: readonly JobState[] = [
  'HELD',
  'WAITING',
  'QUEUED',
  'RUNNING',
  'ENDING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
];

/** Why a job ended as it did, in the words of Kubernetes where it has one. */
export type JobReason =
  | 'BackoffLimitExceeded'
  | 'Cancelled'
  | 'DeadlineExceeded'
  | 'DependencyNeverSatisfied'
  | 'FailedIndexes'
  | 'IndexesCancelled'
  | 'MaxFailedIndexesExceeded';

export interface Outcome {
  readonly state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly reason?: JobReason;
  readonly message?: string;
}

/** A job that is waited for. */
export interface Dependency {
  readonly job: string;
  readonly when: 'ok' | 'any' | 'fail';
}

/** What is stored of a job beside the ends of its indexes. */
export interface JobRecord {
  readonly name: string;
  /** Tells jobs of one name apart, and orders them by submission. */
  readonly seq: number;
  /** As it is now: what was edited since is in it. */
  readonly document: JobData;
  /** Tells whether a later submission is the same. */
  readonly fingerprint: string;
  readonly idempotencyKey?: string | undefined;
  readonly submittedAt: number;
  /** When it could begin; deadlines count from here. */
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  /** It is to end so; its tasks are being killed. */
  readonly ending?: Outcome | undefined;
  readonly outcome?: Outcome | undefined;
  readonly waitsFor: readonly Dependency[];
  /** Failed attempts that do not count any more, because indexes were run anew. */
  readonly forgivenFailures: number;
}

/** What is stored of the indexes of a step. */
export interface StoredStep extends StoredArray {
  readonly failures: number;
  readonly faults: number;
  readonly replaced: number;
}
