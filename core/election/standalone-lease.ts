/**
 * The lease of a program that runs alone: whoever contends first holds it at once. Further
 * candidates of the same object wait until it resigns.
 */
import {
  type Candidacy,
  type Disposable,
  type Lease,
  type LeaseHolder,
  toDisposable,
} from '../base/index.js';
import { CandidacyState } from './candidacy.js';

type Watcher = (holder: LeaseHolder | undefined) => void;

export class StandaloneLease implements Lease {
  /** The first one holds the lease. */
  #candidates: CandidacyState[] = [];
  readonly #watchers = new Set<Watcher>();

  contend(holder: LeaseHolder): Candidacy {
    const candidacy: CandidacyState = new CandidacyState(holder, async () => {
      this.#leave(candidacy, 'resigned');
    });
    this.#candidates.push(candidacy);
    if (this.#candidates.length === 1) this.#grant();
    return candidacy;
  }

  watch(listener: Watcher): Disposable {
    this.#watchers.add(listener);
    listener(this.#candidates[0]?.holder);
    return toDisposable(() => this.#watchers.delete(listener));
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    for (const candidacy of this.#candidates.splice(0)) candidacy.end('the lease was closed');
  }

  #grant(): void {
    const first = this.#candidates[0];
    first?.win();
    for (const watcher of this.#watchers) watcher(first?.holder);
  }

  #leave(candidacy: CandidacyState, reason: string): void {
    const held = this.#candidates[0] === candidacy;
    this.#candidates = this.#candidates.filter((other) => other !== candidacy);
    candidacy.end(reason);
    if (held) this.#grant();
  }
}
