/** Dynamic reservations, and an agent that comes back with another make-up, over restarts. */
import { expect } from 'chai';
import type { Offer, OfferOperation, Resource } from '../../../core/api/index.js';
import { OfferRemainder } from '../../../core/client/index.js';
import { Resources } from '../../../core/resources/index.js';
import { type Ended, plateau } from '../cli/command.js';
import { TestCluster } from './cluster.js';
import { SMALL, type TestScheduler, taskInfo } from './scheduler.js';

const ROLE = 'tests';

/** Cpus of an offer that are reserved dynamically for the role. */
function reservedCpus(offer: Offer): number {
  return (offer.resources ?? [])
    .filter(({ name, reservations }) => name === 'cpus' && reservations?.at(-1)?.type === 'DYNAMIC')
    .reduce((sum, { scalar }) => sum + (scalar?.value ?? 0), 0);
}

function reserved(name: string, value: number): Resource {
  return {
    name,
    type: 'SCALAR',
    scalar: { value },
    reservations: [{ type: 'DYNAMIC', role: ROLE }],
    allocation_info: { role: ROLE },
  };
}

const RESERVED: readonly Resource[] = [reserved('cpus', 1), reserved('mem', 128)];
const RESERVE: OfferOperation = { type: 'RESERVE', reserve: { resources: RESERVED } };

describe('Reservations on an agent', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  it('can be made and used in one call', async () => {
    const offer = await scheduler.takeOffer();
    expect(reservedCpus(offer)).to.equal(0);
    const remainder = new OfferRemainder({ ...offer, resources: RESERVED });
    const task = taskInfo(
      offer,
      { id: 'on-reserved', command: { value: 'while :; do sleep 0.1; done' } },
      remainder.take(SMALL),
    );
    await scheduler.accept(offer, [RESERVE, { type: 'LAUNCH', launch: { task_infos: [task] } }]);
    await scheduler.until('on-reserved', 'TASK_RUNNING');
    // What the task does not use of the reservation is offered to its role, reserved.
    const rest = await scheduler.takeOffer((one) => reservedCpus(one) > 0);
    expect(reservedCpus(rest)).to.be.closeTo(0.9, 1e-6);
    await scheduler.client.decline([rest.id], { refuse_seconds: 0 });
  });

  async function expectReservedOffer(): Promise<Offer> {
    const offer = await scheduler.takeOffer((one) => reservedCpus(one) > 0);
    const total = Resources.fromWire(offer.resources ?? []);
    expect(reservedCpus(offer)).to.be.closeTo(0.9, 1e-6);
    expect(total.scalar('cpus')).to.equal(3900);
    return offer;
  }

  it('outlive an agent that is killed', async () => {
    await cluster.restartAgent();
    const offer = await expectReservedOffer();
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
    expect(scheduler.states('on-reserved').at(-1)).to.equal('TASK_RUNNING');
  });

  it('outlive an agent that is asked to end its tasks and leave', async () => {
    expect(await cluster.agent.end('SIGUSR1')).to.equal(0);
    await scheduler.ended('on-reserved');
    await cluster.agent.start();
    await cluster.untilRegistered();
    const offer = await scheduler.takeOffer((one) => reservedCpus(one) > 0.95);
    expect(reservedCpus(offer)).to.equal(1);
    const resources = new OfferRemainder({ ...offer, resources: RESERVED }).take(SMALL);
    const command = { value: 'while :; do sleep 0.1; done' };
    const task = taskInfo(offer, { id: 'on-reserved-too', command }, resources);
    await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos: [task] } }]);
    await scheduler.until('on-reserved-too', 'TASK_RUNNING');
  });

  it('outlive a master that is killed, and both together', async () => {
    await cluster.master.end('SIGKILL');
    await cluster.agent.end('SIGKILL');
    await Promise.all([cluster.master.start(), cluster.agent.start()]);
    await cluster.untilRegistered();
    const offer = await expectReservedOffer();
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
  });

  it('are counted on the pages', async () => {
    const { slaves } = await cluster.master.page('/slaves');
    const [agent] = slaves as readonly Record<string, unknown>[];
    expect(agent?.['reserved_resources']).to.deep.include.keys(ROLE);
    const roles = (await cluster.master.page('/roles'))['roles'] as readonly object[];
    expect(roles.map((role) => (role as { readonly name: string }).name)).to.include(ROLE);
  });

  it('go back to everybody when they are given up', async () => {
    await scheduler.kill('on-reserved-too');
    await scheduler.until('on-reserved-too', 'TASK_KILLED');
    const offer = await scheduler.takeOffer((one) => reservedCpus(one) > 0.95);
    await scheduler.accept(offer, [{ type: 'UNRESERVE', unreserve: { resources: RESERVED } }]);
    const whole = await scheduler.takeOffer((one) => reservedCpus(one) === 0);
    const total = Resources.fromWire(whole.resources ?? []).unallocated();
    expect(total.unreserved().scalar('cpus')).to.equal(4000);
    expect(total.unreserved().equals(total)).to.equal(true);
    await scheduler.client.decline([whole.id], { refuse_seconds: 0 });
    await cluster.restartAgent();
    const after = await scheduler.takeOffer();
    expect(reservedCpus(after)).to.equal(0);
  });
});

