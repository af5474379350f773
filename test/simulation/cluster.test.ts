import { expect } from 'chai';
import { id } from '../../core/base/index.js';
import {
  SimulatedCluster,
  type SimulatedClusterOptions,
  type SimulatedJob,
  type SimulatedScheduler,
  type WireForm,
} from '../../core/simulation/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function jobs(count: number, command: string): readonly SimulatedJob[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `job-${index}`,
    command,
    cpus: 1,
    memoryMiB: 64,
  }));
}

function states(scheduler: SimulatedScheduler): readonly (string | undefined)[] {
  return [...scheduler.tasks.values()].map((task) => task.state);
}

function clusterWith(
  options: SimulatedClusterOptions,
  work: readonly SimulatedJob[],
): { cluster: SimulatedCluster; scheduler: SimulatedScheduler } {
  const cluster = new SimulatedCluster(options);
  const scheduler = cluster.addScheduler({ name: 'jobs', jobs: work });
  cluster.start();
  return { cluster, scheduler };
}

async function hashOf(seed: string, wire: WireForm = 'json'): Promise<string> {
  const { cluster } = clusterWith({ seed, agents: 3, wire }, jobs(12, 'run 7s then exit 0'));
  await cluster.advance(10 * SECOND);
  cluster.crashAgent(0);
  await cluster.advance(5 * SECOND);
  cluster.restartAgent(0);
  cluster.crashMaster();
  await cluster.advance(5 * SECOND);
  cluster.restartMaster();
  await cluster.advance(MINUTE);
  return `${cluster.traceHash()} ${cluster.trace.count}`;
}

