import { expect } from 'chai';
import {
  type Decision,
  Framework,
  OnOffers,
  OnOperation,
  type Offers,
  type OperationUpdate,
  createVolume,
  destroyVolume,
  hasVolume,
  reserve,
  task,
  unreserve,
  want,
  withVolume,
} from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

const VOLUME = { id: 'data', diskMiB: 512, containerPath: 'data', labels: { of: 'db' } };
const DB = { name: 'db', cpus: 1, memMiB: 64, command: 'hang' };
const AGENT = 'cpus:4;mem:4096;disk:8192';

/** Reserves, makes a volume, and runs one task on it; gives all back when told. */
@Framework({ name: 'db', roles: ['db'] })
class Database {
  isOver = false;
  readonly outcomes: string[] = [];

  @OnOffers() place(offers: Offers): Decision {
    const [view] = offers;
    if (this.isOver) return this.#end(offers);
    const has = [...offers].some((one) => hasVolume(one, 'data'));
    if (view !== undefined && !has && offers.tasks.live('db').length === 0) {
      const options = { labels: VOLUME.labels };
      return [reserve(view, { diskMiB: 512 }, options), createVolume(view, VOLUME)];
    }
    return offers.keep(1, task({ ...DB, adapt: withVolume('data') }), {
      where: (one) => hasVolume(one, 'data'),
    });
  }

  @OnOperation() done({ operationId, state }: OperationUpdate): void {
    this.outcomes.push(`${operationId?.split('.')[0]} ${state}`);
  }

  #end(offers: Offers): Decision {
    const stopped = offers.keep(0, task(DB));
    const view = [...offers].find((one) => hasVolume(one, 'data'));
    // Until the volume is offered there is something to do, though nothing to run.
    if (view === undefined)
      return [stopped, want({ name: 'give back', count: this.outcomes.length < 4 ? 1 : 0 })];
    const options = { labels: VOLUME.labels };
    return [stopped, destroyVolume(view, 'data'), unreserve(view, { diskMiB: 512 }, options)];
  }
}

describe('Reservations and volumes of an SDK framework', () => {
  it('are made, used by a task, and given back', async () => {
    const cluster = simulate({ agents: [AGENT] });
    const db = cluster.run(Database);
    await cluster.advance('20s');
    db.expect.running(1);
    expect(db.instance.outcomes).to.deep.equal([
      'reserve OPERATION_FINISHED',
      'create OPERATION_FINISHED',
    ]);
    expect(db.view.openOperations).to.equal(0);
    db.instance.isOver = true;
    await db.runtime.decide(undefined);
    await cluster.until(() => db.instance.outcomes.length === 4, { within: '3m' });
    expect(db.instance.outcomes.slice(2)).to.deep.equal([
      'destroy OPERATION_FINISHED',
      'unreserve OPERATION_FINISHED',
    ]);
  });

  it('are asked about again when the framework died before it heard', async () => {
    const cluster = simulate({ agents: [AGENT], keepsReservations: true });
    const db = cluster.run(Database);
    await cluster.until(() => db.view.openOperations === 2, { step: 1 });
    cluster.crash(db);
    await cluster.advance('5s');
    cluster.restart(db);
    await cluster.until(() => db.view.openOperations === 0 && db.running('db').length === 1, {
      within: '3m',
    });
    expect(db.instance.outcomes).to.include('reserve OPERATION_FINISHED');
  });

  it('are told as dropped when the session ended before they were sent', async () => {
    const cluster = simulate({ agents: [AGENT], keepsReservations: true });
    const db = cluster.run(Database);
    await cluster.until(() => db.view.openOperations === 2, { step: 1 });
    cluster.cut(db);
    await cluster.until(() => db.view.openOperations === 0 && db.running('db').length === 1, {
      within: '3m',
    });
  });
});
