/** Follows a job to its end over restarts of the scheduler. */
import { PlateauError } from '../../../sdk/index.js';
import { printNotice } from '../../../core/command/index.js';
import type { BatchClient } from '../client.js';
import type { StreamedEvent } from '../job-events.js';
import type { JobSummary } from '../views.js';

/** Milliseconds before the stream is opened again; doubles up to the second. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Tries in a row that are not worth a word. */
const SILENT_TRIES = 2;

export interface FollowJobOptions {
  readonly name: string;
  readonly attempts: boolean;
  /** Finds the scheduler, anew for each try: another copy may have taken over. */
  readonly locate: () => Promise<BatchClient>;
  readonly onEvent: (event: StreamedEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the job as it was when it ended.
 * @throws PlateauError `NOT_FOUND` when there is no such job.
 */
export async function followJob(options: FollowJobOptions): Promise<JobSummary> {
  const { name, attempts, locate, onEvent, signal } = options;
  for (let failures = 0; ; failures++) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      const client = await locate();
      const more = signal === undefined ? {} : { signal };
      // oxlint-disable-next-line no-await-in-loop -- event by event
      for await (const event of client.events(name, { attempts, ...more })) {
        failures = 0;
        onEvent(event);
        if (event.kind === 'job' && event.job.finishedAt !== undefined) return event.job;
      }
    } catch (error) {
      if (signal?.aborted === true || !mayComeBack(error, failures)) throw error;
      if (failures === SILENT_TRIES)
        printNotice(`waiting for the batch scheduler: ${error.message}`);
    }
    const waitMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
    // oxlint-disable-next-line no-await-in-loop -- a pause between tries
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** A scheduler that was there and is not comes back; one that knows nothing of the job does not. */
function mayComeBack(error: unknown, failures: number): error is PlateauError {
  if (!(error instanceof PlateauError)) return false;
  if (error.retriable) return true;
  return error.code === 'NOT_FOUND' && failures > 0 && error.message.startsWith('no framework');
}