describe('SimulatedCluster', () => {
  it('runs tasks to their end on three agents', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'end', agents: 3 }, jobs(30, 'sleep 10'));
    expect(await cluster.advanceUntil(() => scheduler.isDone, 5 * MINUTE)).to.equal(true);
    expect(states(scheduler)).to.deep.equal(Array.from({ length: 30 }, () => 'TASK_FINISHED'));
    const used = new Set([...scheduler.tasks.values()].map((task) => task.agentId));
    expect(used.size).to.equal(3);
    for (const task of scheduler.tasks.values()) {
      const told = task.updates.filter((update) => update.reason !== 'REASON_RECONCILIATION');
      const seen = told.map((update) => update.state);
      expect(seen).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    }
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  it('reports how each kind of program ended', async () => {
    const commands = {
      'exit 3': 'TASK_FAILED',
      'run 5s then exit 0': 'TASK_FINISHED',
      'run 200ms then die SIGSEGV': 'TASK_FAILED',
      'fail-to-start': 'TASK_FAILED',
      'no such program': 'TASK_FAILED',
    };
    const work = Object.keys(commands).flatMap((command) => jobs(1, command));
    const { cluster, scheduler } = clusterWith({ seed: 'kinds', agents: 2 }, work);
    expect(await cluster.advanceUntil(() => scheduler.isDone, MINUTE)).to.equal(true);
    const ended = Object.fromEntries(
      [...scheduler.tasks.values()].map((task) => [task.job.command, task.state]),
    );
    expect(ended).to.deep.equal(commands);
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  it('kills a task that heeds SIGTERM, and one that does not after its grace period', async () => {
    const work = [...jobs(1, 'hang'), ...jobs(1, 'ignore-term')];
    const { cluster, scheduler } = clusterWith({ seed: 'kill', agents: 1 }, work);
    await cluster.advance(20 * SECOND);
    expect(states(scheduler)).to.deep.equal(['TASK_RUNNING', 'TASK_RUNNING']);
    for (const taskId of scheduler.tasks.keys()) scheduler.kill(taskId);
    await cluster.advance(SECOND);
    expect(states(scheduler)[0]).to.equal('TASK_KILLED');
    expect(states(scheduler)[1]).not.to.equal('TASK_KILLED');
    await cluster.advance(10 * SECOND);
    expect(states(scheduler)[1]).to.equal('TASK_KILLED');
    cluster.checkConvergence();
  });

  describe('is deterministic:', () => {
    it('the same seed gives the same trace, others give other ones', async () => {
      const first = await hashOf('one');
      expect(await hashOf('one')).to.equal(first);
      const others = [await hashOf('two'), await hashOf('three')];
      expect(new Set([first, ...others]).size).to.equal(3);
    });

    it('also where messages travel as frozen objects', async () => {
      expect(await hashOf('one', 'objects')).to.equal(await hashOf('one', 'objects'));
      expect(await hashOf('one', 'objects')).not.to.equal(await hashOf('two', 'objects'));
    });

    it('and the form of the messages changes nothing of what happens', async () => {
      const runs = await Promise.all(
        (['json', 'objects'] as const).map(async (wire) => {
          const { cluster, scheduler } = clusterWith(
            { seed: 'forms', agents: 3, wire },
            jobs(12, 'run about 9s then exit 0'),
          );
          await cluster.advance(MINUTE);
          cluster.crashMaster();
          cluster.restartMaster();
          await cluster.advance(MINUTE);
          const seen = scheduler.updates.map(({ timeMs, taskId, state }) => [
            timeMs,
            taskId,
            state,
          ]);
          return { seen, count: cluster.trace.count, ...cluster.summary(), hash: '' };
        }),
      );
      expect(runs[0]).to.deep.equal(runs[1]);
      expect(runs[0]?.seen.length).to.be.greaterThan(20);
    });
  });

  it('calls the tasks of a lost agent unreachable, and running when it is back', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'lost', agents: 1 }, jobs(2, 'hang'));
    await cluster.advance(20 * SECOND);
    cluster.partition('master', 'agent-0');
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_UNREACHABLE', 'TASK_UNREACHABLE']);
    cluster.heal();
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_RUNNING', 'TASK_RUNNING']);
    cluster.checkConvergence();
  });

  it('tells ends that happened while the agent was cut off', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'cut off', agents: 1 }, jobs(2, 'sleep 30'));
    await cluster.advance(10 * SECOND);
    cluster.partition('master', 'agent-0');
    await cluster.advance(5 * MINUTE);
    cluster.heal();
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_FINISHED', 'TASK_FINISHED']);
    cluster.checkConvergence();
  });

  it('keeps tasks while their framework fails over', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'failover' }, jobs(2, 'hang'));
    await cluster.advance(20 * SECOND);
    const { frameworkId } = scheduler;
    scheduler.crash();
    await cluster.advance(10 * MINUTE);
    scheduler.start();
    await cluster.advance(MINUTE);
    expect(scheduler.frameworkId).to.equal(frameworkId);
    expect(states(scheduler)).to.deep.equal(['TASK_RUNNING', 'TASK_RUNNING']);
    expect(scheduler.isSubscribed).to.equal(true);
    cluster.checkConvergence();
  });

  it('tells a framework after its failover what had ended meanwhile', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'missed' }, jobs(2, 'sleep 60'));
    await cluster.advance(20 * SECOND);
    scheduler.crash();
    await cluster.advance(10 * MINUTE);
    scheduler.start();
    await cluster.advance(15 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_FINISHED', 'TASK_FINISHED']);
    cluster.checkConvergence();
  });

  it('removes a framework and its tasks when its failover timeout is over', async () => {
    const cluster = new SimulatedCluster({ seed: 'removal' });
    const framework = { failover_timeout: 60 };
    const scheduler = cluster.addScheduler({ name: 'jobs', jobs: jobs(2, 'hang'), framework });
    cluster.start();
    await cluster.advance(20 * SECOND);
    const host = cluster.agents[0]?.host;
    expect([...(host?.ends ?? [])]).to.have.length(0);
    scheduler.crash();
    await cluster.advance(3 * MINUTE);
    expect([...(host?.ends ?? [])]).to.have.length(2);
    const frameworkId = id<'FrameworkId'>(scheduler.frameworkId ?? '');
    expect(cluster.master?.cluster.frameworks.has(frameworkId)).to.equal(false);
    scheduler.start();
    await cluster.advance(MINUTE);
    expect(scheduler.error).to.match(/removed/i);
  });

  it('keeps agents, frameworks and tasks when the master restarts', async () => {
    const { cluster, scheduler } = clusterWith(
      { seed: 'master', agents: 3 },
      jobs(6, 'run 3m then exit 0'),
    );
    await cluster.advance(20 * SECOND);
    const agentsBefore = [...(cluster.master?.cluster.agents.keys() ?? [])].toSorted();
    const { frameworkId } = scheduler;
    cluster.crashMaster();
    await cluster.advance(30 * SECOND);
    cluster.restartMaster();
    await cluster.advance(MINUTE);
    expect([...(cluster.master?.cluster.agents.keys() ?? [])].toSorted()).to.deep.equal(
      agentsBefore,
    );
    expect(scheduler.frameworkId).to.equal(frameworkId);
    expect(states(scheduler)).to.deep.equal(Array.from({ length: 6 }, () => 'TASK_RUNNING'));
    cluster.checkConvergence();
    expect(await cluster.advanceUntil(() => scheduler.isDone, 10 * MINUTE)).to.equal(true);
    expect(scheduler.tasks.size).to.equal(6);
  });

  it('keeps tasks and loses no end when the agent restarts', async () => {
    const work = [...jobs(2, 'hang'), ...jobs(2, 'sleep 30')];
    const { cluster, scheduler } = clusterWith({ seed: 'agent', agents: 1 }, work);
    await cluster.advance(20 * SECOND);
    cluster.crashAgent(0);
    await cluster.advance(30 * SECOND);
    cluster.restartAgent(0);
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal([
      'TASK_RUNNING',
      'TASK_RUNNING',
      'TASK_FINISHED',
      'TASK_FINISHED',
    ]);
    cluster.checkConvergence();
  });

  it('tells the end of tasks that a reboot of the host took with it', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'boot', agents: 1 }, jobs(2, 'hang'));
    await cluster.advance(20 * SECOND);
    cluster.rebootAgent(0);
    await cluster.advance(2 * MINUTE);
    const first = [...scheduler.tasks.values()].slice(0, 2);
    expect(first.every((task) => task.isTerminal)).to.equal(true);
    expect(first.some((task) => task.state === 'TASK_FINISHED')).to.equal(false);
    cluster.checkConvergence();
  });

  it('lets two frameworks share what there is', async () => {
    const cluster = new SimulatedCluster({ seed: 'two', agents: 2 });
    const schedulers = ['one', 'other'].map((name) =>
      cluster.addScheduler({ name, jobs: jobs(20, 'sleep 5') }),
    );
    cluster.start();
    const areDone = (): boolean => schedulers.every((scheduler) => scheduler.isDone);
    expect(await cluster.advanceUntil(areDone, 10 * MINUTE)).to.equal(true);
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  it('frees what a framework had when it is torn down', async () => {
    const cluster = new SimulatedCluster({ seed: 'teardown' });
    const first = cluster.addScheduler({ name: 'first', jobs: jobs(4, 'hang') });
    const second = cluster.addScheduler({ name: 'second', jobs: jobs(4, 'sleep 5') });
    cluster.start();
    await cluster.advance(30 * SECOND);
    for (const task of second.tasks.keys()) first.kill(task);
    first.call({ type: 'TEARDOWN' });
    expect(await cluster.advanceUntil(() => second.isDone, 5 * MINUTE)).to.equal(true);
  });

  it('refuses the writes of a master that another one has replaced', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'deposed', agents: 2 }, jobs(3, 'hang'));
    await cluster.advance(20 * SECOND);
    cluster.deposeMaster();
    await cluster.advance(5 * SECOND);
    expect(cluster.deposedMasters).to.equal(1);
    expect(cluster.master?.cluster.agents.size).to.equal(0);
    // It has to record that the agent is unreachable, and learns that it must not.
    cluster.partition('master', 'agent-0');
    await cluster.advance(2 * MINUTE);
    expect(cluster.deposedMasters).to.equal(0);
    cluster.heal();
    await cluster.advance(2 * MINUTE);
    expect(cluster.master?.cluster.agents.size).to.equal(2);
    expect(states(scheduler)).to.deep.equal(Array.from({ length: 3 }, () => 'TASK_RUNNING'));
    cluster.checkConvergence();
  });

  it('stops a master whose disk fails, and recovers when it is started again', async () => {
    const { cluster, scheduler } = clusterWith({ seed: 'disk', agents: 1 }, jobs(2, 'hang'));
    await cluster.advance(20 * SECOND);
    cluster.failMasterDisk();
    cluster.partition('master', 'agent-0');
    await cluster.advance(2 * MINUTE);
    expect(cluster.master).to.equal(undefined);
    cluster.heal();
    cluster.restartMaster();
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_RUNNING', 'TASK_RUNNING']);
    cluster.checkConvergence();
  });

  it('stops an agent whose disk fails, and finds its tasks when it is started again', async () => {
    const work = [...jobs(2, 'hang'), ...jobs(1, 'sleep 30')];
    const { cluster, scheduler } = clusterWith({ seed: 'agent disk', agents: 1 }, work);
    await cluster.advance(20 * SECOND);
    cluster.failAgentDisk(0);
    await cluster.advance(MINUTE);
    expect(cluster.agents[0]?.agent).to.equal(undefined);
    cluster.restartAgent(0);
    await cluster.advance(2 * MINUTE);
    expect(states(scheduler)).to.deep.equal(['TASK_RUNNING', 'TASK_RUNNING', 'TASK_FINISHED']);
    cluster.checkConvergence();
  });
});
