/**
 * The bytes of one answer, made in parts and read by many: those who come early get what is there and
 * wait for the rest, those who come late get all at once. Parts are never changed and never dropped
 * while somebody reads.
 */
export class SharedBody {
  /** Memory in which some of the parts lie: its owner takes it back when nobody reads any more. */
  readonly borrowed: Buffer[] = [];
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #failure: Error | undefined;
  #isComplete = false;
  #waiting: (() => void)[] = [];

  /** Bytes that are there so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether all parts are there. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Adds the next part. */
  push(part: Buffer): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#wake();
  }

  /** There are no more parts. */
  finish(): void {
    this.#isComplete = true;
    this.#wake();
  }

  /** There will be no more parts, and what there is, is not all: readers get the error. */
  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  /** Resolves when at least `bytes` are there, or all; rejects when they never will be. */
  async filled(bytes: number): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- one change after the other
    while (this.#bytes < bytes && !this.#isEnded()) await this.#changed();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Parts from `start`, as they come. */
  async *read(start = 0): AsyncGenerator<Buffer> {
    for (let index = start; ; index++) {
      // oxlint-disable-next-line no-await-in-loop -- one part after the other
      while (index >= this.#parts.length && !this.#isEnded()) await this.#changed();
      const part = this.#parts[index];
      if (part !== undefined) yield part;
      else if (this.#failure !== undefined) throw this.#failure;
      else return;
    }
  }

  #isEnded(): boolean {
    return this.#isComplete || this.#failure !== undefined;
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
