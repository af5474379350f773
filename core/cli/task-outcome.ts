/** How a task ended, as an exit code and as a summary for programs. */
import { constants } from 'node:os';
import type { TaskRecord } from '../client/index.js';
import { EXIT_CODES, SIGNAL_EXIT_BASE } from '../command/index.js';

/**
 * The exit code for a set of ended tasks: that of the first one that failed. The status of a command
 * is told by the message of the update alone, in the words that Mesos uses.
 */
export function exitCodeOf(records: readonly TaskRecord[]): number {
  const failed = records
    .filter((record) => record.state !== 'TASK_FINISHED')
    .toSorted((one, other) => (one.endedMs ?? 0) - (other.endedMs ?? 0));
  return failed[0] === undefined ? EXIT_CODES.success : codeOf(failed[0]);
}

function codeOf(record: TaskRecord): number {
  const message = record.status?.message ?? '';
  const exited = /exited with status (\d+)/.exec(message)?.[1];
  if (exited !== undefined && exited !== '0') return Number(exited);
  const signal = /terminated with signal (SIG[A-Z0-9]+)/.exec(message)?.[1];
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
  if (number !== undefined) return SIGNAL_EXIT_BASE + number;
  return record.state === 'TASK_KILLED' ? EXIT_CODES.failure : EXIT_CODES.notRun;
}

/** A record as `--json` prints it. Spans are in milliseconds. */
export function summaryOf(record: TaskRecord): Readonly<Record<string, unknown>> {
  const { submittedMs, launchedMs, runningMs, endedMs, status } = record;
  const since = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : Math.round(to - from);
  return {
    taskId: record.taskId,
    state: record.state,
    exitCode: record.state === 'TASK_FINISHED' ? 0 : codeOf(record),
    reason: status?.reason,
    message: status?.message,
    agentId: record.agentId,
    hostname: record.hostname,
    waitedMs: since(submittedMs, launchedMs),
    startMs: since(launchedMs, runningMs),
    ranMs: since(runningMs, endedMs),
  };
}
