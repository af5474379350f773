/**
 * What tasks really did, by their own account, and whether that agrees with what the scheduler was
 * told. Each task has a file to which it adds a line when it starts (with its process) and a line when
 * it is about to end (with the exit status that will follow), so the judge needs to believe nobody.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TaskState, type TaskStatus, isTerminalState } from '../../../core/api/index.js';

/** Exit status that stands for the end by SIGKILL. */
export const BY_SIGKILL = 137;

/** The account that a task gave of itself. */
export interface Deeds {
  /** The processes in which it started: more than one is a task that ran twice. */
  readonly pids: readonly number[];
  /** The exit statuses that it announced. */
  readonly ends: readonly number[];
}

/** The shell command of a task that notes what it does: the start, then `work`, then its end. */
export function scriptOf(what: {
  readonly folder: string;
  readonly taskId: string;
  readonly work: string;
  readonly exit: number;
}): string {
  const file = join(what.folder, what.taskId);
  const end = what.exit === BY_SIGKILL ? 'kill -9 $$' : `exit ${what.exit}`;
  return `echo "start $$" >> ${file}; ${what.work}; echo "end ${what.exit}" >> ${file}; ${end}`;
}

/** Reads the account of a task; one that never started has left none. */
export function deedsOf(folder: string, taskId: string): Deeds {
  const numbers = (word: string, text: string): readonly number[] =>
    [...text.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, number]) => Number(number));
  try {
    const text = readFileSync(join(folder, taskId), 'utf8');
    return { pids: numbers('start', text), ends: numbers('end', text) };
  } catch {
    return { pids: [], ends: [] };
  }
}

/** Whether a status is an answer to RECONCILE rather than news. */
export function isAnswer(status: TaskStatus): boolean {
  return status.reason === 'REASON_RECONCILIATION';
}

/**
 * The status that told the end of a task: an update, or the answer that there is no such task. The
 * answer that a task has ended is not enough: the update must arrive all the same.
 */
export function verdictOf(told: readonly TaskStatus[]): TaskStatus | undefined {
  return told.find((status) =>
    isAnswer(status) ? NO_SUCH_TASK.has(status.state) : isFinal(status.state),
  );
}

/** Whether a state says that the task does not and will not run. */
function isFinal(state: TaskState): boolean {
  return isTerminalState(state) || state === 'TASK_UNKNOWN';
}

/** States in which the cluster says that it has no such task. */
const NO_SUCH_TASK: ReadonlySet<TaskState> = new Set([
  'TASK_UNKNOWN',
  'TASK_GONE',
  'TASK_DROPPED',
  'TASK_LOST',
]);

/**
 * Compares all that a scheduler was told of a task, in order, with what the task did. Returns what
 * is wrong, in words; nothing for an honest history that has come to its end. `mayBeCut`: somebody
 * may have killed the task, so it need not have announced its end.
 */
export function faultsOf(
  taskId: string,
  told: readonly TaskStatus[],
  what: { readonly deeds: Deeds; readonly mayBeCut?: boolean },
): readonly string[] {
  const { deeds } = what;
  const faults = orderFaults(told);
  if (deeds.pids.length > 1) faults.push(`ran ${deeds.pids.length} times`);
  const verdict = verdictOf(told);
  if (verdict === undefined) {
    faults.push(`never came to an end: ${told.at(-1)?.state ?? 'nothing was told'}`);
  } else faults.push(...verdictFaults(verdict, deeds, what.mayBeCut === true));
  const story = told.map(describe).join(', ');
  return faults.map((fault) => `${taskId}: ${fault} [${story}; ${JSON.stringify(deeds)}]`);
}

const RANKS: Partial<Record<TaskState, number>> = {
  TASK_STAGING: 0,
  TASK_STARTING: 1,
  TASK_RUNNING: 2,
  TASK_KILLING: 3,
};

/** Updates may come more than once, but never after a later one, and nothing follows the last. */
function orderFaults(told: readonly TaskStatus[]): string[] {
  const faults: string[] = [];
  let latest: TaskStatus | undefined;
  for (const status of told) {
    // Nobody knows: neither news nor an end.
    if (status.state === 'TASK_UNREACHABLE') continue;
    // Once the end is told and acknowledged the cluster forgets the task, and may answer so.
    if (isAnswer(status) && latest !== undefined && isFinal(latest.state)) continue;
    if (status.uuid !== undefined && status.uuid === latest?.uuid) continue;
    // An answer may be ahead of the update with the same news.
    const isSame = latest !== undefined && isAnswer(latest) && latest.state === status.state;
    if (latest !== undefined && isFinal(latest.state) && !isSame) {
      faults.push(`${describe(status)} after ${describe(latest)}`);
    } else if (latest !== undefined && rankOf(status.state) < rankOf(latest.state)) {
      faults.push(`went back from ${describe(latest)} to ${describe(status)}`);
    }
    // An answer that is no news must not hide that the same update is repeated.
    if (!isAnswer(status) || status.state !== latest?.state) latest = status;
  }
  return faults;
}

function rankOf(state: TaskState): number {
  return RANKS[state] ?? 4;
}

function verdictFaults(verdict: TaskStatus, deeds: Deeds, mayBeCut: boolean): readonly string[] {
  const { state, message = '' } = verdict;
  if (mayBeCut && state === 'TASK_KILLED') return [];
  if (mayBeCut && state === 'TASK_FAILED' && (deeds.ends.length === 0 || /unseen/.test(message))) {
    return [];
  }
  if (NO_SUCH_TASK.has(state) || isNeverStarted(verdict)) {
    return deeds.pids.length === 0 ? [] : [`ran, and was told as ${describe(verdict)}`];
  }
  const claimed = exitStatus(message);
  if (claimed === undefined) return [`has an end that cannot be checked: ${describe(verdict)}`];
  const faults = (state === 'TASK_FINISHED') === (claimed === 0) ? [] : ['state and status differ'];
  if (deeds.ends.length !== 1 || deeds.ends[0] !== claimed) {
    faults.push(`is said to have ended with ${claimed}`);
  }
  return faults;
}

/** The agent died between noting the task and starting it. */
function isNeverStarted({ state, message }: TaskStatus): boolean {
  return state === 'TASK_FAILED' && /unseen|Failed to launch/.test(message ?? '');
}

function exitStatus(message: string): number | undefined {
  const status = /exited with status (\d+)/.exec(message)?.[1];
  if (status !== undefined) return Number(status);
  return message.includes('terminated with signal SIGKILL') ? BY_SIGKILL : undefined;
}

function describe({ state, reason, message, uuid }: TaskStatus): string {
  const why = [reason?.replace('REASON_', ''), message].filter((text) => text !== undefined);
  return `${state.replace('TASK_', '')}(${[...why, uuid?.slice(0, 4)].join('; ')})`;
}
