import { expect } from 'chai';
import { task, want, wantNothing } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { MAX_DEMAND_BURST } from '../../../../sdk/runtime/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const offersHandler = handler('offers', () => undefined);

describe('Suppress and revive', () => {
  it('subscribes with the roles suppressed for which nothing is wanted', async () => {
    const rig = new Rig({
      settings: { roles: ['web', 'db'] },
      handlers: [handler('offers', () => want({ name: 'web', count: 1, role: 'web' }))],
    });
    await rig.start();
    const { subscribe } = rig.transport.last.subscribe;
    expect(subscribe?.suppressed_roles).to.deep.equal(['db']);
    await rig.close();
  });

  it('wants offers as long as the framework has not said what for', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    await rig.offer(rig.newOffer());
    await rig.pass(60_000);
    expect(rig.calls('SUPPRESS')).to.have.length(0);
    await rig.close();
  });

  it('suppresses when the last wanted task is placed, and revives when it is gone', async () => {
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => offers.keep(1, WEB, { backoff: 0 }))],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.world.advance(100);
    expect(rig.take()).to.deep.equal(['ACCEPT', 'SUPPRESS']);
    const [web] = rig.runtime.view.tasks.all();
    await rig.update(web?.id ?? '', 'TASK_FAILED', { uuid: 'dQ==' });
    await rig.world.advance(100);
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE', 'REVIVE']);
    await rig.close();
  });

  it('says nothing for wants that come and go at once (debounce)', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    await rig.runtime.decide(wantNothing());
    await rig.runtime.decide(want({ name: 'web', count: 1 }));
    await rig.world.advance(1_000);
    expect(rig.take()).to.deep.equal([]);
    await rig.close();
  });

  it('repeats SUPPRESS once, since it may have been lost', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    await rig.runtime.decide(wantNothing());
    await rig.pass(25_000);
    expect(rig.calls('SUPPRESS')).to.have.length(1);
    await rig.pass(200_000);
    expect(rig.calls('SUPPRESS')).to.have.length(2);
    await rig.close();
  });

  it('repeats REVIVE once unless an offer has come since', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    for (const isOffered of [false, true]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(wantNothing());
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(1_000);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(want({ name: 'web', count: 1 }));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(1_000);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      if (isOffered) await rig.offer(rig.newOffer());
      rig.take();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.pass(100_000);
      expect(rig.take()).to.deep.equal(isOffered ? [] : ['REVIVE']);
    }
    await rig.close();
  });

  it('takes an offer of a suppressed role as a sign that SUPPRESS was lost', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    await rig.runtime.decide(wantNothing());
    await rig.world.advance(1_000);
    expect(rig.take()).to.deep.equal(['SUPPRESS']);
    await rig.offer(rig.newOffer());
    await rig.world.advance(1_000);
    expect(rig.take()).to.deep.equal(['DECLINE', 'SUPPRESS']);
    await rig.close();
  });

  it('revives when more is wanted and declines are in the way, else not', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    await rig.runtime.decide(want({ name: 'web', count: 1 }));
    await rig.world.advance(1_000);
    expect(rig.calls('REVIVE')).to.have.length(0);
    await rig.offer(rig.newOffer());
    await rig.runtime.decide(want({ name: 'web', count: 1 }));
    await rig.world.advance(1_000);
    expect(rig.calls('REVIVE')).to.have.length(0);
    await rig.runtime.decide(want({ name: 'web', count: 2 }));
    await rig.world.advance(1_000);
    expect(rig.calls('REVIVE')).to.have.length(1);
    await rig.close();
  });

  it('adds up what the parts of one decision want of one name', async () => {
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => [
          offers.fit(WEB, { count: 2 }),
          offers.fit(task({ ...WEB, cpus: 0.5 }), { count: 1 }),
        ]),
      ],
    }).start();
    expect(rig.runtime.view.wants).to.deep.equal([
      { name: 'web', count: 3, cpus: 0.5, memMiB: 64 },
    ]);
    await rig.runtime.decide([want({ name: 'web', count: 2 }), want({ name: 'web', count: 5 })]);
    expect(rig.runtime.view.wants).to.deep.equal([{ name: 'web', count: 5 }]);
    await rig.close();
  });

  it('limits the rate of SUPPRESS and REVIVE', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    for (let round = 0; round < 4 * MAX_DEMAND_BURST; round++) {
      const decision = round % 2 === 0 ? wantNothing() : want({ name: 'web', count: 1 });
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(decision);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(100);
    }
    expect(rig.calls().length).to.be.within(MAX_DEMAND_BURST, MAX_DEMAND_BURST + 3);
    await rig.close();
  });

  it('suppresses while it is paused, and revives afterwards', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    rig.runtime.pause();
    await rig.world.advance(1_000);
    expect(rig.take()).to.deep.equal(['SUPPRESS']);
    await rig.update('old', 'TASK_RUNNING', { uuid: 'dQ==' });
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE']);
    rig.runtime.resume();
    await rig.world.advance(1_000);
    expect(rig.take()).to.deep.equal(['REVIVE']);
    await rig.close();
  });
});
