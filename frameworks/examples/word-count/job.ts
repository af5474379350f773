/** What the word count is told, what it remembers, and how it ends. */
import type { TaskRecord, TaskSpec } from '../../../sdk/index.js';

/** The file that every task leaves in its sandbox. */
export const RESULT = 'counts.tsv';

/** What is kept over restarts. */
export interface Job {
  /** Paths of the files of each map task. */
  readonly parts: readonly (readonly string[])[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** How often all was counted, this time included. */
  readonly round: number;
}

/** The world around the framework: replaced in tests. */
export interface Surroundings {
  readonly parts: Job['parts'];
  readonly programs: {
    readonly map: (files: readonly string[]) => NonNullable<TaskSpec['command']>;
    readonly reduce: NonNullable<TaskSpec['command']>;
  };
  /** Fetches a text. */
  readonly read: (url: string) => Promise<string>;
  /** How many map tasks are done, and what goes on. */
  readonly onProgress: (done: number, note: string) => void;
  readonly onDisconnected: (reason: string) => void;
}

/** How the job ended. Times are milliseconds since 1970. */
export type Outcome =
  | {
      readonly kind: 'counted';
      /** Lines `count<TAB>word`. */
      readonly text: string;
      readonly parts: Job['parts'];
      readonly startedAt: number;
      /** The map tasks, then the reduce task. */
      readonly tasks: readonly TaskRecord[];
      /** By id of the task. */
      readonly runningSince: ReadonlyMap<string, number>;
    }
  | { readonly kind: 'failed'; readonly reason: string };
