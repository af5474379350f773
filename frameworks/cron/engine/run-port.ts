/** What the cron scheduler needs of the batch scheduler: one batch job for each run. */
import type { BatchDocument, RunTask } from '../model.js';

/** A batch job as cron looks at it. */
export interface BatchRun {
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** When its first task was running. */
  readonly startedMs?: number | undefined;
  /** Why it ended as it did. */
  readonly message?: string | undefined;
  /** Its last tasks, a bounded number of them; undefined: there are many, and it has not ended. */
  readonly tasks: readonly RunTask[] | undefined;
}

export interface RunPort {
  /**
   * Submits a batch job. One of the name that is there already is left as it is: a second submission is
   * no second run.
   * @throws PlateauError when it is refused; nothing has changed then.
   */
  submit(name: string, document: BatchDocument): void;
  /** Undefined: there is no such job, or none any more. */
  find(name: string): BatchRun | undefined;
  /** Ends a job; one that has ended, or is not there, is left as it is. */
  cancel(name: string): void;
  /** Forgets a job that has ended; another one is left as it is. */
  remove(name: string): void;
}
