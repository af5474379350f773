/** Operations with an id, resized volumes and task groups, over the ends of agent and master. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type {
  Offer,
  OfferOperation,
  OperationStatus,
  Resource,
  TaskInfo,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { TestCluster } from './cluster.js';
import { type TestScheduler, eventually, taskInfo } from './scheduler.js';

const ROLE = 'tests';

function plain(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } };
}

function disk(value: number): Resource {
  return { ...plain('disk', value), reservations: [{ type: 'DYNAMIC', role: ROLE }] };
}

function volume(value: number): Resource {
  const info = {
    persistence: { id: 'vol' },
    volume: { mode: 'RW' as const, container_path: 'data' },
  };
  return { ...disk(value), disk: info };
}

function sizeOf(offer: Offer): number | undefined {
  const found = offer.resources?.find((one) => one.disk?.persistence?.id === 'vol');
  return found?.scalar?.value;
}

/** How much reserved disk is no volume. */
function reservedIn(offer: Offer): number {
  const found = offer.resources?.find(
    ({ disk: info, reservations }) => info === undefined && reservations !== undefined,
  );
  return found?.scalar?.value ?? 0;
}

describe('Operations with an id', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  /** The first status of an operation that is to be acknowledged. */
  function outcome(id: string): Promise<OperationStatus> {
    return scheduler.event(`the outcome of ${id}`, ({ update_operation_status: told }) =>
      told?.status.operation_id?.value === id && told.status.uuid !== undefined
        ? told.status
        : undefined,
    );
  }

  async function operate(
    id: string,
    operation: OfferOperation,
    needs: { readonly size?: number; readonly reserved?: number } = {},
  ): Promise<void> {
    const { size, reserved = 0 } = needs;
    const offer = await scheduler.takeOffer(
      (one) => sizeOf(one) === size && reservedIn(one) >= reserved,
    );
    await scheduler.accept(offer, [{ ...operation, id: { value: id } }]);
  }

  /** Runs a command with the volume. */
  async function use(id: string, command: string, size: number): Promise<void> {
    const offer = await scheduler.takeOffer((one) => sizeOf(one) === size);
    const resources = [plain('cpus', 0.1), plain('mem', 32), volume(size)];
    const task_infos = [taskInfo(offer, { id, command: { value: command } }, resources)];
    await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos } }]);
    await scheduler.until(id, 'TASK_FINISHED');
  }

  it('make, grow and shrink a volume, which keeps its files', async () => {
    await operate('reserve', { type: 'RESERVE', reserve: { resources: [disk(64)] } });
    const first = await outcome('reserve');
    expect(first).to.include({ state: 'OPERATION_FINISHED' });
    await scheduler.client.acknowledgeOperation(first);
    await operate(
      'create',
      { type: 'CREATE', create: { volumes: [volume(32)] } },
      { reserved: 64 },
    );
    expect((await outcome('create')).state).to.equal('OPERATION_FINISHED');
    await use('writes', 'echo kept > data/file', 32);
    const addition = disk(16);
    const grow: OfferOperation = {
      type: 'GROW_VOLUME',
      grow_volume: { volume: volume(32), addition },
    };
    await operate('grow', grow, { size: 32, reserved: 16 });
    const grown = await outcome('grow');
    expect(grown.converted_resources?.[0]?.scalar?.value).to.equal(48);
    await use('reads', 'grep kept data/file', 48);
    const shrink: OfferOperation = {
      type: 'SHRINK_VOLUME',
      shrink_volume: { volume: volume(48), subtract: { value: 40 } },
    };
    await operate('shrink', shrink, { size: 48 });
    expect((await outcome('shrink')).state).to.equal('OPERATION_FINISHED');
    await use('reads-again', 'grep kept data/file', 8);
    const folder = join(cluster.workDir, 'volumes', 'roles', ROLE, 'vol');
    expect(readFileSync(join(folder, 'file'), 'utf8')).to.equal('kept\n');
  });

  it('are listed by master and agent until they are acknowledged', async () => {
    const ids = async (of: 'master' | 'agent'): Promise<readonly string[]> => {
      const client = of === 'master' ? cluster.operator : cluster.agentClient;
      const answer = await client.call({ type: 'GET_OPERATIONS' });
      const { operations = [] } = answer?.get_operations ?? {};
      const names = operations.map(({ info }) => info.id?.value ?? '');
      return names.toSorted((one, other) => one.localeCompare(other));
    };
    expect(await ids('master')).to.deep.equal(['create', 'grow', 'shrink']);
    expect(await ids('agent')).to.deep.equal(['create', 'grow', 'shrink']);
    await scheduler.client.acknowledgeOperation(await outcome('create'));
    await eventually('the agent forgets', async () => (await ids('agent')).length === 2);
    expect(await ids('master')).to.deep.equal(['grow', 'shrink']);
  });

  it('are told again when agent and master were killed', async () => {
    scheduler.events.length = 0;
    await cluster.agent.end('SIGKILL');
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
    await cluster.agent.start();
    await cluster.untilRegistered();
    await Promise.all([outcome('grow'), outcome('shrink')]);
    // Those that were acknowledged just before the kill may be told again.
    await eventually('the operations are settled', async () => {
      const told = scheduler.events.splice(0).flatMap((one) => one.update_operation_status ?? []);
      await Promise.all(told.map(({ status }) => scheduler.client.acknowledgeOperation(status)));
      const answer = await cluster.operator.call({ type: 'GET_OPERATIONS' });
      return (answer?.get_operations?.operations ?? []).length === 0;
    });
    await scheduler.client.reconcileOperations([{ operation_id: { value: 'grow' } }]);
    const unknown = await scheduler.event(
      'an answer',
      ({ update_operation_status: told }) => told?.status,
    );
    expect(unknown).to.include({ state: 'OPERATION_UNKNOWN' });
  });

  it('may be an operator’s: resized, destroyed and unreserved', async () => {
    const { agent_info: info } = at(
      (await cluster.operator.call({ type: 'GET_AGENTS' }))?.get_agents?.agents ?? [],
      0,
    );
    const agent_id = info.id ?? { value: '' };
    const grow_volume = { agent_id, volume: volume(8), addition: disk(56) };
    await cluster.operator.call({ type: 'GROW_VOLUME', grow_volume });
    const volumes = [volume(64)];
    const folder = join(cluster.workDir, 'volumes', 'roles', ROLE, 'vol');
    expect(existsSync(folder)).to.equal(true);
    await cluster.operator.call({
      type: 'DESTROY_VOLUMES',
      destroy_volumes: { agent_id, volumes },
    });
    await eventually('the folder is gone', () => !existsSync(folder));
    const resources = [disk(64)];
    await cluster.operator.call({
      type: 'UNRESERVE_RESOURCES',
      unreserve_resources: { agent_id, resources },
    });
  });

  it('leave task groups alone, which go on over the end of an agent', async () => {
    const offer = await scheduler.takeOffer((one) =>
      (one.resources ?? []).some(({ name, scalar }) => name === 'disk' && scalar?.value === 1024),
    );
    const executor = {
      type: 'DEFAULT' as const,
      executor_id: { value: 'pod' },
      resources: [plain('cpus', 0.1), plain('mem', 32), plain('disk', 8)],
    };
    const member = (id: string): TaskInfo =>
      taskInfo(offer, { id, command: { value: 'sleep 300' } }, [
        plain('cpus', 0.1),
        plain('mem', 32),
      ]);
    const tasks = [member('one'), member('two')];
    await scheduler.client.launchGroup(
      offer,
      { executor, task_group: { tasks } },
      { refuse_seconds: 0 },
    );
    await scheduler.until('one', 'TASK_RUNNING');
    await scheduler.until('two', 'TASK_RUNNING');
    await cluster.restartAgent();
    const listed = await cluster.operator.call({ type: 'GET_EXECUTORS' });
    expect(listed?.get_executors?.executors).to.have.length(1);
    await scheduler.kill('one');
    await scheduler.until('one', 'TASK_KILLED');
    await scheduler.until('two', 'TASK_KILLED');
    await eventually('what the executor held is free', async () => {
      const answer = await cluster.operator.call({ type: 'GET_EXECUTORS' });
      return (answer?.get_executors?.executors ?? []).length === 0;
    });
  });
});
