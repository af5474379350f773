/** What there is to know of a daemon, and to tell when it has failed. */
import type { ErrorPolicy } from '../framework/index.js';

/**
 * `running`; `waiting` to be called again after a failure; `ended`: it has returned, or did as it was told;
 * `failed`: it threw and is not called again; `hanging`: it was told to end and has not.
 */
export type DaemonState = 'running' | 'waiting' | 'ended' | 'failed' | 'hanging';

export interface DaemonView {
  /** The method. */
  readonly name: string;
  readonly state: DaemonState;
  /** How often in a row it has failed. */
  readonly failures: number;
  /** What it threw last, if its last run failed. */
  readonly error: string | undefined;
}

/** A daemon has failed, and what follows. */
export interface DaemonFailure {
  readonly method: string;
  readonly error: Error;
  readonly policy: ErrorPolicy;
}
