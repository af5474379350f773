import { expect } from 'chai';
import { task, want, wantNothing } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { MAX_DEMAND_BURST, SUPPRESS_LINGER_MS } from '../../../../sdk/runtime/index.js';
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
    for (let count = 1; count <= 4 * MAX_DEMAND_BURST; count++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.offer(rig.newOffer());
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(want({ name: 'web', count }));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(100);
    }
    const revives = rig.calls('REVIVE').length;
    expect(revives).to.be.within(MAX_DEMAND_BURST, MAX_DEMAND_BURST + 3);
    await rig.close();
  });

  it('waits with SUPPRESS once it had to take one back soon, until nothing is wanted for a while', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    const told: (string | undefined)[] = [];
    for (let round = 0; round < 20; round++) {
      const decision = round % 2 === 0 ? wantNothing() : want({ name: 'web', count: 1 });
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(decision);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(1_000);
      told.push(...rig.take());
    }
    expect(told).to.deep.equal(['SUPPRESS', 'REVIVE']);

    await rig.runtime.decide(wantNothing());
    await rig.world.advance(SUPPRESS_LINGER_MS - 100);
    expect(rig.take()).to.deep.equal([]);
    await rig.world.advance(200);
    expect(rig.take()).to.deep.equal(['SUPPRESS']);

    // That one lasted: the next is said at once again.
    await rig.pass(SUPPRESS_LINGER_MS);
    await rig.runtime.decide(want({ name: 'web', count: 1 }));
    await rig.world.advance(100);
    await rig.runtime.decide(wantNothing());
    await rig.world.advance(100);
    expect(rig.take()).to.deep.equal(['REVIVE', 'SUPPRESS']);
    await rig.close();
  });

  it('replaces task after task by the offers of what they leave, without a word', async () => {
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => offers.keep(1, WEB, { backoff: 0 }))],
    }).start();
    const told: (string | undefined)[] = [];
    for (let round = 0; round < 20; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.offer(rig.newOffer());
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(5_000);
      const web = rig.runtime.view.tasks.live()[0];
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.update(web?.id ?? '', 'TASK_FINISHED', { uuid: 'dQ==' });
      // The first time the role is suppressed, and no offer comes before the revive.
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      if (round === 0) await rig.world.advance(100);
      told.push(...rig.take());
    }
    const demands = told.filter((type) => type === 'SUPPRESS' || type === 'REVIVE');
    expect(demands).to.deep.equal(['SUPPRESS', 'REVIVE']);
    expect(told.filter((type) => type === 'ACCEPT')).to.have.lengthOf(20);
    await rig.close();
  });

  it('revives at once while SUPPRESS waits, when no offer comes of itself', async () => {
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => offers.keep(1, WEB, { backoff: 0 }))],
    }).start();
    for (let round = 0; round < 5; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.offer(rig.newOffer());
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(1_000);
      rig.take();
      const web = rig.runtime.view.tasks.live()[0];
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.update(web?.id ?? '', 'TASK_FAILED', { uuid: 'dQ==' });
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(100);
      expect(rig.take()).to.deep.equal(['ACKNOWLEDGE', 'REVIVE']);
    }
    await rig.close();
  });

  it('suppresses at once when it is paused, whatever was before', async () => {
    const rig = await new Rig({ handlers: [offersHandler] }).start();
    for (const decision of [wantNothing(), want({ name: 'web', count: 1 })]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(decision);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(1_000);
    }
    expect(rig.take()).to.deep.equal(['SUPPRESS', 'REVIVE']);
    rig.runtime.pause();
    await rig.world.advance(100);
    expect(rig.take()).to.deep.equal(['SUPPRESS']);
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
