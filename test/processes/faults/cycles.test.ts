/**
 * The master and the agents are killed again and again under load. What the tasks really did is
 * compared with what the scheduler was told. `PLATEAU_FAULT_CYCLES` sets the number of kills,
 * `PLATEAU_FAULT_SEED` which program is killed and when, `PLATEAU_FAULT_KEEP` leaves folder and logs.
 */
import { expect } from 'chai';
import { PlateauError, type Random, SeededRandom, at } from '../../../core/base/index.js';
import { FaultCluster, type Program, eventually, isAlive, pause, processesOf } from './cluster.js';
import { type Job, LoadScheduler } from './load-scheduler.js';
import { BY_SIGKILL, deedsOf, faultsOf, scriptOf } from './truth.js';

const CYCLES = Number(process.env['PLATEAU_FAULT_CYCLES'] ?? 12);
const SEED = process.env['PLATEAU_FAULT_SEED'] ?? '1';
/** Tasks that run or wait at a time. */
const MAX_OPEN_TASKS = 16;
/** Between a kill and the next, and between a kill and the restart, at most. */
const LONGEST_MS = { calm: 700, absence: 500 };

const KINDS = [
  { work: 'true', exit: 0 },
  { work: 'true', exit: 7 },
  { work: 'sleep 0.2', exit: 0 },
  { work: 'sleep 1', exit: 3 },
  { work: 'true', exit: BY_SIGKILL },
] as const;
/** Ends because the scheduler wants it to. Few, for they take the place of others. */
const ENDLESS = { work: 'sleep 1000', exit: 0 } as const;
const ONE_ENDLESS_IN = 25;
/** An endless supply of tasks of all kinds, as long as it is open. */
class Supply {
  readonly #random: Random;
  readonly #folder: string;
  /** Tasks that run until the scheduler kills them. */
  readonly endless = new Set<string>();
  #count = 0;
  isOpen = true;

  constructor(random: Random, folder: string) {
    this.#random = random;
    this.#folder = folder;
  }

