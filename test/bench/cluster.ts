/**
 * The whole path with real processes: a master, an agent with its launcher, and a scheduler that
 * speaks the v1 API. Measures short tasks per second, the way from ACCEPT to TASK_RUNNING on an idle
 * cluster, and the memory of running tasks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Offer, SchedulerEvent, TaskInfo } from '../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../core/base/index.js';
import { OfferRemainder, SchedulerClient } from '../../core/client/index.js';
import { type BenchResult, percentile } from './result.js';

const MAIN = fileURLToPath(new URL('../../core/cli/main.js', import.meta.url));
const RESOURCES = 'cpus:64;mem:65536;disk:10000;ports:[31000-32000]';
const SIZE = { cpus: 0.01, memoryMiB: 8 };
const SHORT_TASKS = 1_000;
const RUNNING_TASKS = 1_000;
const ROUNDS = 30;
/** Before memory is measured, as the yardstick for other masters does. */
const SETTLE_MS = 1_000;

/** All figures of the whole path. */
export async function benchCluster(): Promise<readonly BenchResult[]> {
  const cluster = await Cluster.start();
  try {
    const latencies = await startLatencies(cluster);
    const idle = cluster.memory();
    // Twice: the first time it is the compiler of four programs that is measured.
    await shortTasks(cluster, SHORT_TASKS);
    const perSecond = await shortTasks(cluster, SHORT_TASKS);
    const running = await launchAll(cluster, {
      count: RUNNING_TASKS,
      command: 'sleep 600',
      until: 'running',
      whenReached: async () => {
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
        return cluster.memory();
      },
    });
    const memory = running.result ?? idle;
    const perTask = (memory.allMiB - idle.allMiB) / RUNNING_TASKS;
    return [
      {
        name: 'short tasks, end to end',
        value: perSecond,
        unit: 'tasks/s',
        note: `${SHORT_TASKS} × sh -c true on one agent`,
        anchor: 'Mesos 11–12/s on 2 cores',
      },
      {
        name: 'ACCEPT to TASK_RUNNING, p50',
        value: percentile(latencies, 0.5),
        unit: 'ms',
        note: 'idle cluster',
        anchor: 'Mesos 95–101 ms',
      },
      {
        name: 'ACCEPT to TASK_RUNNING, p95',
        value: percentile(latencies, 0.95),
        unit: 'ms',
        anchor: 'Mesos 115–121 ms',
      },
      {
        name: 'memory per running task',
        value: perTask,
        unit: 'MiB PSS',
        note: `${RUNNING_TASKS} × sleep, the task's own process included`,
        anchor: 'Mesos 11.0 MB, 4 processes',
      },
      {
        name: 'processes per running task',
        value: (memory.processes - idle.processes) / RUNNING_TASKS,
        unit: '',
      },
      {
        name: 'master, agent and launcher',
        value: memory.programsMiB,
        unit: 'MiB PSS',
        note: `with ${RUNNING_TASKS} tasks running`,
      },
    ];
  } finally {
    await cluster.stop();
  }
}

/** Runs so many short tasks at once, and tells how many end in a second. */
export async function shortTasks(cluster: Cluster, count: number): Promise<number> {
  const load = { count, command: 'true', until: 'ended' } as const;
  return (await launchAll(cluster, load)).perSecond;
}

interface Memory {
  /** PSS of master, agent, launcher and all tasks. */
  readonly allMiB: number;
  /** PSS of master, agent and launcher alone. */
  readonly programsMiB: number;
  readonly processes: number;
}

