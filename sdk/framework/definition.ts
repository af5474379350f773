/** What the reader finds in a framework class: all that the runtime needs to know of it. */
import type { Duration, TaskStateName } from '../decisions/index.js';
import type { HandlerKind } from './handlers.js';

/** What happens when a handler throws or its time is over. */
export type ErrorPolicy = 'retry' | 'skip' | 'crash';

/** Options of `@Daemon`. */
export interface DaemonOptions {
  /**
   * What happens when the method throws. `crash` (default): the framework closes with the error. `retry`: it is
   * called again, with growing waits. `skip`: it is over, and the framework goes on without it. Either way
   * `@OnError` is told.
   */
  readonly onError?: ErrorPolicy;
  /**
   * Calls after a failure at most, for `retry` and for a `TransientError`; a run of a minute or more makes
   * them count anew. Then it crashes, or, of `skip`, is over. Default 10.
   */
  readonly retries?: number;
  /** First wait before a further call; doubles up to a minute, with jitter. Default 1 s. */
  readonly backoff?: Duration;
}

/** Options that every handler decorator takes. */
export interface HandlerOptions {
  /**
   * `crash` (default): the framework closes with the error, and nothing of the turn is recorded or
   * acknowledged. `retry`: the handler is called again with the same event, with growing waits. `skip`: the
   * event counts as dealt with. Either way `@OnError` is told.
   */
  readonly onError?: ErrorPolicy;
  /**
   * Calls after the first at most, for `retry` and for a `TransientError`. Then it crashes, or, of `skip`, the
   * event counts as dealt with. Default 10.
   */
  readonly retries?: number;
  /** First wait before a retry; doubles up to a minute, with jitter. Default 1 s. */
  readonly backoff?: Duration;
  /** How long one call may take. Default 1 min. */
  readonly timeout?: Duration;
}

/** Which updates a status handler is given. */
export interface StatusFilter {
  /** Default: all. */
  readonly states?: readonly TaskStateName[];
  /** Names of tasks. Default: all. */
  readonly task?: string | RegExp;
}

export interface HandlerDefinition {
  readonly kind: HandlerKind;
  /** Name of the method, for messages. */
  readonly method: string;
  /** Calls the method on an instance of the class. */
  readonly invoke: (instance: object, args: readonly unknown[]) => unknown;
  readonly onError: ErrorPolicy;
  readonly retries: number;
  readonly backoffMs: number;
  /** Endless for `daemon`. */
  readonly timeoutMs: number;
  /** For `status`. */
  readonly filter?: StatusFilter | undefined;
  /** For `every`. */
  readonly everyMs?: number | undefined;
}

/** A property of the class that holds stored state. */
export interface StoredDefinition {
  readonly property: string;
  /** First part of the keys of its records. */
  readonly name: string;
  /** Version of the shape. Default 1. */
  readonly version: number;
  /** By version: makes a value of that version into one of the next. */
  readonly migrations: Readonly<Record<number, (value: unknown) => unknown>>;
  /** Throws when a value that was read is not valid. */
  readonly check?: ((value: unknown) => void) | undefined;
}

/** The options of `@Framework`, complete, in milliseconds. */
export interface FrameworkSettings {
  readonly name: string;
  readonly roles: readonly string[];
  readonly user: string;
  readonly principal?: string | undefined;
  readonly hostname?: string | undefined;
  readonly webuiUrl?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly failoverTimeoutMs: number;
  readonly revocable: boolean;
  readonly gpus: boolean;
  readonly regionAware: boolean;
  readonly onRemoved: 'exit' | 'reregister';
  readonly reconcileEveryMs: number;
  /** Decline of offers in which nothing wanted fits. */
  readonly unmatchedForMs: number;
  /** Decline of offers that came while the framework was not ready for them. */
  readonly notReadyForMs: number;
}

export interface FrameworkDefinition {
  readonly settings: FrameworkSettings;
  readonly handlers: readonly HandlerDefinition[];
  readonly stored: readonly StoredDefinition[];
}
