/** How launches and containers ended, in the words of the agent. */
import type { ContainerEnd, LaunchOutcome } from '../agent/index.js';
import { errorMessage } from '../base/index.js';
import { LaunchError } from './launch-error.js';
import type { LaunchFailure, ProcessEnd } from './launcher/protocol.js';

export type FailedLaunch = Extract<LaunchOutcome, { kind: 'failed' }>;

/** A launch that came to nothing. */
export function failed(stage: FailedLaunch['stage'], message: string): FailedLaunch {
  return { kind: 'failed', stage, message };
}

/** The failure that an error stands for. */
export function toFailure(error: unknown): FailedLaunch {
  const stage = error instanceof LaunchError ? error.stage : 'launcher';
  return failed(stage, errorMessage(error));
}

/** What the system refused tells whose fault it was. */
export function stageOf(failure: LaunchFailure): FailedLaunch['stage'] {
  if (failure.code === 'EPERM') return 'user';
  return /^(?:ENOENT|EACCES|ENOEXEC|ENOTDIR|E2BIG|ELOOP)$/.test(failure.code ?? '')
    ? 'command'
    : 'launcher';
}

/** An end as the agent knows it. */
export function toContainerEnd(end: ProcessEnd): ContainerEnd {
  return end.signal === undefined
    ? { kind: 'exited', code: end.code ?? 0 }
    : { kind: 'signaled', signal: end.signal };
}
