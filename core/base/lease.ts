/**
 * Leadership among copies of a master or framework. A lease alone is never the safety argument: who
 * leads writes with the epoch that it claimed (see `Store.claimEpoch`). Implementations are in
 * `core/election`; one contract suite runs against all of them.
 */
import type { Disposable } from './disposable.js';

/** Who holds a lease. */
export interface LeaseHolder {
  /** Chosen by the candidate; unique among candidates. */
  readonly id: string;
  /** What the holder wants others to know, such as its address. */
  readonly info: string;
}

/** A candidacy for a lease. */
export interface Candidacy {
  /** Resolves when this candidate holds the lease; rejects with `LEASE_LOST` if resigned before. */
  readonly acquired: Promise<void>;
  /** Resolves, with the reason, when the lease is no longer held. Never rejects. */
  readonly lost: Promise<string>;
  /** Gives the lease up, or the candidacy. */
  resign(): Promise<void>;
}

export interface Lease {
  /** Stands for the lease and, once it is held, keeps it until lost or resigned. */
  contend(holder: LeaseHolder): Candidacy;
  /** Calls the listener with the holder now and whenever it changes; undefined: nobody holds it. */
  watch(listener: (holder: LeaseHolder | undefined) => void): Disposable;
  close(): Promise<void>;
}
