/**
 * Status updates from custom executors through agent and master to a scheduler, and the way back, all
 * in processes of their own. What counts is the processor time of agent and master for each update: it
 * says what a core of their own would carry, on a machine that they share with the driver and others.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../core/base/index.js';
import type { Bench } from './bench.js';
import { Cluster } from './cluster.js';
import { type BenchResult, percentile, summarise } from './result.js';
import type { UpdatesOrder } from './updates-driver.js';

const EXECUTORS = 8;
const TASKS_PER_EXECUTOR = 32;
/** Until the code of all programs is compiled. */
const WARM_UP_UPDATES = 20_000;
const ROUNDS = 5;
const ROUND_MS = 3_000;
/** Tasks that tell their states at a time while latency is measured. */
const QUIET_TASKS = 4;
/** Ticks of the processor times that Linux tells, in a second. */
const TICKS_PER_SECOND = 100;

export const STATUS_UPDATES: Bench = {
  name: 'StatusUpdates',
  async run() {
    const cluster = await Cluster.start();
    const driver = new DriverProcess();
    try {
      const master = `http://${cluster.address}`;
      await driver.order({
        kind: 'start',
        master,
        executors: EXECUTORS,
        tasksPerExecutor: TASKS_PER_EXECUTOR,
      });
      await driver.order({ kind: 'load', tasks: EXECUTORS * TASKS_PER_EXECUTOR });
      for (let done = 0; done < WARM_UP_UPDATES;) done += (await measure(cluster, driver)).count;
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(cluster, driver));
      await driver.order({ kind: 'load', tasks: QUIET_TASKS });
      await measure(cluster, driver);
      const quiet = await measure(cluster, driver);
      await driver.order({ kind: 'stop' });
      return figures(rounds, quiet);
    } finally {
      driver.stop();
      await cluster.stop();
    }
  },
};

/** The program that plays executors and scheduler. */
class DriverProcess {
  readonly #child: ChildProcess = fork(
    fileURLToPath(new URL('updates-driver.js', import.meta.url)),
  );

  readonly #ended: Promise<never> = once(this.#child, 'exit').then(([code]) => {
    throw new Error(`the driver ended with ${String(code)}`);
  });

  constructor() {
    // At the end it is wanted, and nobody waits for it.
    this.#ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Milliseconds that each update took, for `sample`. */
  async order(order: UpdatesOrder): Promise<readonly number[]> {
    this.#child.send(order);
    const [answer]: unknown[] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    const result = isRecord(answer) ? answer['result'] : undefined;
    const latencies: unknown = isRecord(result) ? result['latenciesMs'] : [];
    return Array.isArray(latencies) ? latencies.map(Number) : [];
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** What happened in some seconds. */
interface Round {
  readonly count: number;
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
  /** Milliseconds of processor time for each update, of all threads of the process. */
  readonly agentMs: number;
  readonly masterMs: number;
  readonly driverMs: number;
}

async function measure(cluster: Cluster, driver: DriverProcess): Promise<Round> {
  const pids = [cluster.agentPid, cluster.masterPid, driver.pid];
  await driver.order({ kind: 'sample' });
  const before = pids.map(processorMs);
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  const latenciesMs = await driver.order({ kind: 'sample' });
  const seconds = (performance.now() - startMs) / 1000;
  const count = latenciesMs.length;
  const [agentMs = 0, masterMs = 0, driverMs = 0] = pids.map(
    (pid, index) => (processorMs(pid) - (before[index] ?? 0)) / count,
  );
  return { count, perSecond: count / seconds, latenciesMs, agentMs, masterMs, driverMs };
}

/** Milliseconds that all threads of a process have run, in the system and outside. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, which may hold anything, ends with the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

function figures(rounds: readonly Round[], quiet: Round): readonly BenchResult[] {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs);
  const per = (name: string, ms: (round: Round) => number): BenchResult[] => [
    summarise(
      `updates for each second of a core of the ${name}`,
      rounds.map((round) => 1000 / ms(round)),
      { unit: 'updates/s' },
    ),
    summarise(`processor time of the ${name} for each update`, rounds.map(ms)),
  ];
  const tasks = `${EXECUTORS} executors, ${EXECUTORS * TASKS_PER_EXECUTOR} tasks`;
  return [
    ...per('agent', (round) => round.agentMs),
    ...per('master', (round) => round.masterMs),
    summarise(
      'updates, end to end',
      rounds.map((round) => round.perSecond),
      { unit: 'updates/s', note: `${tasks}; the driver shares the machine` },
    ),
    summarise(
      'processor time of the driver for each update',
      rounds.map((round) => round.driverMs),
    ),
    {
      name: 'UPDATE to both acknowledgements, p50',
      value: percentile(latenciesMs, 0.5),
      unit: 'ms',
    },
    {
      name: 'UPDATE to both acknowledgements, p99',
      value: percentile(latenciesMs, 0.99),
      unit: 'ms',
    },
    {
      name: `the same with ${QUIET_TASKS} tasks, p50`,
      value: percentile(quiet.latenciesMs, 0.5),
      unit: 'ms',
    },
    {
      name: `the same with ${QUIET_TASKS} tasks, p99`,
      value: percentile(quiet.latenciesMs, 0.99),
      unit: 'ms',
    },
  ];
}
