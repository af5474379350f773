/**
 * Tells whether a process that wrote a record still runs. A process is known by its pid, its start
 * time, and the boot of the host, so that neither a pid used again nor a reboot can fool anybody.
 */
import { readFileSync } from 'node:fs';
import { isRecord } from '../base/index.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as the kernel tells them; empty where it does not. */
  readonly startTime: string;
  /** Changes with each boot of the host; empty where the kernel does not tell it. */
  readonly bootId: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  return { pid, startTime: startTimeOf(pid) ?? '', bootId: bootId() };
}

/**
 * Whether the process still runs. A zombie does not: it holds nothing any more. Only right for
 * processes of the same pid namespace: one of another container looks dead.
 */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  if (identity.startTime !== '') return startTimeOf(identity.pid) === identity.startTime;
  try {
    return process.kill(identity.pid, 0);
  } catch (error) {
    return isRecord(error) && error['code'] === 'EPERM';
  }
}

/** Whether something read from outside is an identity. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  return (
    isRecord(value) &&
    Number.isSafeInteger(value['pid']) &&
    typeof value['startTime'] === 'string' &&
    typeof value['bootId'] === 'string'
  );
}

/** Undefined when the process does not run or the kernel does not tell. */
function startTimeOf(pid: number): string | undefined {
  const text = readOrUndefined(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name of the program, in parentheses, may contain blanks: what counts follows it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[START_TIME_AFTER_NAME];
}

/** Field 22 of `/proc/<pid>/stat`; the state, right after the name, is field 3. */
const START_TIME_AFTER_NAME = 19;

function bootId(): string {
  return readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
