/**
 * The batch scheduler: an array of short tasks from its submission to its end, with real processes, and the
 * memory that an array of 100,000 indexes takes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Offer } from '../../core/api/index.js';
import { SILENT_LOGGER, SeededRandom, VirtualWorld } from '../../core/base/index.js';
import {
  BatchClient,
  BatchEngine,
  type BatchState,
  JobDocument,
  TemplateDocument,
} from '../../frameworks/batch/index.js';
import { actionsOf } from '../../sdk/decisions/index.js';
import { MemoryRepository, type TaskRecord, type TaskView, offersOf } from '../../sdk/index.js';
import { type Bench, collectGarbage } from './bench.js';
import { Cluster } from './cluster.js';
import type { BenchResult } from './result.js';

const MAIN = fileURLToPath(new URL('../../core/cli/main.js', import.meta.url));
const ARRAY = fileURLToPath(new URL('batch-array.js', import.meta.url));
const SHORT_TASKS = 3_000;
const INDEXES = 100_000;
const AGENTS = 20;
/** Before memory is measured, as for other programs. */
const SETTLE_MS = 1_500;
const MIB = 1024 * 1024;

/** An array of tasks that end at once, on one agent. */
export const BATCH_SHORT_TASKS: Bench = {
  name: 'BatchShortTasks',
  async run() {
    const cluster = await Cluster.start();
    const scheduler = new Scheduler(cluster);
    try {
      const client = new BatchClient(await scheduler.address());
      await shortTasks(client, 'warm-up');
      const perSecond = await shortTasks(client, 'measured');
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const note = `${SHORT_TASKS} × sh -c true on one agent, from submission to the end of the job`;
      return [
        { name: 'batch: short tasks, end to end', value: perSecond, unit: 'tasks/s', note },
        {
          name: 'batch: memory of the scheduler',
          value: scheduler.residentMiB,
          unit: 'MiB RSS',
          note: 'after both',
        },
      ];
    } finally {
      await scheduler.stop();
      await cluster.stop();
    }
  },
};

/** The scheduler as a process. */
class Scheduler {
  readonly #process: ChildProcess;

  constructor({ address, folder }: Cluster) {
    const argv = ['batch', 'serve', `--master=${address}`, `--store=lmdb:${folder}/batch`];
    this.#process = spawn(process.execPath, [MAIN, ...argv, '--log-format=json'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** Of its admin interface, when it is subscribed. */
  async address(): Promise<string> {
    let text = '';
    for await (const data of this.#process.stderr ?? []) {
      text += String(data);
      if (!text.includes('"msg":"subscribed"')) continue;
      // What follows must not fill the pipe.
      this.#process.stderr?.resume();
      return /"address":"(http:[^"]+)\/"/.exec(text)?.[1] ?? '';
    }
    throw new Error(`the scheduler ended: ${text}`);
  }

  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.#process.pid ?? 0}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    if (this.#process.exitCode === null) await ended;
  }
}

async function shortTasks(client: BatchClient, name: string): Promise<number> {
  const template = Object.assign(new TemplateDocument(), {
    command: 'true',
    cpus: 0.01,
    memMiB: 8,
  });
  const job = Object.assign(new JobDocument(), { name, template, completions: SHORT_TASKS });
  const startMs = performance.now();
  await client.submit(job);
  for await (const event of client.events(name)) {
    if (event.kind === 'job' && event.job.finishedAt !== undefined) {
      if (event.job.succeeded !== SHORT_TASKS) throw new Error(`${name} is ${event.job.state}`);
    }
  }
  return (SHORT_TASKS / (performance.now() - startMs)) * 1000;
}

/** What the engine holds of a large array, and what an end costs it. */
export const BATCH_LARGE_ARRAY: Bench = {
  name: 'BatchLargeArray',
  async run() {
    collectGarbage();
    const beforeMiB = process.memoryUsage().heapUsed / MIB;
    const startMs = performance.now();
    const cluster = new Rig();
    cluster.runAll();
    const microseconds = ((performance.now() - startMs) * 1000) / INDEXES;
    collectGarbage();
    const heldMiB = process.memoryUsage().heapUsed / MIB - beforeMiB;
    const note = `${INDEXES} indexes that have ended, each with its attempt, a tenth with two`;
    const results: readonly BenchResult[] = [
      { name: 'batch: memory of a large array', value: heldMiB, unit: 'MiB heap', note },
      {
        name: 'batch: start and end of an index',
        value: microseconds,
        unit: 'µs',
        note: 'engine alone',
      },
    ];
    // What is measured must not be collected before.
    if (cluster.engine.book.size !== 1) throw new Error('the job is gone');
    const { residentMiB, peakMiB, cpuMicroseconds } = await arrayInProcess(INDEXES);
    const name = 'batch: process of the scheduler with a large array';
    const unit = 'MiB RSS';
    return [
      ...results,
      {
        name: `${name}, at most`,
        value: peakMiB,
        unit,
        note: 'tasks end as fast as it starts them',
      },
      { name: `${name}, at rest`, value: residentMiB, unit },
      {
        name: 'batch: an index with store, without network',
        value: cpuMicroseconds,
        unit: 'µs of CPU',
      },
    ];
  },
};

