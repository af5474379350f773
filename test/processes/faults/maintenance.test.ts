/** Maintenance with real processes: the master is killed between all steps, and the agent obeys. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { MaintenanceClusterStatus, MaintenanceWindow } from '../../../core/api/index.js';
import { OperatorClient } from '../../../core/client/index.js';
import { FaultCluster, type Program, eventually, processesOf } from './cluster.js';

const MAIN = fileURLToPath(new URL('../../../core/cli/main.js', import.meta.url));
const MACHINE = { hostname: '127.0.0.1', ip: '127.0.0.1' };
const WINDOWS: readonly MaintenanceWindow[] = [
  {
    machine_ids: [MACHINE, { hostname: 'Elsewhere' }],
    unavailability: {
      start: { nanoseconds: 1_900_000_000_123_456_789n },
      duration: { nanoseconds: 3_600_000_000_000n },
    },
  },
];

describe('Maintenance when the master is killed', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;
  let agent: Program;
  let run: ChildProcess | undefined;
  let client: OperatorClient;

  before(async () => {
    cluster = await FaultCluster.start(1);
    [agent = cluster.master] = cluster.agents;
    client = new OperatorClient({ address: cluster.master.url });
  });

  after(async () => {
    run?.kill('SIGKILL');
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function killMaster(): Promise<void> {
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
  }

  async function windows(): Promise<readonly MaintenanceWindow[]> {
    const answer = await client.call({ type: 'GET_MAINTENANCE_SCHEDULE' });
    return answer?.get_maintenance_schedule?.schedule.windows ?? [];
  }

  async function status(): Promise<MaintenanceClusterStatus> {
    const answer = await client.call({ type: 'GET_MAINTENANCE_STATUS' });
    return answer?.get_maintenance_status?.status ?? {};
  }

  function isTaskRunning(): boolean {
    return processesOf(cluster.folder).some(({ line }) => line.includes('sleep 98765'));
  }

  it('keeps the schedule', async () => {
    await client.call({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows: WINDOWS } },
    });
    await killMaster();
    expect(await windows()).to.deep.equal(WINDOWS);
    expect((await status()).draining_machines).to.have.length(2);
    await cluster.untilRegistered();
  });

  it('ends agent and tasks of a machine that goes down, and keeps them away', async () => {
    const argv = [MAIN, 'run', '--name=long', '--command=sleep 98765'];
    run = spawn(process.execPath, [...argv, `--master=${cluster.master.url}`], { stdio: 'ignore' });
    const ended = new Promise((resolve) => run?.once('exit', resolve));
    await eventually('the task runs', isTaskRunning);
    await client.call({ type: 'START_MAINTENANCE', start_maintenance: { machines: [MACHINE] } });
    await killMaster();
    await eventually('the task has ended', () => !isTaskRunning());
    await eventually('the agent has ended', () => !agent.isRunning);
    expect((await status()).down_machines).to.deep.equal([MACHINE]);
    const started = agent.start().then(
      () => eventually('the agent has ended again', () => !agent.isRunning),
      () => undefined,
    );
    await started;
    expect(await cluster.master.page('/state')).to.include({ activated_slaves: 0 });
    run.kill('SIGKILL');
    await ended;
  });

  it('lets the agent back over the same work directory when the machine is up', async () => {
    await client.call({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [MACHINE] } });
    await killMaster();
    expect((await windows()).flatMap(({ machine_ids: ids }) => ids ?? [])).to.deep.equal([
      { hostname: 'Elsewhere' },
    ]);
    await agent.start();
    await cluster.untilRegistered();
  });
});
