/**
 * Shares the event loop between those who make and send pages and everybody else: their work is done in
 * small jobs, one after the other in the order in which they were asked for, a few milliseconds of
 * them between two looks at sockets and timers.
 */

/** Milliseconds of jobs before others get their turn. One job should take less. */
export const PAGE_SLICE_MS = 2;

export class Turns {
  #waiting: (() => void)[] = [];
  #isDue = false;

  /** Does a job when its turn has come. Rejects with what the job throws. */
  run<T>(job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(job());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      this.#runLater();
    });
  }

  /** Does a longer piece of work, which is made of small steps, as it takes turns. */
  async steps<T>(work: Generator<unknown, T>): Promise<T> {
    let step = await this.run(() => takeSteps(work));
    // oxlint-disable-next-line no-await-in-loop -- this is what makes room for others
    while (step.done !== true) step = await this.run(() => takeSteps(work));
    return step.value;
  }

  #runLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#runSome());
  }

  #runSome(): void {
    const endMs = performance.now() + PAGE_SLICE_MS;
    const jobs = this.#waiting;
    this.#waiting = [];
    let done = 0;
    do jobs[done++]?.();
    while (done < jobs.length && performance.now() < endMs);
    this.#isDue = false;
    this.#waiting = [...jobs.slice(done), ...this.#waiting];
    if (this.#waiting.length > 0) this.#runLater();
  }
}

/** Takes steps for one slice. */
function takeSteps<T>(work: Generator<unknown, T>): IteratorResult<unknown, T> {
  const endMs = performance.now() + PAGE_SLICE_MS;
  let step = work.next();
  while (step.done !== true && performance.now() < endMs) step = work.next();
  return step;
}
