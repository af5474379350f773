import { expect } from 'chai';
import type { MasterCall, MasterCallDrainAgent } from '../../core/api/index.js';
import { type AgentId, at, id } from '../../core/base/index.js';
import { SimulatedCluster, type SimulatedJob } from '../../core/simulation/index.js';

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

/** Makes a call that a master may die of before it answers; undefined: it did, or there was none. */
async function call(cluster: SimulatedCluster, asked: MasterCall): Promise<number | undefined> {
  let status: number | undefined;
  const answer = cluster.master?.operatorCall(asked);
  const note = async (): Promise<void> => {
    const settled = await answer;
    status = settled !== undefined && 'status' in settled ? settled.status : undefined;
  };
  void note();
  await cluster.advance(SECOND);
  return status;
}

/** The id of the first agent, under which it was registered. */
function firstId(cluster: SimulatedCluster): AgentId {
  return id<'AgentId'>(at(cluster.agents, 0).agent?.agentId ?? '');
}

function draining(
  agentId: AgentId,
  others: Omit<MasterCallDrainAgent, 'agent_id'> = {},
): MasterCall {
  return { type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: agentId }, ...others } };
}

function drainState(cluster: SimulatedCluster, agentId: AgentId): string | undefined {
  return cluster.master?.cluster.deactivations.get(agentId)?.drain?.info.state;
}

function isGone(cluster: SimulatedCluster, agentId: AgentId): boolean {
  return cluster.master?.cluster.goneAgents.has(agentId) ?? false;
}

function tasksOn(cluster: SimulatedCluster, index: number): number {
  const { containers } = at(cluster.agents, index).host;
  return [...containers.values()].filter(({ end }) => end === undefined).length;
}

describe('Draining an agent of a cluster', () => {
  it('moves its tasks elsewhere, and brings it back when it is reactivated', async () => {
    const cluster = new SimulatedCluster({ seed: 'drain', agents: 3 });
    const scheduler = cluster.addScheduler({ name: 'jobs', jobs: jobs(8, 'sleep 120') });
    cluster.start();
    await cluster.advance(20 * SECOND);
    const agentId = firstId(cluster);
    const before = tasksOn(cluster, 0);
    expect(before).to.be.greaterThan(0);
    expect(await call(cluster, draining(agentId))).to.equal(200);
    const isDrained = (): boolean => drainState(cluster, agentId) === 'DRAINED';
    expect(await cluster.advanceUntil(isDrained, MINUTE)).to.equal(true);
    expect(tasksOn(cluster, 0)).to.equal(0);
    const killed = scheduler.updates.filter(({ reason }) => reason === 'REASON_AGENT_DRAINING');
    expect(killed.map(({ state }) => state)).to.deep.equal(Array(before).fill('TASK_KILLED'));
    expect(await cluster.advanceUntil(() => scheduler.isDone, 15 * MINUTE)).to.equal(true);
    const startsBefore = at(cluster.agents, 0).host.starts.size;
    const agent_id = { value: agentId };
    const reactivate: MasterCall = { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } };
    expect(await call(cluster, reactivate)).to.equal(200);
    scheduler.addJobs(jobs(12, 'sleep 20'));
    expect(await cluster.advanceUntil(() => scheduler.isDone, 15 * MINUTE)).to.equal(true);
    expect(at(cluster.agents, 0).host.starts.size).to.be.greaterThan(startsBefore);
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  it('gives tasks the shorter grace period', async () => {
    const cluster = new SimulatedCluster({
      seed: 'grace',
      agents: 1,
      agentConfig: { killGracePeriodMs: 300 * SECOND },
    });
    cluster.addScheduler({ name: 'jobs', jobs: jobs(3, 'ignore-term') });
    cluster.start();
    await cluster.advance(20 * SECOND);
    const agentId = firstId(cluster);
    expect(tasksOn(cluster, 0)).to.equal(3);
    await call(cluster, draining(agentId, { max_grace_period: { seconds: 10n } }));
    await cluster.advance(7 * SECOND);
    expect(tasksOn(cluster, 0)).to.equal(3);
    await cluster.advance(10 * SECOND);
    expect(tasksOn(cluster, 0)).to.equal(0);
    expect(drainState(cluster, agentId)).to.equal('DRAINED');
  });

  for (let seed = 0; seed < 30; seed++) {
    it(`comes to its end whatever fails meanwhile (seed ${seed})`, async () => {
      const cluster = new SimulatedCluster({ seed: `faults-${seed}`, agents: 2, maxCommitMs: 40 });
      const scheduler = cluster.addScheduler({ name: 'jobs', jobs: jobs(7, 'sleep 60') });
      cluster.start();
      await cluster.advance(15 * SECOND);
      const random = cluster.world.random.fork('faults');
      const agentId = firstId(cluster);
      const max_grace_period = { seconds: BigInt(random.below(5)) };
      const asked = draining(agentId, { max_grace_period });
      void Promise.resolve(cluster.master?.operatorCall(asked)).catch(() => undefined);
      await cluster.advance(random.below(80));
      for (let fault = 0; fault < 4; fault++) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await inflict(cluster, random.below(5));
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await cluster.advance(random.below(8 * SECOND));
      }
      cluster.heal();
      cluster.restartMaster();
      cluster.restartAgent(0);
      await cluster.advance(10 * SECOND);
      // The master may have died before the call was recorded.
      const known = drainState(cluster, agentId);
      if (known === undefined) expect(await call(cluster, asked)).to.equal(200);
      const isDrained = (): boolean => drainState(cluster, agentId) === 'DRAINED';
      expect(await cluster.advanceUntil(isDrained, 5 * MINUTE)).to.equal(true);
      expect(tasksOn(cluster, 0)).to.equal(0);
      expect(await cluster.advanceUntil(() => scheduler.isDone, 15 * MINUTE)).to.equal(true);
      await cluster.advance(MINUTE);
      cluster.checkConvergence();
      expect(isDrained()).to.equal(true);
    });
  }
});