  take(): Job {
    const taskId = `task-${this.#count++}`;
    const isEndless = this.#random.below(ONE_ENDLESS_IN) === 0;
    const kind = isEndless ? ENDLESS : at(KINDS, this.#random.below(KINDS.length));
    if (isEndless) this.endless.add(taskId);
    return { taskId, command: scriptOf({ folder: this.#folder, taskId, ...kind }) };
  }
}

describe(`A cluster of which something is killed ${CYCLES} times (seed ${SEED})`, function () {
  this.timeout(120_000 + CYCLES * 5_000);
  const random = new SeededRandom(SEED);
  const long: Job[] = [];
  let cluster: FaultCluster;
  let supply: Supply;
  let scheduler: LoadScheduler;

  before(async () => {
    cluster = await FaultCluster.start(2);
    supply = new Supply(random.fork('tasks'), cluster.truthFolder);
    scheduler = new LoadScheduler({
      masters: cluster.master.url,
      next: () => {
        if (!supply.isOpen) return long.shift();
        return scheduler.open.length < MAX_OPEN_TASKS ? supply.take() : undefined;
      },
    });
    scheduler.start();
  });

  after(async () => {
    await scheduler.close();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  /** A kill may be lost with the master: whoever means it repeats it until the task has ended. */
  async function killEndless(): Promise<void> {
    const open = scheduler.open.filter((taskId) => supply.endless.has(taskId));
    for (const taskId of open) {
      if (!scheduler.isSubscribed || scheduler.latest(taskId)?.state !== 'TASK_RUNNING') continue;
      await scheduler.kill(taskId).catch(ignoreRetriable);
    }
  }

  it('kills master and agents under load', async () => {
    const faults = random.fork('faults');
    const pending: Promise<void>[] = [];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await pause(faults.next() * LONGEST_MS.calm);
      const agent = at(cluster.agents, faults.below(cluster.agents.length));
      const victims = at([[cluster.master], [agent], [cluster.master, agent]], faults.below(3));
      await killEndless();
      await Promise.all(victims.map((victim) => killAndRestart(victim, faults, pending)));
      if (!scheduler.isSubscribed) {
        await eventually('the scheduler is subscribed', () => scheduler.isSubscribed);
      }
    }
    await Promise.all(pending);
    await cluster.untilRegistered();
  });

  it('comes to rest when nothing more is launched', async () => {
    supply.isOpen = false;
    await eventually(
      () => `every task has ended, but ${scheduler.open.join(' ')}`,
      async () => {
        if (scheduler.open.length === 0) return true;
        if (scheduler.isSubscribed) {
          await scheduler.reconcile(scheduler.open).catch(ignoreRetriable);
        }
        await killEndless();
        await pause(200);
        return false;
      },
    );
    const left = cluster.agents.flatMap((agent) => processesOf(cluster.workDir(agent)));
    expect(left.filter(({ line }) => !line.includes('/main.js'))).to.deep.equal([]);
    // All updates are acknowledged, and the books of the master are empty.
    await eventually('no agent has anything left to tell', async () => {
      const pages = await Promise.all(cluster.agents.map((agent) => agent.page('/state')));
      return pages.every(({ frameworks }) => (frameworks as readonly unknown[]).length === 0);
    });
    const { slaves } = (await cluster.master.page('/slaves')) as {
      readonly slaves: readonly { readonly used_resources: { readonly cpus: number } }[];
    };
    expect(slaves.map(({ used_resources }) => used_resources.cpus)).to.deep.equal([0, 0]);
  });

  it('told the truth about every task, in order, and once and for all', () => {
    const ids = [...scheduler.histories.keys()];
    const faults = ids.flatMap((taskId) =>
      faultsOf(taskId, scheduler.histories.get(taskId)?.told ?? [], {
        deeds: deedsOf(cluster.truthFolder, taskId),
        mayBeCut: supply.endless.has(taskId),
      }),
    );
    expect(faults).to.deep.equal([]);
    const started = ids.filter((taskId) => deedsOf(cluster.truthFolder, taskId).pids.length > 0);
    // The faults must not have kept the tasks from running: then nothing would have been tested.
    expect(started.length).to.be.greaterThan(ids.length / 2);
    expect(started.length).to.be.greaterThan(2 * CYCLES);
  });

  it('answers a reconciliation for every id', async () => {
    const ids = [...scheduler.histories.keys()];
    const before = new Map(ids.map((taskId) => [taskId, scheduler.answers(taskId)]));
    await scheduler.reconcile(ids);
    const unanswered = (): readonly string[] =>
      ids.filter((taskId) => scheduler.answers(taskId) === before.get(taskId));
    await eventually(
      () => `all are answered, but ${unanswered().join(' ')}`,
      () => unanswered().length === 0,
    );
  });

  it('answers for exactly what runs when no id is named, also after another kill', async () => {
    const jobs = ['long-1', 'long-2'].map((taskId) => ({
      taskId,
      command: scriptOf({ folder: cluster.truthFolder, taskId, work: 'sleep 1000', exit: 0 }),
    }));
    long.push(...jobs);
    const states = (): readonly unknown[] =>
      jobs.map(({ taskId }) => scheduler.latest(taskId)?.state);
    const bothRun = (): boolean => states().every((state) => state === 'TASK_RUNNING');
    await eventually('both run', bothRun);
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
    await eventually('the scheduler is subscribed', () => scheduler.isSubscribed);
    await cluster.untilRegistered();
    const answers = (): readonly string[] =>
      [...scheduler.histories.keys()].filter(
        (taskId) => scheduler.answers(taskId) > (before.get(taskId) ?? 0),
      );
    const before = new Map(
      [...scheduler.histories.keys()].map((taskId) => [taskId, scheduler.answers(taskId)]),
    );
    await scheduler.reconcile([]);
    await eventually('both are answered', () => answers().length >= 2);
    expect(answers().toSorted()).to.deep.equal(['long-1', 'long-2']);
    expect(bothRun()).to.equal(true);
    for (const { taskId } of jobs) await scheduler.kill(taskId);
    await eventually('both are killed', () => states().every((state) => state === 'TASK_KILLED'));
    const pids = jobs.flatMap(({ taskId }) => deedsOf(cluster.truthFolder, taskId).pids);
    expect(pids).to.have.length(2);
    expect(pids.filter(isAlive)).to.deep.equal([]);
  });
});

/** What a call that was lost with the master throws; the scheduler subscribes again by itself. */
function ignoreRetriable(error: unknown): void {
  if (!(error instanceof PlateauError && error.retriable)) throw error;
}

/** Kills a program, which may not serve yet, and starts it again, at once or later. */
async function killAndRestart(
  victim: Program,
  random: Random,
  pending: Promise<void>[],
): Promise<void> {
  const absenceMs = random.below(2) * random.next() * LONGEST_MS.absence;
  // Sometimes the next kill comes while the program has not recovered yet.
  const isPatient = random.below(3) > 0;
  await victim.end('SIGKILL');
  if (absenceMs > 0) await pause(absenceMs);
  const started = victim.start();
  pending.push(started);
  if (isPatient) await started;
}
