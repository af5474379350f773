import { expect } from 'chai';
import {
  type Connected,
  Every,
  Framework,
  MemoryRepository,
  type Offers,
  OnConnected,
  OnError,
  OnLost,
  OnOffers,
  OnStart,
  OnStatus,
  type Repository,
  Stored,
  type TaskUpdate,
  type Trouble,
  task,
} from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

/** Writes down what it is told, in order, over all of its lives. */
@Framework({ name: 'witness' })
class Witness {
  @Stored('notes') readonly notes: Repository<string> = new MemoryRepository();
  readonly told: string[];

  constructor(told: string[] = []) {
    this.told = told;
  }

  @OnStart() begin() {
    this.told.push(`start ${this.notes.size}`);
  }

  @OnOffers() place(offers: Offers) {
    this.told.push(offers.isEmpty ? 'no offers' : 'offers');
    return offers.complete([
      task({ name: 'job', key: '1', cpus: 1, memMiB: 64, command: 'run 30s then exit 0' }),
    ]);
  }

  // Declared before the other one: what decides is the decorator.
  @OnLost() lost({ state }: TaskUpdate) {
    this.told.push(`lost ${state}`);
  }

  @OnStatus() status({ state }: TaskUpdate) {
    this.told.push(state);
  }

  @OnConnected() connected({ first, failover }: Connected) {
    this.told.push(`connected ${first ? 'first' : failover ? 'failover' : 'again'}`);
  }
}

@Framework({ name: 'fragile' })
class Fragile {
  @Stored('notes') readonly notes: Repository<string> = new MemoryRepository();

  @OnOffers() place(_offers: Offers) {}

  @Every('5s') fail() {
    this.notes.set('by the failed turn', 'yes');
    throw new Error('no luck');
  }

  @OnError() note({ where, policy }: Trouble) {
    this.notes.set('by the error handler', `${where} ${policy}`);
  }
}

describe('What the pages of decorators promise', () => {
  it('start, then wants, then a connection; after a restart connected before what was missed', async () => {
    const cluster = simulate({ agents: 1 });
    const told: string[] = [];
    const witness = cluster.run(() => new Witness(told));
    await cluster.until(() => told.includes('RUNNING'));
    expect(told.slice(0, 4)).to.deep.equal(['start 0', 'no offers', 'connected first', 'offers']);

    cluster.crash(witness);
    await cluster.advance('1m');
    told.length = 0;
    cluster.restart(witness);
    await cluster.until(() => told.includes('FINISHED'));
    expect(told.slice(0, 3)).to.deep.equal(['start 0', 'no offers', 'connected failover']);
    expect(told.filter((word) => word === 'FINISHED')).to.have.length(1);
  });

  it('lost after status, in one turn', async () => {
    const cluster = simulate({ agents: 1 });
    const told: string[] = [];
    cluster.run(() => new Witness(told));
    await cluster.until(() => told.includes('RUNNING'));
    cluster.partition('agent-0');
    await cluster.until(() => told.includes('lost UNREACHABLE'), { within: '3m' });
    const index = told.indexOf('UNREACHABLE');
    expect(told.slice(index, index + 2)).to.deep.equal(['UNREACHABLE', 'lost UNREACHABLE']);
    cluster.heal();
    await cluster.until(() => told.includes('FINISHED'), { within: '3m' });
  });

  it('nothing of a turn that crashed, and what the error handler wrote before the end', async () => {
    const cluster = simulate({ agents: 1 });
    const fragile = cluster.run(Fragile, { mayFail: true });
    await cluster.advance('10s');
    expect(fragile.isRunning).to.equal(false);
    expect(fragile.failure?.message).to.contain('The handler fail failed: no luck');
    cluster.restart(fragile);
    await cluster.advance('1s');
    expect(fragile.instance.notes.entries()).to.deep.equal([
      ['by the error handler', 'fail crash'],
    ]);
  });
});
