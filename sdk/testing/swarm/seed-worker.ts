/** A thread that runs seeds, as whoever asks for them sees it. */
import { Worker } from 'node:worker_threads';
import { PlateauError, errorMessage } from '../../../core/base/index.js';
import type { SeedResult } from '../run-seed.js';
import type { ScenarioSource, SeedRequest } from './worker.js';

/** A seed that takes longer, in real milliseconds, is given up: its time does not go on. */
export const SEED_TIMEOUT_MS = 600_000;

const WORKER = new URL('worker.js', import.meta.url);

export class SeedWorker {
  readonly #source: ScenarioSource;
  #thread: Worker | undefined;
  #isClosed = false;
  #onEnd: ((error: Error) => void) | undefined;

  constructor(source: ScenarioSource) {
    this.#source = source;
  }

  /**
   * Runs one seed at a time. What ends the thread is a failure of the seed; the next seed gets another thread.
   * @throws PlateauError `INVALID_STATE` when the worker is closed meanwhile.
   */
  async run(request: SeedRequest): Promise<SeedResult> {
    if (this.#isClosed) throw closed();
    this.#thread ??= this.#start();
    const thread = this.#thread;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<SeedResult>((resolve, reject) => {
        this.#onEnd = reject;
        thread.once('message', resolve);
        timer = setTimeout(() => reject(endless()), SEED_TIMEOUT_MS);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        thread.postMessage(request);
      });
    } catch (error) {
      await this.#end();
      if (this.#isClosed) throw closed();
      return failed(request, errorMessage(error));
    } finally {
      this.#onEnd = undefined;
      clearTimeout(timer);
    }
  }

  /** Ends the thread; a seed that runs is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#onEnd?.(closed());
    await this.#end();
  }

  #start(): Worker {
    const thread = new Worker(WORKER, { workerData: this.#source });
    const isOver = (error: Error): void => {
      // What is told of a thread that was given up already is not about the seed of the next one.
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#onEnd?.(error);
    };
    thread.on('error', isOver);
    thread.on('exit', (code) => isOver(new Error(`the thread ended with ${code}`)));
    return thread;
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}

function failed({ seed, faults = [] }: SeedRequest, message: string): SeedResult {
  return { seed, failed: { message, atMs: 0 }, hash: '', virtualMs: 0, faults };
}

function endless(): Error {
  return new Error(`it did not end within ${SEED_TIMEOUT_MS / 60_000} minutes of real time`);
}

function closed(): PlateauError {
  return new PlateauError('INVALID_STATE', 'the run was stopped');
}
