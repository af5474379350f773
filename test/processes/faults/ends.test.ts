/**
 * Faults other than those of master and agents alone: the launcher dies, a host reboots, a scheduler
 * is killed and another takes over; and the two ways in which an agent is asked to end.
 */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type TaskStatus, decodeJson, encodeJson } from '../../../core/api/index.js';
import { openStore } from '../../../core/store/index.js';
import {
  FaultCluster,
  type Program,
  eventually,
  isAlive,
  killAllOf,
  processesOf,
} from './cluster.js';
import { type Job, LoadScheduler } from './load-scheduler.js';
import { deedsOf, faultsOf, scriptOf } from './truth.js';

describe('A cluster that loses more than an agent', function () {
  this.timeout(60_000);
  const jobs: Job[] = [];
  let cluster: FaultCluster;
  let agent: Program;
  let scheduler: LoadScheduler;
  /** Tasks that the test itself cut short. */
  const cut = new Set<string>();

  before(async () => {
    cluster = await FaultCluster.start(1);
    [agent = cluster.master] = cluster.agents;
    scheduler = new LoadScheduler({ masters: cluster.master.url, next: () => jobs.shift() });
    scheduler.start();
  });

  after(async () => {
    await scheduler.close();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  afterEach(() => {
    const faults = [...scheduler.histories].flatMap(([taskId, { told }]) =>
      faultsOf(taskId, told, {
        deeds: deedsOf(cluster.truthFolder, taskId),
        mayBeCut: cut.has(taskId),
      }),
    );
    expect(faults).to.deep.equal([]);
  });

  /** Launches tasks that run until `letGo`, and returns their processes when all run. */
  async function running(...taskIds: readonly string[]): Promise<readonly number[]> {
    for (const taskId of taskIds) {
      // The waiting shell has a child of its own at times: both must be gone in the end.
      const work = `while [ ! -e ${flagOf(taskId)} ]; do sleep 0.05; done`;
      const command = scriptOf({ folder: cluster.truthFolder, taskId, work, exit: 5 });
      jobs.push({ taskId, command });
    }
    await eventually(`${taskIds.join(' and ')} run`, () =>
      taskIds.every(
        (taskId) =>
          scheduler.latest(taskId)?.state === 'TASK_RUNNING' &&
          deedsOf(cluster.truthFolder, taskId).pids.length === 1,
      ),
    );
    return taskIds.flatMap((taskId) => deedsOf(cluster.truthFolder, taskId).pids);
  }

  function flagOf(taskId: string): string {
    return join(cluster.truthFolder, `${taskId}.go`);
  }

  function letGo(taskId: string): void {
    writeFileSync(flagOf(taskId), '');
  }

  async function ended(...taskIds: readonly string[]): Promise<readonly TaskStatus[]> {
    const verdicts = (): readonly TaskStatus[] =>
      taskIds.flatMap((taskId) => scheduler.verdict(taskId) ?? []);
    await eventually(
      () => `${taskIds.join(' and ')} have ended`,
      () => verdicts().length === taskIds.length,
    );
    return verdicts();
  }

  /** A task runs from its start to its end: the agent serves. */
  async function expectService(taskId: string): Promise<void> {
    await running(taskId);
    letGo(taskId);
    expect((await ended(taskId))[0]).to.include({ state: 'TASK_FAILED' });
  }

  async function killLauncher(): Promise<void> {
    const launcher = cluster.launcherOf(agent) ?? 0;
    process.kill(launcher, 'SIGKILL');
    await eventually('the launcher is dead', () => !isAlive(launcher));
  }

  const LOST = {
    state: 'TASK_FAILED',
    source: 'SOURCE_AGENT',
    reason: 'REASON_EXECUTOR_TERMINATED',
  };

  it('ends the tasks of a launcher that was killed, says so, and goes on', async () => {
    const pids = await running('launcher-1', 'launcher-2');
    for (const taskId of ['launcher-1', 'launcher-2']) cut.add(taskId);
    await killLauncher();
    for (const status of await ended('launcher-1', 'launcher-2')) expect(status).to.include(LOST);
    expect(pids.filter(isAlive)).to.deep.equal([]);
    await expectService('after-launcher');
  });

  it('ends the tasks when launcher and agent are killed together', async () => {
    const pids = await running('both-1', 'both-2');
    for (const taskId of ['both-1', 'both-2']) cut.add(taskId);
    await Promise.all([agent.end('SIGKILL'), killLauncher()]);
    expect(pids.filter(isAlive)).to.have.length(2);
    await agent.start();
    for (const status of await ended('both-1', 'both-2')) expect(status).to.include(LOST);
    expect(pids.filter(isAlive)).to.deep.equal([]);
    await expectService('after-both');
  });

  it('knows after a reboot that nothing runs any more, and keeps its id', async () => {
    const pids = await running('boot-1', 'boot-2');
    for (const taskId of ['boot-1', 'boot-2']) cut.add(taskId);
    const { id } = await agent.page('/state');
    await agent.end('SIGKILL');
    await killAllOf(cluster.workDir(agent));
    expect(pids.filter(isAlive)).to.deep.equal([]);
    await pretendAnotherBoot(cluster.workDir(agent));
    await agent.start();
    for (const status of await ended('boot-1', 'boot-2')) {
      expect(status).to.include(LOST);
      expect(status.message).to.include('rebooted');
    }
    await expectService('after-boot');
    expect((await agent.page('/state'))['id']).to.equal(id);
  });

  it('leaves tasks running on SIGTERM, and a new agent goes on with them', async () => {
    const pids = await running('term-1', 'term-2');
    expect(await agent.end('SIGTERM')).to.equal(0);
    expect(pids.filter(isAlive)).to.have.length(2);
    // One ends while there is no agent, the other after.
    letGo('term-1');
    await eventually('the first has ended', () => !isAlive(pids[0] ?? 0));
    await agent.start();
    letGo('term-2');
    const [first, second] = await ended('term-1', 'term-2');
    for (const status of [first, second]) {
      expect(status).to.include({
        state: 'TASK_FAILED',
        message: 'Command exited with status 5',
      });
    }
  });

  it('ends tasks and launcher on SIGUSR1, and the scheduler hears of it', async () => {
    const pids = await running('usr1-1', 'usr1-2');
    for (const taskId of ['usr1-1', 'usr1-2']) cut.add(taskId);
    expect(await agent.end('SIGUSR1')).to.equal(0);
    expect(pids.filter(isAlive)).to.deep.equal([]);
    expect(processesOf(cluster.workDir(agent))).to.deep.equal([]);
    for (const { state } of await ended('usr1-1', 'usr1-2')) expect(state).to.equal('TASK_KILLED');
    await agent.start();
    await expectService('after-usr1');
  });

  it('gives everything to the scheduler that takes over from one that was killed', async () => {
    const taskIds = ['orphan-1', 'orphan-2', 'orphan-3'];
    const first = new FirstScheduler(cluster, taskIds);
    const frameworkId = await first.untilLaunched();
    await eventually('all have started', () =>
      taskIds.every((taskId) => deedsOf(cluster.truthFolder, taskId).pids.length === 1),
    );
    await first.kill();
    // Two end while nobody listens.
    for (const taskId of taskIds.slice(0, 2)) letGo(taskId);
    await eventually('two have ended', () =>
      taskIds.slice(0, 2).every((taskId) => deedsOf(cluster.truthFolder, taskId).ends.length === 1),
    );
    const second = new LoadScheduler({
      masters: cluster.master.url,
      next: () => undefined,
      frameworkId,
    });
    second.start();
    try {
      await eventually('the ends of two are told', () =>
        taskIds.slice(0, 2).every((taskId) => second.verdict(taskId) !== undefined),
      );
      letGo('orphan-3');
      await eventually('so is the third', () => second.verdict('orphan-3') !== undefined);
      const faults = taskIds.flatMap((taskId) =>
        faultsOf(taskId, second.histories.get(taskId)?.told ?? [], {
          deeds: deedsOf(cluster.truthFolder, taskId),
        }),
      );
      expect(faults).to.deep.equal([]);
    } finally {
      await second.teardown();
    }
  });
});

/** A scheduler in a process of its own, which launches tasks and never acknowledges anything. */
class FirstScheduler {
  readonly #child: ChildProcess;
  readonly #frameworkId: Promise<string>;

  constructor(cluster: FaultCluster, taskIds: readonly string[]) {
    const program = fileURLToPath(new URL('scheduler-program.js', import.meta.url));
    this.#child = spawn(
      process.execPath,
      [program, cluster.master.url, cluster.truthFolder, ...taskIds],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    );
    this.#frameworkId = new Promise((resolve, reject) => {
      this.#child.once('message', (message) => {
        if (typeof message === 'string') resolve(message);
      });
      this.#child.once('exit', () => reject(new Error('the first scheduler has ended')));
    });
  }

  /** Resolves with the id of its framework. */
  untilLaunched(): Promise<string> {
    return this.#frameworkId;
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Changes what an agent that does not run remembers of the boot in which it ran. */
async function pretendAnotherBoot(workDir: string): Promise<void> {
  const store = openStore(`lmdb:${join(workDir, 'meta')}`);
  try {
    const entry = await store.get('agent');
    const agent = decodeJson('CheckpointAgent', entry?.value ?? '');
    const value = encodeJson('CheckpointAgent', { ...agent, boot_id: 'the boot before' });
    await store.transact({ puts: [{ key: 'agent', value }] });
  } finally {
    await store.close();
  }
}