/** What `batch-array.ts` measured. */
export interface ArrayFigures {
  readonly residentMiB: number;
  readonly peakMiB: number;
  readonly cpuMicroseconds: number;
}

/** The scheduler as a process of its own, with an array that it runs to its end. */
export async function arrayInProcess(indexes: number): Promise<ArrayFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-bench-'));
  try {
    const child = spawn(process.execPath, [ARRAY, folder, String(indexes)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    for await (const data of child.stdout) text += String(data);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what that program prints
    return JSON.parse(text) as ArrayFigures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An engine whose tasks end as soon as they are placed, in random order. */
class Rig {
  readonly #world = new VirtualWorld();
  readonly #random = new SeededRandom('batch');
  readonly #tasks = new Map<string, TaskRecord>();
  readonly #state: BatchState = {
    jobs: new MemoryRepository(),
    chunks: new MemoryRepository(),
    agents: new MemoryRepository(),
    counters: new MemoryRepository(),
  };
  readonly engine: BatchEngine;
  #nowMs = 1_900_000_000_000;

  constructor() {
    this.engine = new BatchEngine(this.#state, this.#context());
    const template = Object.assign(new TemplateDocument(), { command: 'true', cpus: 0.1 });
    const document = Object.assign(new JobDocument(), {
      name: 'large',
      template,
      completions: INDEXES,
    });
    this.engine.submit(document, {}, this.#context());
  }

  runAll(): void {
    const context = this.#context();
    while (!this.engine.job('large').isFinished) {
      this.#nowMs += 10_000;
      this.#carryOut(this.engine.place(this.#offers(), context));
      for (const task of this.#tasks.values()) this.#end(task);
    }
  }

  #end(task: TaskRecord): void {
    const isFailing = this.#random.below(10) === 0 && !task.id.includes('retry');
    const isSecond = this.engine.step(this.engine.job('large')).array.retryOf(Number(task.key));
    const hasFailed = isFailing && isSecond === undefined;
    const ended: TaskRecord = {
      ...task,
      state: hasFailed ? 'FAILED' : 'FINISHED',
      message: `Command exited with status ${hasFailed ? 1 : 0}`,
    };
    const status = { task_id: { value: task.id }, state: `TASK_${ended.state}` } as const;
    const update = { task: ended, state: ended.state, previous: task.state, status };
    this.#carryOut(this.engine.taskUpdated(update as never, this.#context()));
  }

  #carryOut(decision: Parameters<typeof actionsOf>[0]): void {
    for (const action of actionsOf(decision)) {
      if (action.kind === 'forget') for (const id of action.taskIds) this.#tasks.delete(id);
      if (action.kind !== 'accept') continue;
      const at = { launchedAt: this.#nowMs, updatedAt: this.#nowMs, state: 'LAUNCHING' } as const;
      for (const task of action.tasks) this.#tasks.set(task.id, { ...task, ...at });
    }
  }

  #offers(): ReturnType<typeof offersOf> {
    const offers = Array.from({ length: AGENTS }, (_, agent): Offer => {
      const allocation_info = { role: 'batch' };
      const scalar = (name: string, value: number): NonNullable<Offer['resources']>[number] => ({
        name,
        type: 'SCALAR',
        scalar: { value },
        allocation_info,
      });
      return {
        id: { value: `${this.#nowMs}-${agent}` },
        framework_id: { value: 'F' },
        agent_id: { value: `agent-${agent}` },
        hostname: `agent-${agent}`,
        allocation_info,
        resources: [scalar('cpus', 10), scalar('mem', 65_536)],
      };
    });
    const { clock, tasks } = this.#context();
    return offersOf(offers, { tasks, clock, ids: this.#world.ids, random: this.#random });
  }

  #context(): ConstructorParameters<typeof BatchEngine>[1] {
    const now = (): number => this.#nowMs;
    const live = (): readonly TaskRecord[] => [...this.#tasks.values()];
    const tasks: TaskView = {
      size: this.#tasks.size,
      get: (id) => this.#tasks.get(id),
      all: live,
      live,
      attempts: () => [],
    };
    return { clock: { now, elapsed: now }, random: this.#random, tasks, log: SILENT_LOGGER };
  }
}
