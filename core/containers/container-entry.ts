/** What a containerizer knows of a container between its launch and its end, and what it waits for. */
import type { ContainerEnd, LaunchOutcome, PendingOperation } from '../agent/index.js';
import type { ProcessIdentity, TaskSignal } from './launcher/protocol.js';

/** What is being done for a launch, in the order in which it is. */
export type LaunchStage =
  | 'sandbox::make'
  | 'fetcher::fetch'
  | 'sandbox::fill'
  | 'docker::pull'
  | 'launcher::wait'
  | 'launcher::launch';

/** A container that was asked for and has not been told to have ended. */
export interface Entry {
  readonly abort: AbortController;
  process: ProcessIdentity | undefined;
  /** Settles the launch while the launcher is being asked. */
  settle: ((outcome: LaunchOutcome) => void) | undefined;
  /** Whether the launch has settled, so that an end may be told. */
  isStarted: boolean;
  end: ContainerEnd | undefined;
  /** Sent again if a connection was lost. */
  lastSignal: TaskSignal | undefined;
  /** What a launch waits for. */
  stage: LaunchStage;
  /** Since when, or since it was told to end; on the monotonic clock. */
  sinceMs: number;
}

export function newEntry(): Entry {
  return {
    abort: new AbortController(),
    process: undefined,
    settle: undefined,
    isStarted: false,
    end: undefined,
    lastSignal: undefined,
    stage: 'sandbox::make',
    sinceMs: performance.now(),
  };
}

/** Whether the launcher was asked for it and has not answered. */
export function isAsked(entry: Entry): boolean {
  return entry.settle !== undefined;
}

/** The launch has come so far. */
export function reach(entry: Entry, stage: LaunchStage): void {
  entry.stage = stage;
  entry.sinceMs = performance.now();
}

/** What is under way for a container, with the seconds since it began; undefined: it just runs. */
export function pendingOf(containerId: string, entry: Entry): PendingOperation | undefined {
  const seconds = ((performance.now() - entry.sinceMs) / 1000).toFixed(3);
  const args = { containerId, seconds };
  if (entry.process === undefined) return { operation: entry.stage, args };
  if (entry.lastSignal === undefined || entry.end !== undefined) return undefined;
  return { operation: 'launcher::destroy', args: { ...args, signal: String(entry.lastSignal) } };
}
