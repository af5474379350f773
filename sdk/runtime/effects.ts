/**
 * What goes into the core and what comes out: the whole interface between the pure step and the shell
 * around it. Nothing here holds a promise. Numbers name sessions, calls, commits and requests.
 */
import type { Offer, SchedulerCall, SchedulerEvent } from '../../core/api/index.js';
import type { LogFields, LogLevel, StoreTransaction } from '../../core/base/index.js';
import type { Decision } from '../decisions/index.js';
import type { HandlerDefinition, TaskUpdate } from '../framework/index.js';
import type { DaemonFailure } from './daemon-state.js';

/** Something happened. */
export type RuntimeInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'event'; readonly session: number; readonly event: SchedulerEvent }
  | { readonly kind: 'session-ended'; readonly session: number; readonly error: Error }
  | { readonly kind: 'timer'; readonly name: string }
  | { readonly kind: 'handled'; readonly invocation: number; readonly decision: Decision }
  | { readonly kind: 'handler-failed'; readonly invocation: number; readonly error: Error }
  | { readonly kind: 'committed'; readonly commit: number }
  | { readonly kind: 'commit-failed'; readonly commit: number; readonly error: Error }
  | { readonly kind: 'called'; readonly call: number }
  | { readonly kind: 'call-failed'; readonly call: number; readonly error: Error }
  | { readonly kind: 'decide'; readonly request: number; readonly decision: Decision }
  /** A turn for code outside of the framework; the shell keeps the code by its request. */
  | { readonly kind: 'turn'; readonly request: number }
  | ({ readonly kind: 'daemon-failed' } & DaemonFailure)
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'close' }
  /** Ends at once: nothing more is written or sent. */
  | { readonly kind: 'abandon'; readonly error: Error };

/** What runs in a turn: a handler, or code from outside. */
export type Callee =
  | { readonly handler: HandlerDefinition; readonly event: unknown }
  | { readonly request: number };

/** Something is to be done. */
export type RuntimeEffect =
  | { readonly kind: 'open'; readonly session: number; readonly call: SchedulerCall }
  | { readonly kind: 'close-session' }
  /** With `call`, its outcome is an input. */
  | { readonly kind: 'call'; readonly call?: number; readonly message: SchedulerCall }
  | {
      readonly kind: 'invoke';
      readonly invocation: number;
      readonly callee: Callee;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'start-daemons' }
  | { readonly kind: 'stop-daemons' }
  | { readonly kind: 'commit'; readonly commit: number; readonly transaction: StoreTransaction }
  /** Replaces the timer of the name. */
  | { readonly kind: 'set-timer'; readonly name: string; readonly delayMs: number }
  | { readonly kind: 'clear-timer'; readonly name: string }
  /** What was asked from outside is done, or failed. */
  | { readonly kind: 'settle'; readonly request: number; readonly error?: Error }
  | { readonly kind: 'publish-update'; readonly update: TaskUpdate }
  | { readonly kind: 'publish-offers'; readonly offers: readonly Offer[] }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields;
    }
  | { readonly kind: 'end'; readonly error?: Error };