/** A master and one agent in processes of their own. */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'plateau-bench-'));
  address = '';
  readonly #programs: ChildProcess[] = [];

  static async start(): Promise<Cluster> {
    const cluster = new Cluster();
    const masterPort = await cluster.#spawn('master', '--work_dir=master');
    cluster.address = `127.0.0.1:${masterPort}`;
    await cluster.#spawn(
      'agent',
      '--work_dir=agent',
      `--master=${cluster.address}`,
      `--resources=${RESOURCES}`,
    );
    return cluster;
  }

  get masterPid(): number {
    return this.#programs[0]?.pid ?? 0;
  }

  get agentPid(): number {
    return this.#programs[1]?.pid ?? 0;
  }

  memory(): Memory {
    const roots = this.#programs.map((program) => program.pid ?? 0);
    const processes = readProcesses().filter(
      (each) => roots.includes(each.pid) || each.texts.includes(this.folder),
    );
    const isProgram = (each: { readonly command: string }): boolean =>
      each.command.includes('node');
    const sum = (some: typeof processes): number =>
      some.reduce((total, each) => total + each.pssMiB, 0);
    return {
      allMiB: sum(processes),
      programsMiB: sum(processes.filter(isProgram)),
      processes: processes.length,
    };
  }

  async stop(): Promise<void> {
    for (const [program, signal] of [
      [this.#programs[1], 'SIGUSR1'],
      [this.#programs[0], 'SIGTERM'],
    ] as const) {
      if (program === undefined || program.exitCode !== null) continue;
      const ended = new Promise((resolve) => program.once('exit', resolve));
      program.kill(signal);
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(...argv: readonly string[]): Promise<number> {
    const program = spawn(process.execPath, [MAIN, ...argv, '--port=0', '--logging_level=ERROR'], {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, PLATEAU_BENCH: this.folder },
    });
    this.#programs.push(program);
    return new Promise((resolve, reject) => {
      program.once('message', (message: { readonly port: number }) => resolve(message.port));
      program.once('exit', (code) => reject(new Error(`${argv[0]} ended with ${code}`)));
    });
  }
}

interface ProcessRow {
  readonly pid: number;
  readonly command: string;
  /** Command line and environment. */
  readonly texts: string;
  readonly pssMiB: number;
}

/** Processes whose memory and environment can be read. */
function readProcesses(): readonly ProcessRow[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        const smaps = readFileSync(`/proc/${name}/smaps_rollup`, 'utf8');
        return [
          {
            pid: Number(name),
            command: commandLine.split('\0')[0] ?? '',
            texts: commandLine + readFileSync(`/proc/${name}/environ`, 'utf8'),
            pssMiB: Number(/^Pss:\s+(\d+)/m.exec(smaps)?.[1] ?? 0) / 1024,
          },
        ];
      } catch {
        return [];
      }
    });
}

/** A subscribed scheduler with a handler that can be exchanged. */
async function subscribe(
  cluster: Cluster,
  onEvent: (event: SchedulerEvent, client: SchedulerClient) => void,
): Promise<SchedulerClient> {
  return new Promise((resolve, reject) => {
    const client: SchedulerClient = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: cluster.address,
      frameworkInfo: {
        user: 'root',
        name: 'bench',
        roles: ['bench'],
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
      },
      onEvent: (event) => {
        if (event.subscribed !== undefined) resolve(client);
        if (event.update !== undefined)
          client.acknowledge(event.update.status).catch(() => undefined);
        onEvent(event, client);
      },
    });
    client.run().catch(reject);
  });
}

let nextTask = 0;

/** Offers that arrive while a measurement ends are lost with its framework, and so are the calls. */
function launch(client: SchedulerClient, offer: Offer, tasks: readonly TaskInfo[]): void {
  const operations = [{ type: 'LAUNCH' as const, launch: { task_infos: tasks } }];
  const filters = { refuse_seconds: 0 };
  client
    .call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations, filters } })
    .catch(() => undefined);
}

function task(offer: Offer, room: OfferRemainder, command: string): TaskInfo {
  nextTask += 1;
  return {
    name: 'bench',
    task_id: { value: `bench-${nextTask}` },
    agent_id: offer.agent_id,
    resources: room.take(SIZE),
    command: { value: command },
  };
}

/** One task at a time: milliseconds from ACCEPT to TASK_RUNNING. */
async function startLatencies(cluster: Cluster): Promise<readonly number[]> {
  const samples: number[] = [];
  let acceptedMs = 0;
  let finish: () => void = () => {};
  const ended = new Promise<void>((resolve) => (finish = resolve));
  const client = await subscribe(cluster, ({ offers, update }, self) => {
    for (const offer of offers?.offers ?? []) {
      acceptedMs = performance.now();
      launch(self, offer, [task(offer, new OfferRemainder(offer), 'true')]);
    }
    if (update?.status.state === 'TASK_RUNNING') samples.push(performance.now() - acceptedMs);
    if (samples.length >= ROUNDS) finish();
  });
  await ended;
  await client.teardown();
  return samples;
}

interface Load<Result> {
  readonly count: number;
  readonly command: string;
  readonly until: 'running' | 'ended';
  readonly whenReached?: () => Promise<Result>;
}

/** As many tasks as offers have room for, until all of them have come as far as asked. */
async function launchAll<Result>(
  cluster: Cluster,
  load: Load<Result>,
): Promise<{ readonly perSecond: number; readonly result: Result | undefined }> {
  let left = load.count;
  let reached = 0;
  let startedMs = 0;
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  const wanted = load.until === 'running' ? 'TASK_RUNNING' : 'TASK_FINISHED';
  const client = await subscribe(cluster, ({ offers, update }, self) => {
    for (const offer of offers?.offers ?? []) {
      startedMs ||= performance.now();
      const room = new OfferRemainder(offer);
      const tasks: TaskInfo[] = [];
      for (; left > 0 && room.fits(SIZE); left--) tasks.push(task(offer, room, load.command));
      launch(self, offer, tasks);
    }
    if (update?.status.state === wanted) reached += 1;
    if (reached === load.count) finish();
  });
  await done;
  const seconds = (performance.now() - startedMs) / 1000;
  const result = await load.whenReached?.();
  await client.teardown();
  return { perSecond: load.count / seconds, result };
}
