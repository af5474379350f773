/** What the table of guarantees says of copies and failovers, seen on a cluster. */
import { expect } from 'chai';
import {
  type Connected,
  Every,
  Framework,
  type Offers,
  OnConnected,
  OnDisconnected,
  OnOffers,
  OnStart,
  OnStatus,
  type TaskUpdate,
  task,
} from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

/** Writes down what each of its objects is told, in order; the first object is made to read the class. */
@Framework({ name: 'witness' })
class Witness {
  readonly told: string[] = [];

  @OnStart() start() {
    this.told.push('start');
  }

  @OnOffers() place(offers: Offers) {
    if (this.told.at(-1) !== 'offers') this.told.push('offers');
    return offers.keep(1, task({ name: 'one', cpus: 1, memMiB: 64, command: 'hang' }));
  }

  @OnStatus('RUNNING') status({ state }: TaskUpdate) {
    this.told.push(state);
  }

  @OnConnected() connected({ failover }: Connected) {
    this.told.push(failover ? 'connected failover' : 'connected');
  }

  @OnDisconnected() disconnected() {
    this.told.push('disconnected');
  }

  @Every('20s') every() {
    this.told.push('every');
  }
}

describe('The guarantees of decorators', () => {
  it('are those of the active copy: one that stands by calls nothing, then all from the start', async () => {
    const cluster = simulate({ agents: 1 });
    const copies = cluster.runCopies(Witness, 2);
    await cluster.advance('50s');
    const active = copies.find(({ isActive }) => isActive);
    const standby = copies.find(({ isActive }) => !isActive);
    expect(standby?.instance.told).to.deep.equal([]);
    expect(active?.instance.told).to.include.members(['start', 'RUNNING', 'every']);

    cluster.crash(active?.name ?? '');
    await cluster.advance('30s');
    const told = standby?.instance.told ?? [];
    expect(told.slice(0, 3)).to.deep.equal(['start', 'offers', 'connected failover']);
    // Dealt with before; the interval begins anew.
    expect(told).to.not.include('RUNNING');
    expect(told.filter((word) => word === 'every').length).to.be.at.most(1);
  });

  it('repeat an update that was not acknowledged to the next process, and no other', async () => {
    const cluster = simulate({ agents: 1 });
    const calls: string[] = [];
    class Doomed extends Witness {
      override status(update: TaskUpdate): void {
        calls.push(update.task.id);
        if (calls.length === 1) throw new Error('killed in the middle of it');
      }
    }
    Framework({ name: 'doomed' })(Doomed);
    const doomed = cluster.run(Doomed, { mayFail: true });
    await cluster.until(() => calls.length === 1);
    await cluster.advance('1s');
    cluster.restart(doomed);
    await cluster.advance('1m');
    expect(calls).to.have.length(2);
    expect(new Set(calls).size).to.equal(1);
    cluster.crash(doomed);
    cluster.restart(doomed);
    await cluster.advance('1m');
    expect(calls).to.have.length(2);
  });
});
