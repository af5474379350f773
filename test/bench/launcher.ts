/**
 * What starting tasks costs: the launcher through the containerizer, without master, agent or client.
 * Tasks are plain processes (`sh -c true`, `sleep`), not images.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerSpec } from '../../core/agent/index.js';
import { type ContainerId, SILENT_LOGGER, id } from '../../core/base/index.js';
import { ProcessContainerizer } from '../../core/containers/index.js';
import type { BenchResult } from './result.js';

const SHORT_TASKS = 2_000;
const WINDOW = 32;
const SERIAL_TASKS = 100;
const SLEEPING_TASKS = 1_000;

/** Runs all measurements; takes about ten seconds. Leaves nothing behind. */
export async function benchLauncher(): Promise<readonly BenchResult[]> {
  const bench = await LauncherBench.start();
  try {
    await bench.shortTasks(100);
    return [await bench.rate(), ...(await bench.latency()), ...(await bench.sleeping())];
  } finally {
    await bench.stop();
  }
}

/** A launcher without master and agent. */
export class LauncherBench {
  readonly containerizer: ProcessContainerizer;
  readonly #workDir: string;
  readonly #ends = new Map<string, () => void>();
  #count = 0;

  private constructor(workDir: string) {
    this.#workDir = workDir;
    this.containerizer = new ProcessContainerizer({ workDir, log: SILENT_LOGGER });
    this.containerizer.onEnd((containerId) => {
      this.containerizer.forget(containerId);
      this.#ends.get(containerId)?.();
      this.#ends.delete(containerId);
    });
  }

  static async start(): Promise<LauncherBench> {
    const bench = new LauncherBench(await mkdtemp(join(tmpdir(), 'plateau-bench-')));
    await bench.containerizer.recover([]);
    return bench;
  }

  async stop(): Promise<void> {
    await this.containerizer.close('end-all');
    await rm(this.#workDir, { recursive: true, force: true });
  }

  /** Runs so many short tasks, a bounded number at a time, and tells how many end in a second. */
  async shortTasks(count: number): Promise<number> {
    const before = performance.now();
    let left = count;
    const work = async (): Promise<void> => {
      while (left-- > 0) await (await this.#start('true')).ended;
    };
    await Promise.all(Array.from({ length: WINDOW }, work));
    return (count * 1000) / (performance.now() - before);
  }

  async rate(): Promise<BenchResult> {
    const launcherPid = this.#launcherPid();
    const cpuBefore = cpuMs(launcherPid);
    const value = await this.shortTasks(SHORT_TASKS);
    const perTaskMs = (cpuMs(launcherPid) - cpuBefore) / SHORT_TASKS;
    return {
      name: 'launcher: short tasks',
      value,
      unit: 'tasks/s',
      anchor: 'Mesos 32.6 container starts/s (images)',
      note: `sh -c true, launch to end, ${WINDOW} at a time, sandbox included; ${perTaskMs.toFixed(2)} cpu-ms of the launcher each`,
    };
  }

  async latency(): Promise<readonly BenchResult[]> {
    const samples: number[] = [];
    for (let index = 0; index < SERIAL_TASKS; index++) {
      const before = performance.now();
      const { ended } = await this.#start('true');
      samples.push(performance.now() - before);
      await ended;
    }
    samples.sort((one, other) => one - other);
    const quantile = (part: number): number => samples[Math.floor(samples.length * part)] ?? 0;
    const note = 'one at a time, asked for to started, sandbox included';
    return [
      { name: 'launcher: start latency p50', value: quantile(0.5), unit: 'ms', note },
      { name: 'launcher: start latency p99', value: quantile(0.99), unit: 'ms', note },
    ];
  }

  async sleeping(): Promise<readonly BenchResult[]> {
    const launcherPid = this.#launcherPid();
    const before = pssMiB(launcherPid);
    for (let index = 0; index < SLEEPING_TASKS; index++) await this.#start('sleep 600');
    const pids = childrenOf(launcherPid);
    const after = pssMiB(launcherPid);
    const cpuBefore = cpuMs(launcherPid);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const patrol = (cpuMs(launcherPid) - cpuBefore) / 2_000;
    const tasks = pids.reduce((sum, pid) => sum + pssMiB(pid), 0);
    return [
      { name: 'launcher: memory, idle', value: before, unit: 'MiB PSS' },
      {
        name: `launcher: memory with ${SLEEPING_TASKS} tasks`,
        value: after,
        unit: 'MiB PSS',
        note: `${pids.length} processes of tasks`,
      },
      { name: 'task: memory of `sleep`', value: tasks / pids.length, unit: 'MiB PSS' },
      {
        name: `launcher: processor with ${SLEEPING_TASKS} quiet tasks`,
        value: patrol * 100,
        unit: '% of a core',
      },
    ];
  }

  async #start(value: string): Promise<{ readonly ended: Promise<void> }> {
    const containerId = id<'ContainerId'>(`task-${++this.#count}`);
    const ended = new Promise<void>((resolve) => this.#ends.set(containerId, resolve));
    const outcome = await this.containerizer.launch(this.#spec(containerId, value));
    if (outcome.kind === 'failed') throw new Error(outcome.message);
    return { ended };
  }

  #spec(containerId: ContainerId, value: string): ContainerSpec {
    return {
      containerId,
      sandbox: join(this.#workDir, 'executors', containerId, 'runs', containerId),
      command: { value },
      environment: {},
      user: undefined,
      limits: {},
    };
  }

  #launcherPid(): number {
    const log = readFileSync(join(this.#workDir, 'launcher.log'), 'utf8');
    return Number(/process (\d+) listens/.exec(log)?.[1]);
  }
}

/** User and system time of a process; the kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory of a process, what it shares counted in part. */
function pssMiB(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024;
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return children.trim().split(' ').map(Number);
}
