/** What goes into the core of an executor, and what it wants done. */
import type {
  AgentInfo,
  ExecutorCall,
  ExecutorEvent,
  ExecutorInfo,
  FrameworkInfo,
  TaskInfo,
} from '../../core/api/index.js';
import type { TaskReport } from './handlers.js';

/** A report with its bytes in base64. */
export interface CoreReport extends Omit<TaskReport, 'data'> {
  readonly data?: string;
}

/** How a launch handler ended. */
export type Outcome =
  | { readonly kind: 'returned'; readonly report: CoreReport }
  | { readonly kind: 'threw'; readonly message: string };

export type ExecutorInput =
  | { readonly kind: 'event'; readonly event: ExecutorEvent }
  /** The session is over, or could not be opened. `isFinal`: another try would be refused as well. */
  | { readonly kind: 'disconnected'; readonly reason: string; readonly isFinal: boolean }
  /** The launch handler of these tasks is done. */
  | { readonly kind: 'done'; readonly taskIds: readonly string[]; readonly outcome: Outcome }
  /** The agent has refused an update. */
  | { readonly kind: 'update-refused'; readonly uuid: string; readonly reason: string }
  /** An update could not be sent, or the agent cannot take it now. */
  | { readonly kind: 'update-lost' }
  | { readonly kind: 'shutdown-handled' }
  /** A handler other than a launch handler threw. */
  | { readonly kind: 'crashed'; readonly message: string }
  /** Somebody else than the agent wants the executor to end. */
  | { readonly kind: 'stop'; readonly reason: string }
  | { readonly kind: 'timer'; readonly name: string };

export type ExecutorEffect =
  /** Opens a session by this SUBSCRIBE. */
  | { readonly kind: 'open'; readonly call: ExecutorCall }
  /** Sends an update; what becomes of it comes back as an input. */
  | { readonly kind: 'send'; readonly uuid: string; readonly call: ExecutorCall }
  /** The agent has this update safe, or it will never have it. */
  | { readonly kind: 'settled'; readonly uuid: string }
  | { readonly kind: 'launch'; readonly tasks: readonly TaskInfo[]; readonly isGroup: boolean }
  /** Aborts the signals of tasks. */
  | { readonly kind: 'abort'; readonly taskIds: readonly string[]; readonly reason: string }
  | { readonly kind: 'kill'; readonly taskId: string; readonly graceMs: number }
  | { readonly kind: 'deliver'; readonly data: string }
  | {
      readonly kind: 'connected';
      readonly first: boolean;
      readonly executor: ExecutorInfo;
      readonly framework: FrameworkInfo;
      readonly agent: AgentInfo;
    }
  | {
      readonly kind: 'disconnected';
      readonly reason: string;
      readonly retryForMs: number | undefined;
    }
  | { readonly kind: 'shutdown'; readonly reason: string; readonly graceMs: number }
  /** Replaces a timer of the name. */
  | { readonly kind: 'set-timer'; readonly name: string; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly name: string }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  /** Nothing follows. */
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string };
