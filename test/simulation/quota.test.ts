import { expect } from 'chai';
import type { MasterCall } from '../../core/api/index.js';
import type { MasterSettings } from '../../core/master/index.js';
import { SimulatedCluster, type SimulatedScheduler } from '../../core/simulation/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

type Amounts = Readonly<Record<string, { readonly value: number }>>;

/** Two agents of four cpus, a framework that takes all it is offered, and one that comes later. */
class Shared {
  readonly cluster: SimulatedCluster;
  readonly hog: SimulatedScheduler;
  readonly late: SimulatedScheduler;

  private constructor(hogCommand: string, masterConfig: MasterSettings) {
    this.cluster = new SimulatedCluster({ seed: 'quota', agents: 2, masterConfig });
    this.cluster.start();
    this.hog = this.add('hog', 40, hogCommand);
    this.late = this.add('late', 4, 'hang');
  }

  /** With the cluster up, and nobody subscribed. */
  static async ready(hogCommand: string, masterConfig: MasterSettings = {}): Promise<Shared> {
    const shared = new Shared(hogCommand, masterConfig);
    await shared.cluster.advance(5 * SECOND);
    return shared;
  }

  add(name: string, count: number, command: string): SimulatedScheduler {
    const jobs = Array.from({ length: count }, (_, index) => ({
      name: `${name}-${index}`,
      command,
      cpus: 1,
      memoryMiB: 64,
    }));
    const framework = { roles: [name], capabilities: [{ type: 'MULTI_ROLE' as const }] };
    return this.cluster.addScheduler({ name, jobs, framework });
  }

  async quota(role: string, guarantees: Amounts, limits: Amounts = {}): Promise<void> {
    await this.call({
      type: 'UPDATE_QUOTA',
      update_quota: { quota_configs: [{ role, guarantees, limits }] },
    });
  }

  async call(call: MasterCall): Promise<void> {
    const answered = Promise.resolve(this.cluster.master?.operatorCall(call));
    await this.cluster.advance(SECOND);
    expect(await answered).to.deep.equal({ status: 200 });
  }

  running(scheduler: SimulatedScheduler): number {
    return [...scheduler.tasks.values()].filter(({ state }) => state === 'TASK_RUNNING').length;
  }
}

describe('Quota in a cluster', () => {
  it('keeps what a role is guaranteed free of a framework that takes everything', async () => {
    const shared = await Shared.ready('sleep 20');
    shared.hog.start();
    await shared.cluster.advance(5 * SECOND);
    expect(shared.running(shared.hog)).to.equal(8);
    await shared.quota('late', { cpus: { value: 3 } });
    await shared.cluster.advance(30 * SECOND);
    // The tasks have ended, and their resources are kept although nobody uses them yet.
    expect(shared.running(shared.hog)).to.equal(5);
    shared.late.start();
    await shared.cluster.advance(5 * SECOND);
    expect(shared.running(shared.late)).to.be.at.least(3);
  });

  it('keeps a greedy framework within its limit, and lets it go on when that is changed', async () => {
    const shared = await Shared.ready('hang');
    await shared.quota('hog', {}, { cpus: { value: 2 } });
    shared.hog.start();
    await shared.cluster.advance(MINUTE);
    expect(shared.running(shared.hog)).to.equal(2);
    await shared.quota('hog', {}, { cpus: { value: 3 } });
    await shared.cluster.advance(MINUTE);
    expect(shared.running(shared.hog)).to.equal(3);
    await shared.call({ type: 'REMOVE_QUOTA', remove_quota: { role: 'hog' } });
    await shared.cluster.advance(MINUTE);
    expect(shared.running(shared.hog)).to.equal(8);
  });

  it('holds over a crash of the master', async () => {
    const shared = await Shared.ready('hang');
    await shared.quota('hog', {}, { cpus: { value: 2 } });
    shared.hog.start();
    shared.late.start();
    await shared.cluster.advance(MINUTE);
    shared.cluster.crashMaster();
    await shared.cluster.advance(5 * SECOND);
    shared.cluster.restartMaster();
    await shared.cluster.advance(2 * MINUTE);
    expect(shared.running(shared.hog)).to.equal(2);
    expect(shared.running(shared.late)).to.equal(4);
    expect([...(shared.cluster.master?.cluster.quotas.keys() ?? [])]).to.deep.equal(['hog']);
  });

  it('is kept by revocation where tasks never end, over a crash of the master', async () => {
    const shared = await Shared.ready('hang', { revocation: 'over-quota' });
    shared.hog.start();
    await shared.cluster.advance(5 * SECOND);
    expect(shared.running(shared.hog)).to.equal(8);
    await shared.quota('hog', { cpus: { value: 4 } });
    await shared.quota('late', { cpus: { value: 3 } });
    shared.late.start();
    await shared.cluster.advance(4 * SECOND);
    shared.cluster.crashMaster();
    await shared.cluster.advance(5 * SECOND);
    shared.cluster.restartMaster();
    await shared.cluster.advance(2 * MINUTE);
    expect(shared.running(shared.late)).to.be.at.least(3);
    expect(shared.running(shared.hog)).to.be.within(4, 5);
  });
});
