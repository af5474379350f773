/**
 * What containers use, from `/proc`: a container is the session of its first process. Counted are the
 * processes that live, and what those that they have waited for used.
 */
import { readFileSync } from 'node:fs';
import type { ContainerUsage } from '../agent/index.js';
import type { ProcessIdentity } from './launcher/protocol.js';
import { listProcesses } from './processes.js';

/** Clock ticks a second and bytes a page, which Linux has had the same on every common machine. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Usage of the containers that these processes lead; one that has ended is left out. */
export function usageOf(leaders: readonly ProcessIdentity[]): ReadonlyMap<number, ContainerUsage> {
  const wanted = new Map(leaders.map(({ pid, startTime }) => [pid, startTime]));
  const all = listProcesses();
  const isLeading = new Set(
    all.filter(({ pid, startTime }) => wanted.get(pid) === startTime).map(({ pid }) => pid),
  );
  const found = new Map<number, ContainerUsage>();
  for (const { pid, session } of all) {
    if (!isLeading.has(session)) continue;
    const own = readUsage(pid);
    if (own !== undefined) found.set(session, sum(found.get(session), own));
  }
  return found;
}

/** Usage of all processes that a process has started, directly or not, and its own; undefined: it ended. */
export function usageOfTree(root: ProcessIdentity): ContainerUsage | undefined {
  const all = listProcesses();
  if (!all.some(({ pid, startTime }) => pid === root.pid && startTime === root.startTime)) {
    return undefined;
  }
  const children = new Map<number, number[]>();
  for (const { pid, parent } of all) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  let found: ContainerUsage | undefined;
  const waiting = [root.pid];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const own = readUsage(pid);
    if (own !== undefined) found = sum(found, own);
    waiting.push(...(children.get(pid) ?? []));
  }
  return found;
}

function readUsage(pid: number): ContainerUsage | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - FIRST_FIELD] ?? 0);
  return {
    cpuUserSeconds: (field(UTIME) + field(CUTIME)) / TICKS_PER_SECOND,
    cpuSystemSeconds: (field(STIME) + field(CSTIME)) / TICKS_PER_SECOND,
    residentBytes: field(RSS) * PAGE_BYTES,
    processes: 1,
    threads: field(THREADS),
  };
}

/** Numbers of the fields in `/proc/<pid>/stat`; the first after the name is the third. */
const FIRST_FIELD = 3;
const UTIME = 14;
const STIME = 15;
const CUTIME = 16;
const CSTIME = 17;
const THREADS = 20;
const RSS = 24;

function sum(first: ContainerUsage | undefined, second: ContainerUsage): ContainerUsage {
  if (first === undefined) return second;
  return {
    cpuUserSeconds: first.cpuUserSeconds + second.cpuUserSeconds,
    cpuSystemSeconds: first.cpuSystemSeconds + second.cpuSystemSeconds,
    residentBytes: first.residentBytes + second.residentBytes,
    processes: first.processes + second.processes,
    threads: first.threads + second.threads,
  };
}
