import { expect } from 'chai';
import { decline, hold, task, want, wantNothing } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });

describe('Offers that nobody uses', () => {
  it('declines what a handler does not mention, so that no offer is left unanswered', async () => {
    const rig = await new Rig({ handlers: [handler('offers', () => undefined)] }).start();
    const offers = [rig.newOffer(), rig.newOffer({ agent: 'A2' })];
    await rig.offer(...offers);
    const [call] = rig.calls('DECLINE');
    expect(call?.decline?.offer_ids).to.deep.equal(offers.map(({ id }) => id));
    await rig.close();
  });

  it('declines offers of a framework without a handler for them', async () => {
    const rig = await new Rig().start();
    await rig.offer(rig.newOffer());
    expect(rig.calls('DECLINE')).to.have.length(1);
    expect(rig.transport.last.subscribe.subscribe?.suppressed_roles).to.deep.equal(['web']);
    await rig.close();
  });

  it('refuses for longer than 5 s when wanted tasks do not fit, so that others are not starved', async () => {
    const huge = task({ ...WEB, cpus: 100 });
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => offers.keep(1, huge))],
    }).start();
    await rig.offer(rig.newOffer());
    const seconds = rig.calls('DECLINE')[0]?.decline?.filters?.refuse_seconds;
    expect(seconds).to.be.within(120, 132);
    await rig.close();
  });

  it('refuses for an hour and suppresses when nothing is wanted', async () => {
    const rig = await new Rig({ handlers: [handler('offers', () => wantNothing())] }).start();
    await rig.offer(rig.newOffer());
    const seconds = rig.calls('DECLINE')[0]?.decline?.filters?.refuse_seconds;
    expect(seconds).to.be.within(3600, 3960);
    await rig.world.advance(100);
    expect(rig.calls('SUPPRESS')[0]?.suppress?.roles).to.deep.equal(['web']);
    await rig.close();
  });

  it('refuses for a short time while it is paused, and gives held offers back', async () => {
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => hold([...offers], { for: '1m' }))],
    }).start();
    await rig.offer(rig.newOffer());
    expect(rig.calls('DECLINE')).to.have.length(0);
    rig.runtime.pause();
    await rig.offer(rig.newOffer());
    const declined = rig.calls('DECLINE').map(({ decline }) => decline);
    expect(declined.map((one) => one?.offer_ids?.[0]?.value)).to.deep.equal(['O1', 'O2']);
    for (const one of declined) expect(one?.filters?.refuse_seconds).to.be.within(5, 5.5);
    await rig.close();
  });

  it('declines for the time that a handler chooses', async () => {
    const rig = await new Rig({
      handlers: [handler('offers', (offers: Offers) => decline([...offers], { for: '7s' }))],
    }).start();
    await rig.offer(rig.newOffer());
    expect(rig.calls('DECLINE')[0]?.decline?.filters?.refuse_seconds).to.equal(7);
    await rig.close();
  });
});

describe('Held offers', () => {
  it('gives them to the handler again with the next offers', async () => {
    const seen: number[] = [];
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => {
          seen.push(offers.size);
          return seen.length === 2 ? hold([...offers], { for: '10s' }) : undefined;
        }),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.offer(rig.newOffer());
    expect(rig.runtime.view.heldOffers.map(({ offerId }) => offerId)).to.deep.equal(['O1']);
    expect(seen).to.deep.equal([0, 1, 2]);
    expect(rig.calls('DECLINE').map(({ decline }) => decline?.offer_ids)).to.deep.equal([
      [{ value: 'O2' }],
    ]);
    await rig.close();
  });

  it('declines a held offer at its deadline, so that it is not hoarded', async () => {
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) =>
          offers.size > 0 && rig.runtime.view.heldOffers.length === 0
            ? hold([...offers], { for: '10s' })
            : undefined,
        ),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.world.advance(9_000);
    expect(rig.calls('DECLINE')).to.have.length(0);
    await rig.world.advance(1_100);
    expect(rig.calls('DECLINE')[0]?.decline?.offer_ids).to.deep.equal([{ value: 'O1' }]);
    await rig.close();
  });

  it('holds no more than its bound: what was held first is declined', async () => {
    const rig = await new Rig({
      limits: { maxHeldOffers: 1 },
      handlers: [handler('offers', (offers: Offers) => hold([...offers], { for: '1m' }))],
    }).start();
    await rig.offer(rig.newOffer(), rig.newOffer({ agent: 'A2' }));
    expect(rig.runtime.view.heldOffers).to.have.length(1);
    expect(rig.calls('DECLINE')[0]?.decline?.offer_ids).to.deep.equal([{ value: 'O1' }]);
    await rig.close();
  });

  it('drops a rescinded one, and tells whoever wants to know', async () => {
    const rescinded: string[] = [];
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => hold([...offers], { for: '1m' })),
        handler('rescind', (event: { offerId: string; view?: { hostname: string } }) => {
          rescinded.push(`${event.offerId} of ${event.view?.hostname}`);
        }),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.event({ type: 'RESCIND', rescind: { offer_id: { value: 'O1' } } });
    expect(rescinded).to.deep.equal(['O1 of host-A1']);
    expect(rig.runtime.view.heldOffers).to.have.length(0);
    await rig.close();
  });
});

describe('Decisions about offers', () => {
  it('accepts an offer once, though several placements use it', async () => {
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => [
          offers.keep(1, WEB),
          offers.keep(1, task({ ...WEB, name: 'db' })),
        ]),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    const accepts = rig.calls('ACCEPT');
    expect(accepts).to.have.length(1);
    const infos = accepts[0]?.accept?.operations?.flatMap((one) => one.launch?.task_infos ?? []);
    expect(infos?.map(({ name }) => name)).to.deep.equal(['web', 'db']);
    expect(rig.calls('DECLINE')).to.have.length(0);
    await rig.close();
  });

  it('refuses a decision that uses an offer twice, and names it', async () => {
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => {
          const all = [...offers];
          return all.length === 0 ? undefined : [hold(all, { for: '1m' }), decline(all)];
        }),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    expect(String(rig.outcome)).to.contain("offer 'O1' is used twice");
    expect(rig.calls()).to.deep.equal([]);
  });

  it('refuses a decision about an offer that is not in hand, and names it', async () => {
    const rig = await new Rig().start();
    const error = await rig.runtime.decide(decline({ id: { value: 'O9' } })).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(error).to.include({ code: 'INVALID_DECISION' });
    expect(error?.message).to.contain("'O9' is not in hand");
    await rig.close();
  });

  it('launches nothing on an offer that was rescinded while the handler ran', async () => {
    let go = (): void => {};
    const rig = await new Rig({
      handlers: [
        handler('offers', async (offers: Offers) => {
          if (offers.isEmpty) return want({ name: 'web', count: 1 });
          await new Promise<void>((resolve) => (go = resolve));
          return offers.keep(1, WEB);
        }),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.event({ type: 'RESCIND', rescind: { offer_id: { value: 'O1' } } });
    go();
    await rig.world.settle();
    expect(rig.calls('ACCEPT')).to.have.length(0);
    expect(rig.runtime.view.tasks.size).to.equal(0);
    expect(rig.outcome).to.equal(undefined);
    await rig.close();
  });
});