describe('An agent that comes back with another make-up', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;
  const MORE = '--resources=cpus:6;mem:2048;disk:1024;ports:[31000-31009]';

  before(async () => {
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
    await scheduler.run('stays', 'while :; do sleep 0.1; done');
    await scheduler.until('stays', 'TASK_RUNNING');
    await cluster.agent.end('SIGKILL');
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  /** How the agent ends when it is started with these flags. */
  function started(...flags: readonly string[]): Promise<Ended> {
    return plateau([
      'agent',
      `--master=${cluster.master.url}`,
      '--port=0',
      `--work_dir=${cluster.workDir}`,
      '--resources=cpus:4;mem:2048;disk:1024;ports:[31000-31009]',
      '--attributes=rack:r1;level:3',
      ...flags,
    ]);
  }

  /** What it says when it does not start. */
  async function refusalOf(...flags: readonly string[]): Promise<string> {
    const ended = await started(...flags);
    expect(ended.code).to.equal(2);
    return ended.stdout + ended.stderr;
  }

  it('does not start with other resources or attributes, and says what to do', async () => {
    const changes = [
      [MORE, 'resources'],
      ['--attributes=rack:r2;level:3', 'attributes'],
    ] as const;
    for (const [flag, what] of changes) {
      const text = await refusalOf(flag);
      expect(text).to.include('[INVALID_FLAG]').and.include(`${what} `);
      expect(text).to.include('--reconfiguration_policy=additive').and.include('--recover=cleanup');
    }
    const less = '--resources=cpus:2;mem:2048;disk:1024;ports:[31000-31009]';
    const text = await refusalOf(less, '--reconfiguration_policy=additive');
    expect(text).to.include('[INVALID_FLAG]').and.include('cpus:2');
  });

  it('takes more resources when it is allowed to, and goes on with its tasks', async () => {
    cluster.agent = cluster.agentWith([MORE, '--reconfiguration_policy=additive']);
    await cluster.agent.start();
    await cluster.untilRegistered();
    const cpus = (offer: Offer): number => Resources.fromWire(offer.resources ?? []).scalar('cpus');
    const offer = await scheduler.takeOffer((one) => cpus(one) > 4000);
    expect(cpus(offer)).to.equal(5900);
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
    expect(scheduler.states('stays')).to.not.include('TASK_FAILED');
    expect(scheduler.states('stays').at(-1)).to.equal('TASK_RUNNING');
  });

  it('ends its tasks when it is asked to clean up, and takes any make-up then', async () => {
    await cluster.agent.end('SIGKILL');
    expect(await started('--recover=cleanup', '--attributes=rack:r9')).to.include({ code: 0 });
    const SMALLER = '--resources=cpus:2;mem:1024;disk:512;ports:[]';
    cluster.agent = cluster.agentWith([SMALLER, '--attributes=rack:r2']);
    await cluster.agent.start();
    await cluster.untilRegistered();
    await scheduler.until('stays', 'TASK_KILLED');
    const cpus = ({ resources }: Offer): number =>
      Resources.fromWire(resources ?? []).scalar('cpus');
    const offer = await scheduler.takeOffer((one) => cpus(one) === 2000);
    expect((offer.attributes ?? []).map(({ text }) => text?.value)).to.deep.equal(['r2']);
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
  });

  it('may change at will when nothing runs', async () => {
    await cluster.agent.end('SIGKILL');
    cluster.agent = cluster.agentWith(['--attributes=rack:r3']);
    await cluster.agent.start();
    await cluster.untilRegistered();
    const offer = await scheduler.takeOffer(({ attributes }) =>
      (attributes ?? []).some(({ text }) => text?.value === 'r3'),
    );
    expect(Resources.fromWire(offer.resources ?? []).scalar('cpus')).to.equal(4000);
  });
});
