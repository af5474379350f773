/** What every handler gets beside its event. */
import type { Ids, Logger, Random } from '../../core/base/index.js';
import type { Decision, Duration, TaskView } from '../decisions/index.js';

/** Where the framework stands with the master. */
export type ConnectionState = 'standby' | 'connecting' | 'subscribed' | 'disconnected' | 'closed';

/** The clock of the framework: the machine's in production, virtual in a test. */
export interface HandlerClock {
  /** Wall time in milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment. Never goes back. */
  elapsed(): number;
}

export interface Context {
  readonly clock: HandlerClock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Logger;
  /** Undefined until the first subscription. */
  readonly frameworkId: string | undefined;
  readonly connection: ConnectionState;
  readonly tasks: TaskView;
  /**
   * Whether the state of a task is what the master has told in this subscription, or has been reported since. Do not
   * end a task because others seem to be enough while this is false: what is known may be old.
   */
  isReconciled(taskId: string): boolean;
  /**
   * Carries a decision out that no handler returned: for admin routes and events from elsewhere. Resolves
   * when what must not be lost has been written. Changes of repositories made before belong to it.
   */
  decide(decision: Decision): Promise<void>;
}

/** What a method with `@Daemon` is given: for one run of it, as long as it lasts. */
export interface DaemonContext extends Context {
  /**
   * Aborted when the framework ends or this copy is not the active one any more, and when the method has
   * returned or thrown, so that what it began ends with it.
   */
  readonly signal: AbortSignal;
  /**
   * Resolves after a time of the framework's clock, at least a millisecond. Rejects as soon as `signal` is
   * aborted, so that no further round of a loop begins; what a daemon throws then is its end, and no failure.
   * @throws PlateauError `STREAM_ENDED` when it is aborted, `INVALID_DURATION`.
   */
  sleep(duration: Duration): Promise<void>;
  /**
   * Runs code as a turn of its own: no handler runs meanwhile, its changes of repositories are written
   * together, and undone when it throws. Resolves with what it returns when they are durable. Decisions are made in
   * it by `decide`; a further `turn` must not be awaited in it.
   */
  turn<T>(run: () => T | Promise<T>): Promise<T>;
}
