/**
 * Prints the output of the attempts of a job as it grows, whole lines, with the index as a prefix when there
 * are several. Attempts that ended before they were seen are printed too.
 */
import { setMaxListeners } from 'node:events';
import { PlateauError, errorMessage } from '../../../sdk/index.js';
import { printNotice } from '../../../core/command/index.js';
import { followOutput } from '../../../sdk/sandbox/index.js';
import type { AttemptView } from '../views.js';

/** Attempts whose output is followed at one time; the others wait. */
const MAX_FOLLOWED = 50;

export interface FollowerOptions {
  /** Whether lines say of which index they are. */
  readonly hasPrefix: boolean;
  /** Writes whole lines; see `Progress.above`. */
  readonly write: (print: () => void) => void;
}

export class BatchOutputFollower {
  readonly #options: FollowerOptions;
  readonly #abort = new AbortController();
  readonly #known = new Set<string>();
  readonly #over = new Set<string>();
  readonly #queue: AttemptView[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(options: FollowerOptions) {
    this.#options = options;
    // Each file that is followed listens.
    setMaxListeners(MAX_FOLLOWED * 4, this.#abort.signal);
  }

  /** To be told of each attempt when it runs, and when it is over. */
  noted(attempt: AttemptView): void {
    const { taskId, endedAt } = attempt;
    if (endedAt !== undefined) this.#over.add(taskId);
    if (this.#known.has(taskId)) return;
    this.#known.add(taskId);
    // It never ran.
    if (attempt.end === 'refused' || attempt.state === 'DROPPED') return;
    this.#queue.push(attempt);
    this.#startNext();
  }

  /** Resolves when all of the output is printed. */
  async finished(): Promise<void> {
    while (this.#running.size > 0) {
      // oxlint-disable-next-line no-await-in-loop -- the end of one begins another
      await Promise.race(this.#running);
    }
  }

  dispose(): void {
    this.#queue.length = 0;
    this.#abort.abort();
  }

  #startNext(): void {
    while (this.#running.size < MAX_FOLLOWED) {
      const attempt = this.#queue.shift();
      if (attempt === undefined) return;
      const following = this.#follow(attempt).finally(() => {
        this.#running.delete(following);
        this.#startNext();
      });
      this.#running.add(following);
    }
  }

  async #follow(attempt: AttemptView): Promise<void> {
    const { taskId, address, frameworkId } = attempt;
    if (address === undefined) {
      printNotice(`the output of ${taskId} cannot be read: its agent is not known any more`);
      return;
    }
    const options = {
      address,
      frameworkId,
      executorId: taskId,
      prefix: this.#options.hasPrefix ? prefixOf(attempt) : '',
      isComplete: () => this.#over.has(taskId),
      signal: this.#abort.signal,
    };
    const print = (target: NodeJS.WritableStream) => (text: string) =>
      this.#options.write(() => target.write(text));
    try {
      await Promise.all([
        followOutput({ ...options, file: 'stdout', write: print(process.stdout) }),
        followOutput({ ...options, file: 'stderr', write: print(process.stderr) }),
      ]);
    } catch (error) {
      if (!this.#abort.signal.aborted && !neverRan(error, attempt)) {
        printNotice(`the output of ${taskId} cannot be read: ${errorMessage(error)}`);
      }
    }
  }
}

function prefixOf({ step, index, attempt }: AttemptView): string {
  const where = step === '' ? `${index}` : `${step}.${index}`;
  return attempt === 1 ? `[${where}] ` : `[${where} attempt ${attempt}] `;
}

/** There is no sandbox of what was killed, or whose launch failed, before it began. */
function neverRan(error: unknown, { end }: AttemptView): boolean {
  const isAbsent = error instanceof PlateauError && error.code === 'CALL_REFUSED';
  return isAbsent && end !== undefined && end !== 'success' && end !== 'exited';
}
