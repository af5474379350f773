import { expect } from 'chai';
import type { MachineID, MasterCall } from '../../core/api/index.js';
import { at } from '../../core/base/index.js';
import {
  SimulatedCluster,
  type SimulatedJob,
  type SimulatedScheduler,
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

/** Makes a call that a master may die of before it answers; undefined: it did. */
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

function schedule(
  cluster: SimulatedCluster,
  machines: readonly MachineID[],
): Promise<number | undefined> {
  const nanoseconds = BigInt(cluster.world.clock.now() + 60 * MINUTE) * 1_000_000n;
  const windows = [{ machine_ids: machines, unavailability: { start: { nanoseconds } } }];
  return call(cluster, {
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: { schedule: machines.length === 0 ? {} : { windows } },
  });
}

function change(
  cluster: SimulatedCluster,
  type: 'START_MAINTENANCE' | 'STOP_MAINTENANCE',
  machine: MachineID,
): Promise<number | undefined> {
  const machines = [machine];
  return call(
    cluster,
    type === 'START_MAINTENANCE'
      ? { type, start_maintenance: { machines } }
      : { type, stop_maintenance: { machines } },
  );
}

function tasksOn(cluster: SimulatedCluster, index: number): number {
  const { containers } = at(cluster.agents, index).host;
  return [...containers.values()].filter(({ end }) => end === undefined).length;
}

/** Tasks that the scheduler saw lost, rather than killed by itself. */
function lost(scheduler: SimulatedScheduler): readonly string[] {
  return scheduler.updates
    .filter(({ reason }) => reason === 'REASON_AGENT_REMOVED')
    .map(({ taskId }) => taskId);
}

describe('Maintenance in a cluster', () => {
  const machine = { hostname: 'AGENT-0' };

  it('moves the tasks of a scheduler that drains, before the machine goes down', async () => {
    const cluster = new SimulatedCluster({ seed: 'drain', agents: 3 });
    const drains = cluster.addScheduler({
      name: 'drains',
      jobs: jobs(6, 'sleep 300'),
      onInverseOffer: 'drain',
    });
    cluster.start();
    await cluster.advance(20 * SECOND);
    expect(tasksOn(cluster, 0)).to.be.greaterThan(0);
    expect(await schedule(cluster, [machine])).to.equal(200);
    expect(await cluster.advanceUntil(() => tasksOn(cluster, 0) === 0, MINUTE)).to.equal(true);
    expect(await change(cluster, 'START_MAINTENANCE', machine)).to.equal(200);
    await cluster.advance(10 * SECOND);
    expect(at(cluster.agents, 0).agent).to.equal(undefined);
    expect(await change(cluster, 'STOP_MAINTENANCE', machine)).to.equal(200);
    cluster.restartAgent(0);
    expect(await cluster.advanceUntil(() => drains.isDone, 15 * MINUTE)).to.equal(true);
    expect(lost(drains)).to.deep.equal([]);
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  it('ends the tasks of schedulers that ignore or decline what they are asked', async () => {
    const cluster = new SimulatedCluster({ seed: 'ignore', agents: 2 });
    const schedulers = [
      cluster.addScheduler({ name: 'ignores', jobs: jobs(3, 'sleep 60') }),
      cluster.addScheduler({
        name: 'declines',
        jobs: jobs(3, 'sleep 60'),
        onInverseOffer: 'decline',
      }),
    ];
    cluster.start();
    await cluster.advance(15 * SECOND);
    const before = tasksOn(cluster, 0);
    expect(before).to.be.greaterThan(0);
    await schedule(cluster, [machine]);
    await cluster.advance(10 * SECOND);
    expect(tasksOn(cluster, 0)).to.equal(before);
    expect(await change(cluster, 'START_MAINTENANCE', machine)).to.equal(200);
    await cluster.advance(20 * SECOND);
    expect(tasksOn(cluster, 0)).to.equal(0);
    expect(schedulers.flatMap(lost)).to.have.length(before);
    // Started too early: it is told to end again.
    cluster.restartAgent(0);
    await cluster.advance(20 * SECOND);
    expect(at(cluster.agents, 0).agent).to.equal(undefined);
    await change(cluster, 'STOP_MAINTENANCE', machine);
    cluster.restartAgent(0);
    const areDone = (): boolean => schedulers.every(({ isDone }) => isDone);
    expect(await cluster.advanceUntil(areDone, 15 * MINUTE)).to.equal(true);
    await cluster.advance(MINUTE);
    cluster.checkConvergence();
  });

  for (let seed = 0; seed < 20; seed++) {
    it(`comes through crashes of the master at any moment (seed ${seed})`, async () => {
      const cluster = new SimulatedCluster({ seed: `crash-${seed}`, agents: 2, maxCommitMs: 40 });
      const scheduler = cluster.addScheduler({
        name: 'jobs',
        jobs: jobs(6, 'sleep 30'),
        ...(seed % 2 === 0 && { onInverseOffer: 'drain' as const }),
      });
      cluster.start();
      await cluster.advance(10 * SECOND);
      const random = cluster.world.random.fork('moments');
      /** Asks until it is done, though the master dies of it at first. */
      const insist = async (ask: () => MasterCall, isDone: () => boolean): Promise<void> => {
        void Promise.resolve(cluster.master?.operatorCall(ask())).catch(() => undefined);
        await cluster.advance(random.below(60));
        cluster.crashMaster();
        await cluster.advance(random.below(5000));
        cluster.restartMaster();
        await cluster.advance(10 * SECOND);
        if (!isDone()) expect(await call(cluster, ask())).to.equal(200);
        expect(isDone()).to.equal(true);
      };
      const status = () => {
        const answer = cluster.master?.operatorCall({ type: 'GET_MAINTENANCE_STATUS' });
        if (answer === undefined || 'status' in answer || answer instanceof Promise) return {};
        return answer.get_maintenance_status?.status ?? {};
      };
      const start = { nanoseconds: 1_900_000_000_000_000_000n };
      await insist(
        () => ({
          type: 'UPDATE_MAINTENANCE_SCHEDULE',
          update_maintenance_schedule: {
            schedule: { windows: [{ machine_ids: [machine], unavailability: { start } }] },
          },
        }),
        () => status().draining_machines?.length === 1,
      );
      await insist(
        () => ({ type: 'START_MAINTENANCE', start_maintenance: { machines: [machine] } }),
        () => status().down_machines?.length === 1,
      );
      await cluster.advance(30 * SECOND);
      expect(at(cluster.agents, 0).agent).to.equal(undefined);
      expect(tasksOn(cluster, 0)).to.equal(0);
      await insist(
        () => ({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [machine] } }),
        () => status().down_machines === undefined,
      );
      cluster.restartAgent(0);
      expect(await cluster.advanceUntil(() => scheduler.isDone, 15 * MINUTE)).to.equal(true);
      await cluster.advance(MINUTE);
      cluster.checkConvergence();
    });
  }
});
