import { expect } from 'chai';
import type {
  LinkAgentMessage,
  OfferOperation,
  Operation,
  Resource,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { FRAMEWORK, Host } from './host.js';

const DISKS: readonly Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 4 } },
  { name: 'disk', type: 'SCALAR', scalar: { value: 1000 } },
];
const FOLDER = '/work-dir/volumes/roles/web/v';

function disk(value: number): Resource {
  return {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value },
    reservations: [{ type: 'DYNAMIC', role: 'web' }],
  };
}

function volume(value: number): Resource {
  const info = {
    persistence: { id: 'v' },
    volume: { mode: 'RW' as const, container_path: 'data' },
  };
  return { ...disk(value), disk: info };
}

function create(value: number): OfferOperation {
  return { type: 'CREATE', id: { value: 'create' }, create: { volumes: [volume(value)] } };
}

const RESERVE: OfferOperation = {
  type: 'RESERVE',
  id: { value: 'reserve' },
  reserve: { resources: [disk(8)] },
};

/** Bytes of a uuid, with a slash and a plus in base64. */
const UUID = Buffer.from('ffffbf3e0fbf4ff8bfffffffffffffff', 'hex').toString('base64');

async function order(
  host: Host,
  info: OfferOperation,
  resources: readonly Resource[],
  extra: { readonly uuid?: string; readonly converted?: readonly Resource[] } = {},
): Promise<void> {
  const { uuid = UUID, converted } = extra;
  const operation: Operation = {
    framework_id: { value: FRAMEWORK },
    info,
    latest_status: { state: 'OPERATION_PENDING' },
    uuid: { value: uuid },
  };
  await host.tell({
    type: 'APPLY_OPERATION',
    apply_operation: { operation, resources, converted },
  });
}

function told(host: Host): readonly Operation[] {
  return host.received.flatMap(({ operation_status: status }: LinkAgentMessage) =>
    status === undefined ? [] : [status.operation],
  );
}

async function acknowledge(host: Host, operation: Operation): Promise<void> {
  const status_uuid = operation.latest_status.uuid ?? { value: '' };
  await host.tell({ type: 'ACKNOWLEDGE_OPERATION', acknowledge_operation: { status_uuid } });
}

async function started(): Promise<Host> {
  const host = new Host({ config: { resources: DISKS } });
  await host.start();
  return host;
}

function reported(host: Host): readonly string[] {
  const last = host.received.findLast(({ type }) => type === 'REREGISTER');
  return (last?.reregister?.operations ?? []).map((one) => one.latest_status.state);
}

describe('Agent: operations with an id', () => {
  it('are on record with what they change before they are told', async () => {
    const host = await started();
    host.transactions = [];
    await order(host, RESERVE, [disk(8)]);
    const written = host.transactions.map(({ puts = [] }) => puts.map(({ key }) => key));
    expect(written).to.have.length(1);
    expect(written[0]).to.include('resources');
    expect(written[0]?.find((key) => key.startsWith('operations/'))?.split('/')).to.have.length(2);
    const { latest_status: status, uuid } = at(told(host), 0);
    expect(uuid.value).to.equal(UUID);
    expect(status).to.include({ state: 'OPERATION_FINISHED' });
    expect(status.operation_id?.value).to.equal('reserve');
    expect(status.agent_id?.value).to.equal(host.agent.agentId);
    expect(status.converted_resources).to.equal(undefined);
    expect(host.agent.totalResources.toString()).to.match(/disk.*8/);
  });

  it('say what a resized volume has become; its folder stays', async () => {
    const host = await started();
    await order(host, create(64), [volume(64)]);
    const grow: OfferOperation = {
      type: 'GROW_VOLUME',
      id: { value: 'grow' },
      grow_volume: { volume: volume(64), addition: disk(8) },
    };
    await order(host, grow, [volume(72)], { uuid: `A${UUID.slice(1)}`, converted: [volume(72)] });
    expect(at(told(host), 1).latest_status.converted_resources).to.deep.equal([volume(72)]);
    const calls = host.volumeCalls.filter((call) => !call.startsWith('sweep'));
    expect(calls).to.deep.equal([`make ${FOLDER}`]);
    expect(host.agent.totalResources.scalar('disk')).to.equal(1_000_000);
  });

  it('are told again after 10 s, 20 s and so on, until they are acknowledged', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    await host.advance(9_999);
    expect(told(host)).to.have.length(1);
    await host.advance(1);
    expect(told(host)).to.have.length(2);
    await host.advance(20_000);
    expect(told(host)).to.have.length(3);
    await acknowledge(host, { ...at(told(host), 0), latest_status: { state: 'OPERATION_ERROR' } });
    expect(host.agent.state.operations.size).to.equal(1);
    await acknowledge(host, at(told(host), 0));
    expect(host.agent.state.operations.size).to.equal(0);
    await host.advance(3_600_000);
    expect(told(host)).to.have.length(3);
  });

  it('are done once, however often they are ordered', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    await order(host, RESERVE, [disk(8)]);
    expect(new Set(told(host).map((one) => one.latest_status.uuid?.value)).size).to.equal(1);
  });

  it('outlive the agent, and are reported to the master', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    await host.restart();
    expect(reported(host)).to.deep.equal(['OPERATION_FINISHED']);
    const [before, after] = told(host);
    expect(after).to.deep.equal(before);
    await acknowledge(host, at(told(host), 0));
    await host.advance(2_000);
    await host.restart();
    expect(reported(host)).to.deep.equal([]);
  });

  it('are not on record when the agent dies before', async () => {
    const host = await started();
    host.commitMs = 5;
    await host.restart();
    await host.advance(20);
    await order(host, RESERVE, [disk(8)]);
    await host.restart();
    await host.advance(100);
    expect(told(host)).to.deep.equal([]);
    expect(reported(host)).to.deep.equal([]);
  });

  it('wait for a master', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    host.isMasterUp = false;
    await host.disconnect();
    await host.advance(60_000);
    expect(told(host)).to.have.length(1);
    host.isMasterUp = true;
    await host.advance(120_000);
    expect(told(host).length).to.be.greaterThan(1);
  });

  it('are told at once to a scheduler that took over', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    const framework_info = { user: 'nobody', name: 'test', id: { value: FRAMEWORK } };
    await host.tell({ type: 'UPDATE_FRAMEWORK', update_framework: { framework_info } });
    expect(told(host)).to.have.length(2);
  });

  it('are forgotten with their framework', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8)]);
    const framework_id = { value: FRAMEWORK };
    await host.tell({ type: 'SHUTDOWN_FRAMEWORK', shutdown_framework: { framework_id } });
    await host.advance(3_600_000);
    expect(told(host)).to.have.length(1);
    expect(host.agent.state.operations.size).to.equal(0);
  });

  it('have failed when the folder of a volume could not be made', async () => {
    const host = await started();
    host.volumeFailures.set(`make ${FOLDER}`, 'the disk is full');
    await order(host, create(64), [volume(64)]);
    const { latest_status: status } = at(told(host), 0);
    expect(status.state).to.equal('OPERATION_FAILED');
    expect(status.message).to.match(/volumes\/roles\/web\/v of the volume could not be made/);
  });

  it('are dropped when the agent does not have what they need', async () => {
    const host = await started();
    await order(host, RESERVE, [disk(8_000)]);
    const { latest_status: status } = at(told(host), 0);
    expect(status.state).to.equal('OPERATION_DROPPED');
    expect(status.message).to.match(/does not contain/);
    await host.restart();
    expect(reported(host)).to.deep.equal(['OPERATION_DROPPED']);
  });
});
