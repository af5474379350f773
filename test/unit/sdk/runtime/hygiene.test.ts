/**
 * The mistakes that authors of frameworks make, and the tests that show that the runtime does not let
 * them. Files are beside this one unless named.
 *
 * - offers that nobody answers: offers.test "declines what a handler does not mention", "declines a held
 *   offer at its deadline", "holds no more than its bound"; handlers.test "decline offers that come while
 *   one of them is waited for"
 * - the short default filter: offers.test "refuses for longer than 5 s", "refuses for an hour"
 * - races of suppress and revive: demand.test, all of it
 * - wedged by old state: state.test "says what is wrong with state", "migrates values"; here
 *   "believes the master and not the store"
 * - removed after the failover timeout: session.test "Removed frameworks"
 * - registered fires again: session.test "tells `connected` once a session"
 * - reconnecting by hand: session.test "reconnects with waits that grow", "gives a silent master up", "does
 *   not take its own slowness"; in the simulation "survives the loss of a master"
 * - reconciliation forgotten or naive: reconciliation.test
 * - kills that are lost: reconciliation.test "Kills"
 * - exceptions that vanish: handlers.test "Handlers that fail"; here "does not lose a rejected promise"
 * - updates acknowledged too early, or handled twice: updates.test
 * - launched twice after a crash: updates.test "are in the store before the ACCEPT is sent"; here "knows
 *   after a crash what it was about to launch"
 * - does not shut down: lifecycle.test "Closing"
 * - two copies at work: lifecycle.test "A copy that does not lead any more"
 * - why is my task pending: lifecycle.test "tells the last decisions"
 */
import { expect } from 'chai';
import { VirtualWorld } from '../../../../core/base/index.js';
import { MemoryMedium, MemoryStore } from '../../../../core/store/index.js';
import { task } from '../../../../sdk/decisions/index.js';
import type { Trouble } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const keepOne = handler('offers', (offers: Offers) => offers.keep(1, WEB, { backoff: 0 }));

describe('Hygiene', () => {
  it('believes the master and not the store about what runs', async () => {
    const store = new MemoryStore();
    const first = await new Rig({ store, handlers: [keepOne] }).start();
    await first.offer(first.newOffer());
    const old = first.runtime.view.tasks.live()[0]?.id ?? '';
    await first.update(old, 'TASK_RUNNING');
    await first.close();
    const second = await new Rig({ store, handlers: [keepOne] }).start();
    expect(second.calls('RECONCILE')).to.have.length(1);
    await second.update(old, 'TASK_GONE', { reason: 'REASON_RECONCILIATION' });
    await second.offer(second.newOffer({ agent: 'A2' }));
    const live = second.runtime.view.tasks.live();
    expect(live.map(({ agentId }) => agentId)).to.deep.equal(['A2']);
    await second.close();
  });

  it('does not lose a rejected promise', async () => {
    const seen: string[] = [];
    const rig = await new Rig({
      handlers: [
        handler('message', () => Promise.reject(new Error('lost?')), { onError: 'skip' }),
        handler(
          'error',
          ({ error, where }: Trouble) => void seen.push(`${where} ${error.message}`),
        ),
      ],
    }).start();
    const message = { agent_id: { value: 'A1' }, executor_id: { value: 'E' }, data: '' };
    await rig.event({ type: 'MESSAGE', message });
    expect(seen).to.deep.equal(['message lost?']);
    await rig.close();
  });

  it('knows after a crash what it was about to launch, and does not launch it twice', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const delay = { clock: world.clock, commitMs: () => 10 };
    const store = new MemoryStore({ medium, delay });
    const first = new Rig({ world, store, handlers: [keepOne] });
    first.run();
    await world.advance(100);
    await first.subscribe();
    await world.advance(100);
    await first.offer(first.newOffer());
    // The process dies: the write arrives, the ACCEPT was never sent.
    store.crash(1);
    expect(first.calls('ACCEPT')).to.have.length(0);
    const second = new Rig({ store: new MemoryStore({ medium }), handlers: [keepOne] });
    await second.start();
    const [planned] = second.runtime.view.tasks.live();
    expect(planned?.state).to.equal('LAUNCHING');
    await second.offer(second.newOffer({ agent: 'A2' }));
    expect(second.calls('ACCEPT')).to.have.length(0);
    await second.update(planned?.id ?? '', 'TASK_GONE', { reason: 'REASON_RECONCILIATION' });
    await second.world.advance(1_000);
    await second.offer(second.newOffer({ agent: 'A2' }));
    expect(second.calls('ACCEPT')).to.have.length(1);
    await second.close();
  });
});
