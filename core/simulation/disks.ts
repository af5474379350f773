/** How long commits take on each node, and on which nodes they take longer for a while. */
import type { Random } from '../base/index.js';

export class Disks {
  readonly #maxCommitMs: number;
  /** Means of what comes on top, exponentially distributed. */
  readonly #slow = new Map<string, number>();

  /** @param maxCommitMs longest time of a commit to a healthy disk; each is drawn evenly from 0. */
  constructor(maxCommitMs: number) {
    this.#maxCommitMs = maxCommitMs;
  }

  /** Makes the function that draws how long a commit of the node takes. */
  commitTimes(node: string, random: Random, maxCommitMs = this.#maxCommitMs): () => number {
    return () => {
      const extraMs = this.#slow.get(node);
      const commitMs = random.next() * maxCommitMs;
      return extraMs === undefined ? commitMs : commitMs - Math.log(1 - random.next()) * extraMs;
    };
  }

  /** Commits of the node take so much longer in the mean; 0: no more. */
  slow(node: string, meanExtraMs: number): void {
    if (meanExtraMs > 0) this.#slow.set(node, meanExtraMs);
    else this.#slow.delete(node);
  }

  /** All disks are healthy. */
  heal(): void {
    this.#slow.clear();
  }
}
