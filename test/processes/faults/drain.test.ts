/** Draining and marking gone with real processes under load; the master is killed in the middle. */
import { expect } from 'chai';
import type { MasterResponseGetAgentsAgent } from '../../../core/api/index.js';
import { PlateauError, at } from '../../../core/base/index.js';
import { OperatorClient } from '../../../core/client/index.js';
import { plateau } from '../cli/command.js';
import { FaultCluster, type Program, eventually, pause, processesOf } from './cluster.js';
import { LoadScheduler } from './load-scheduler.js';
import { deedsOf, faultsOf, scriptOf } from './truth.js';

/** Tasks that one agent could take, and that run or wait at a time. */
const TASKS_OF_ONE_AGENT = 16;
const DRAINING = 'REASON_AGENT_DRAINING';

describe('Draining when the master is killed', function () {
  this.timeout(90_000);
  let cluster: FaultCluster;
  let agent: Program;
  let client: OperatorClient;
  let scheduler: LoadScheduler;
  let agentId: string;
  let launched = 0;
  /** What tasks do; undefined: none is to be launched. */
  let work: string | undefined = 'sleep 1.5';
  let maxOpen = TASKS_OF_ONE_AGENT;

  before(async () => {
    cluster = await FaultCluster.start(2);
    agent = at(cluster.agents, 0);
    client = new OperatorClient({ address: cluster.master.url });
    const all = await agents();
    const own = all.find(({ agent_info: { port } }) => port === agent.port);
    agentId = own?.agent_info.id?.value ?? '';
    scheduler = new LoadScheduler({
      masters: cluster.master.url,
      next: () => {
        if (work === undefined || scheduler.open.length >= maxOpen) return undefined;
        const taskId = `task-${launched++}`;
        const folder = cluster.truthFolder;
        return { taskId, command: scriptOf({ folder, taskId, work, exit: 0 }) };
      },
    });
    scheduler.start();
  });

  after(async () => {
    await scheduler.close();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function agents(): Promise<readonly MasterResponseGetAgentsAgent[]> {
    const answer = await client.call({ type: 'GET_AGENTS' });
    return answer?.get_agents?.agents ?? [];
  }

  async function drainState(): Promise<string | undefined> {
    const all = await agents();
    return all.find(({ agent_info: { id } }) => id?.value === agentId)?.drain_info?.state;
  }

  async function command(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await plateau(['agents', ...argv], {
      PLATEAU_MASTER: cluster.master.url,
    });
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  async function killMaster(): Promise<void> {
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
  }

  /** Tasks that were launched on the agent. */
  function tasksThere(): readonly string[] {
    return [...scheduler.histories]
      .filter(([, history]) => history.agentId === agentId)
      .map(([taskId]) => taskId);
  }

  function runningThere(): readonly string[] {
    return processesOf(cluster.workDir(agent))
      .map(({ line }) => line)
      .filter((line) => !line.includes('/main.js'));
  }

  /** Every task has ended; what was lost with the master is asked for. */
  async function rest(): Promise<void> {
    await eventually(
      () => `every task has ended, but ${scheduler.open.join(' ')}`,
      async () => {
        if (scheduler.open.length === 0) return true;
        if (scheduler.isSubscribed) {
          await scheduler.reconcile(scheduler.open).catch(ignoreRetriable);
        }
        await pause(200);
        return false;
      },
    );
  }

  it('ends all tasks of the agent, and launches none there', async () => {
    await eventually('tasks run on the agent', () => runningThere().length > 2);
    const end = agentId.slice(agentId.lastIndexOf('-') + 1);
    const printed = await command('drain', end, '--max-grace-period', '2secs');
    expect(printed).to.equal(`${agentId}: draining\n`);
    await killMaster();
    await eventually('the agent is drained', async () => (await drainState()) === 'DRAINED');
    expect(runningThere()).to.deep.equal([]);
    const ended = tasksThere().flatMap((taskId) => scheduler.verdict(taskId) ?? []);
    expect(ended.filter(({ reason }) => reason === DRAINING)).to.not.deep.equal([]);
    expect(scheduler.open.filter((taskId) => tasksThere().includes(taskId))).to.deep.equal([]);
    const before = { there: tasksThere().length, all: scheduler.histories.size };
    await killMaster();
    await eventually('more tasks run', () => scheduler.histories.size > before.all + 10);
    await eventually('the agent is back', async () => (await drainState()) === 'DRAINED');
    expect(tasksThere()).to.have.length(before.there);
  });

  it('shows that it is drained', async () => {
    const { slaves } = (await cluster.master.page('/slaves')) as {
      readonly slaves: readonly Record<string, unknown>[];
    };
    const shown = slaves.find(({ id }) => id === agentId);
    expect(shown).to.deep.include({
      active: false,
      deactivated: true,
      drain_info: {
        state: 'DRAINED',
        config: { max_grace_period: { nanoseconds: 2_000_000_000 }, mark_gone: false },
      },
    });
    expect(shown?.['estimated_drain_start_time_seconds']).to.be.closeTo(Date.now() / 1000, 60);
    const others = slaves.filter(({ id }) => id !== agentId);
    expect(others.map(({ active, deactivated }) => [active, deactivated])).to.deep.equal([
      [true, false],
    ]);
    expect(at(others, 0)).to.not.have.any.keys('drain_info', 'estimated_drain_start_time_seconds');
    expect(await cluster.master.page('/state')).to.include({
      activated_slaves: 1,
      deactivated_slaves: 1,
    });
    expect(await command('list')).to.match(/ drained /);
  });

  it('uses the agent again when it is reactivated', async () => {
    const before = tasksThere().length;
    // More than the other agent takes: else all could go on there.
    maxOpen = 2 * TASKS_OF_ONE_AGENT;
    expect(await command('reactivate', agentId)).to.equal(`${agentId}: active\n`);
    await eventually('tasks are launched there', () => tasksThere().length > before);
    work = undefined;
    await rest();
  });

  it('tells the truth about every task', () => {
    const faults = [...scheduler.histories].flatMap(([taskId, { told }]) =>
      faultsOf(taskId, told, {
        deeds: deedsOf(cluster.truthFolder, taskId),
        mayBeCut: tasksThere().includes(taskId),
      }),
    );
    expect(faults).to.deep.equal([]);
  });

  it('ends an agent for good that is marked gone', async () => {
    const before = new Set(tasksThere());
    const others = (await agents()).flatMap(({ agent_info: { id } }) => id?.value ?? []);
    const other = others.find((value) => value !== agentId) ?? '';
    expect(await command('deactivate', other)).to.equal(`${other}: deactivated\n`);
    work = 'sleep 1000';
    await eventually('tasks run there', () => runningThere().length > 2);
    const there = tasksThere().filter((taskId) => !before.has(taskId));
    work = undefined;
    expect(await command('gone', agentId)).to.equal(`${agentId}: gone\n`);
    await killMaster();
    await eventually('the agent has ended', () => !agent.isRunning);
    expect(runningThere()).to.deep.equal([]);
    await agent.start().then(
      () => eventually('the agent has ended again', () => !agent.isRunning),
      () => undefined,
    );
    expect((await agents()).map(({ agent_info: { id } }) => id?.value)).to.not.include(agentId);
    await eventually('the end of its tasks was told', async () => {
      const open = there.filter((taskId) => scheduler.latest(taskId)?.state !== GONE);
      if (open.length > 0 && scheduler.isSubscribed) {
        await scheduler.reconcile(open).catch(ignoreRetriable);
      }
      await pause(100);
      return open.length === 0;
    });
  });
});

const GONE = 'TASK_GONE_BY_OPERATOR';

/** Calls fail while the master is away: whoever made them tries again. */
function ignoreRetriable(error: unknown): void {
  if (!(error instanceof PlateauError && error.retriable)) throw error;
}