/** Something fails, and is mended a moment later. */
async function inflict(cluster: SimulatedCluster, kind: number): Promise<void> {
  if (kind === 0) {
    cluster.crashMaster();
    await cluster.advance(SECOND);
    cluster.restartMaster();
  } else if (kind === 1) {
    cluster.crashAgent(0);
    await cluster.advance(SECOND);
    cluster.restartAgent(0);
  } else if (kind === 2) {
    cluster.cut('master', 'agent-0');
  } else if (kind === 3) {
    cluster.partition('master', 'agent-0');
    await cluster.advance(20 * SECOND);
    cluster.heal();
  } else {
    cluster.cut('master', 'jobs');
  }
}

describe('Marking an agent of a cluster gone', () => {
  for (let seed = 0; seed < 20; seed++) {
    it(`ends it for good, whenever the master dies (seed ${seed})`, async () => {
      const cluster = new SimulatedCluster({ seed: `gone-${seed}`, agents: 3, maxCommitMs: 40 });
      const scheduler = cluster.addScheduler({ name: 'jobs', jobs: jobs(9, 'sleep 300') });
      cluster.start();
      await cluster.advance(15 * SECOND);
      const random = cluster.world.random.fork('moments');
      const agentId = firstId(cluster);
      const isCutOff = seed % 2 === 0;
      if (isCutOff) cluster.partition('master', 'agent-0');
      // Cut off for long, the agent is unreachable by then.
      await cluster.advance(seed % 4 === 0 ? 90 * SECOND : random.below(5 * SECOND));
      const asked: MasterCall =
        seed % 3 === 0 && !isCutOff
          ? draining(agentId, { mark_gone: true })
          : { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: agentId } } };
      void Promise.resolve(cluster.master?.operatorCall(asked)).catch(() => undefined);
      await cluster.advance(random.below(60));
      cluster.crashMaster();
      await cluster.advance(random.below(5 * SECOND));
      cluster.restartMaster();
      await cluster.advance(5 * SECOND);
      const isUnderWay = drainState(cluster, agentId) !== undefined || isGone(cluster, agentId);
      if (!isUnderWay) expect(await call(cluster, asked)).to.equal(200);
      if (isCutOff) {
        expect(isGone(cluster, agentId)).to.equal(true);
        expect(tasksOn(cluster, 0)).to.be.greaterThan(0);
        cluster.heal();
      }
      const isOver = (): boolean =>
        isGone(cluster, agentId) && at(cluster.agents, 0).agent === undefined;
      expect(await cluster.advanceUntil(isOver, 5 * MINUTE), 'it has ended').to.equal(true);
      expect(tasksOn(cluster, 0)).to.equal(0);
      // It never comes back, over the same work directory.
      cluster.restartAgent(0);
      await cluster.advance(20 * SECOND);
      expect(at(cluster.agents, 0).agent).to.equal(undefined);
      expect(await cluster.advanceUntil(() => scheduler.isDone, 15 * MINUTE)).to.equal(true);
      const told = scheduler.updates.filter(({ state }) => state === 'TASK_GONE_BY_OPERATOR');
      expect(told).to.not.deep.equal([]);
    });
  }
});
