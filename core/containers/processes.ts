/**
 * Processes of this host as `/proc` shows them. A process number alone is never trusted: numbers are
 * reused, so whatever is killed by number is first matched by its start time.
 */
import { closeSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from './launcher/protocol.js';

/** What `/proc/<pid>/stat` says of a process. */
export interface ProcessFacts extends ProcessIdentity {
  /** One letter: `R` running, `S` sleeping, `Z` ended but not reaped, … */
  readonly state: string;
  /** Number of the process that started it, or has taken it over. */
  readonly parent: number;
  /** Number of its process group. */
  readonly group: number;
  readonly session: number;
}

/** How often a kill of processes is repeated until they are gone, and for how long at most. */
const KILL_INTERVAL_MS = 10;
const KILL_DEADLINE_MS = 10_000;

/** `stat` is one line; the name of the program in it has at most 64 bytes. */
const statBuffer = Buffer.alloc(1024);

/** The process of a number, or undefined when there is none. */
export function readProcess(pid: number): ProcessFacts | undefined {
  let length: number;
  try {
    const fd = openSync(`/proc/${pid}/stat`, 'r');
    try {
      length = readSync(fd, statBuffer, 0, statBuffer.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const line = statBuffer.toString('latin1', 0, length);
  // The name stands in parentheses and may itself contain spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return undefined;
  const numbers = { parent: Number(parent), group: Number(group), session: Number(session) };
  return { pid, state, ...numbers, startTime };
}

/** Whether this very process exists and has not ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  const facts = readProcess(identity.pid);
  return facts !== undefined && facts.startTime === identity.startTime && !hasEnded(facts);
}

/** All processes that are visible. */
export function listProcesses(): ProcessFacts[] {
  const found: ProcessFacts[] = [];
  for (const name of readdirSync('/proc')) {
    const facts = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (facts !== undefined) found.push(facts);
  }
  return found;
}

/** Sends a signal to a process or, with a negative number, to a group; false when it is not there. */
export function sendSignal(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

export interface LeftBehind {
  /** Leaders of sessions that nobody owns any more. */
  readonly leaders: readonly ProcessIdentity[];
  /** Resolved path of a folder: whoever writes to a task's output files below it is killed too. */
  readonly outputBelow?: string | undefined;
}

/**
 * Kills the sessions and groups of these leaders, and tasks without a known leader, until all are
 * gone. A leader whose number now belongs to another process is left alone, with its group.
 * @returns what could not be killed within 10 seconds (processes that hang in the kernel).
 */
export async function killLeftBehind(left: LeftBehind): Promise<readonly ProcessFacts[]> {
  const deadlineMs = performance.now() + KILL_DEADLINE_MS;
  const confirmed = new Set<number>();
  for (;;) {
    const victims = victimsOf(left, confirmed);
    if (victims.length === 0 || performance.now() > deadlineMs) return victims;
    for (const victim of victims) {
      if (isAlive(victim)) sendSignal(victim.pid, 'SIGKILL');
    }
    await delay(KILL_INTERVAL_MS);
  }
}

/** Adds to `confirmed` the leaders that were seen with their start time; their groups stay theirs. */
function victimsOf(left: LeftBehind, confirmed: Set<number>): ProcessFacts[] {
  const all = listProcesses();
  const byPid = new Map(all.map((facts) => [facts.pid, facts]));
  for (const { pid, startTime } of left.leaders) {
    if (byPid.get(pid)?.startTime === startTime) confirmed.add(pid);
    // Of a group without its leader only the number is known, which may have served others since.
    else if (byPid.has(pid)) confirmed.delete(pid);
  }
  const folder = left.outputBelow;
  const tasks =
    folder === undefined ? [] : all.filter((facts) => writesTaskOutput(facts.pid, folder));
  for (const { pid, session } of tasks) if (pid === session) confirmed.add(pid);
  const found = new Set(tasks);
  for (const facts of all) {
    if (confirmed.has(facts.session) || confirmed.has(facts.group)) found.add(facts);
  }
  return [...found].filter((facts) => facts.pid !== process.pid && !hasEnded(facts));
}

/** Names of the files to which tasks, and the commands of their checks, write. */
const OUTPUT_NAME = /^(?:std(?:out|err)|plateau-(?:health-)?check\.log)$/;

/** Whether its standard output or error goes to a task's output file below the folder. */
function writesTaskOutput(pid: number, folder: string): boolean {
  return [1, 2].some((descriptor) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`).replace(/ \(deleted\)$/, '');
      return target.startsWith(`${folder}/`) && OUTPUT_NAME.test(basename(target));
    } catch {
      return false;
    }
  });
}

function hasEnded(facts: ProcessFacts): boolean {
  return facts.state === 'Z' || facts.state === 'X';
}
