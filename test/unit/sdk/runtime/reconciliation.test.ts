import { expect } from 'chai';
import { MemoryStore } from '../../../../core/store/index.js';
import { kill, reconcile, task } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { MAX_RECONCILED_PER_CALL } from '../../../../sdk/runtime/index.js';
import { Rig, type RigOptions, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 0.01, memMiB: 1, command: 'sleep 100' });

/** A framework that has launched tasks, subscribed again. */
async function restarted(count: number, options: RigOptions = {}): Promise<Rig> {
  const store = new MemoryStore();
  const handlers = [
    handler('offers', (offers: Offers) =>
      offers.isEmpty ? undefined : offers.fit(WEB, { count }),
    ),
  ];
  const rig = await new Rig({ store, handlers }).start();
  await rig.offer(rig.newOffer({ cpus: 100 }));
  await rig.close();
  return new Rig({ store, ...options }).start();
}

function asked(rig: Rig): readonly number[] {
  return rig.calls('RECONCILE').map(({ reconcile }) => reconcile?.tasks?.length ?? 0);
}

describe('Reconciliation', () => {
  it('asks about every live task after each subscription, again and again until answered', async () => {
    const rig = await restarted(2);
    const [one, other] = rig.runtime.view.tasks.live();
    expect(asked(rig)).to.deep.equal([2]);
    expect(rig.calls('RECONCILE')[0]?.reconcile?.tasks?.[0]?.agent_id).to.deep.equal({
      value: 'A1',
    });
    await rig.update(one?.id ?? '', 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(rig.runtime.view.unreconciled).to.equal(1);
    const { context } = rig.runtime;
    expect(context.isReconciled(one?.id ?? '')).to.equal(true);
    expect(context.isReconciled(other?.id ?? '')).to.equal(false);
    await rig.pass(5_100);
    await rig.pass(10_100);
    expect(asked(rig)).to.deep.equal([2, 1, 1]);
    await rig.update(other?.id ?? '', 'TASK_GONE', { reason: 'REASON_RECONCILIATION' });
    await rig.pass(300_000);
    expect(asked(rig)).to.deep.equal([2, 1, 1]);
    expect(rig.runtime.view.tasks.get(other?.id ?? '')?.state).to.equal('GONE');
    expect(context.isReconciled(other?.id ?? '')).to.equal(true);
    await rig.breakStream();
    expect(context.isReconciled(one?.id ?? '')).to.equal(false);
    await rig.world.advance(1_000);
    await rig.subscribe();
    expect(asked(rig)).to.deep.equal([1]);
    await rig.close();
  });

  it('asks every half a minute about tasks that are out of reach, and counts them as answered', async () => {
    const rig = await restarted(2);
    const [one, other] = rig.runtime.view.tasks.live().map(({ id }) => id);
    await rig.update(one ?? '', 'TASK_UNREACHABLE', { reason: 'REASON_RECONCILIATION' });
    await rig.update(other ?? '', 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    rig.take();
    await rig.pass(60_100);
    expect(asked(rig)).to.deep.equal([1, 1]);
    expect(rig.calls('RECONCILE')[0]?.reconcile?.tasks?.[0]?.task_id.value).to.equal(one);
    expect(rig.runtime.context.isReconciled(one ?? '')).to.equal(true);
    await rig.update(one ?? '', 'TASK_GONE_BY_OPERATOR', { reason: 'REASON_RECONCILIATION' });
    await rig.pass(120_000);
    expect(asked(rig)).to.deep.equal([1, 1]);
    await rig.close();
  });

  it('waits longer each time, and never longer than a minute', async () => {
    const rig = await restarted(1);
    await rig.pass(5 * 60_000);
    const count = asked(rig).length;
    expect(count).to.be.within(7, 9);
    await rig.close();
  });

  it('asks in batches, the next one when the last is answered or the time is over', async () => {
    const count = MAX_RECONCILED_PER_CALL + 10;
    const rig = await restarted(count);
    expect(asked(rig)).to.deep.equal([MAX_RECONCILED_PER_CALL]);
    for (const { task_id } of rig.calls('RECONCILE')[0]?.reconcile?.tasks ?? []) {
      void rig.give({
        type: 'UPDATE',
        update: { status: { task_id, agent_id: { value: 'A1' }, state: 'TASK_RUNNING' } },
      });
    }
    await rig.world.settle();
    expect(asked(rig)).to.deep.equal([MAX_RECONCILED_PER_CALL, 10]);
    await rig.close();
  });

  it('asks from time to time, first without names, then by name about what is missing', async () => {
    const rig = await restarted(2, { settings: { reconcileEveryMs: 60_000 } });
    const [one, other] = rig.runtime.view.tasks.live();
    for (const { id } of [one, other].flatMap((each) => each ?? [])) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.update(id, 'TASK_RUNNING');
    }
    rig.take();
    await rig.pass(60_100);
    expect(asked(rig)).to.deep.equal([0]);
    await rig.update(one?.id ?? '', 'TASK_RUNNING');
    await rig.pass(6_000);
    expect(asked(rig)).to.deep.equal([0, 1]);
    await rig.close();
  });

  it('asks by name soon after that, though it has come to wait long for other tasks', async () => {
    const rig = await restarted(2, { settings: { reconcileEveryMs: 60_000 } });
    const [one, other] = rig.runtime.view.tasks.live();
    await rig.update(one?.id ?? '', 'TASK_RUNNING');
    await rig.pass(50_000);
    rig.take();
    await rig.pass(11_000);
    expect(asked(rig), 'the next one would have come at 75 s').to.deep.equal([0]);
    // Its agent is back, and of the other one nothing is known any more.
    await rig.update(other?.id ?? '', 'TASK_RUNNING');
    await rig.pass(6_000);
    expect(asked(rig)).to.deep.equal([0, 1]);
    await rig.close();
  });

  it('asks when a decision asks for it, and not twice about a task at a time', async () => {
    const rig = await restarted(1);
    const id = rig.runtime.view.tasks.live()[0]?.id ?? '';
    await rig.runtime.decide(reconcile(id));
    expect(asked(rig)).to.deep.equal([1]);
    await rig.update(id, 'TASK_RUNNING');
    await rig.runtime.decide(reconcile(id));
    await rig.runtime.decide(reconcile());
    expect(asked(rig)).to.deep.equal([1, 1, 0]);
    await rig.close();
  });
});

describe('Kills', () => {
  it('repeats KILL with growing waits until the task has ended', async () => {
    const rig = await restarted(1);
    const id = rig.runtime.view.tasks.live()[0]?.id ?? '';
    await rig.runtime.decide(kill(id, { grace: '5s' }));
    expect(rig.calls('KILL')[0]?.kill).to.deep.equal({
      task_id: { value: id },
      agent_id: { value: 'A1' },
      kill_policy: { grace_period: { nanoseconds: 5_000_000_000n } },
    });
    await rig.pass(10_100);
    expect(rig.calls('KILL')).to.have.length(2);
    await rig.update(id, 'TASK_KILLING');
    await rig.pass(10_100);
    expect(rig.calls('KILL')).to.have.length(3);
    await rig.update(id, 'TASK_KILLED');
    await rig.pass(600_000);
    expect(rig.calls('KILL')).to.have.length(3);
    expect(rig.runtime.view.openKills).to.equal(0);
    await rig.close();
  });

  it('repeats KILL as soon as a task is heard of again whose agent was away', async () => {
    const rig = await restarted(1);
    const id = rig.runtime.view.tasks.live()[0]?.id ?? '';
    await rig.runtime.decide(kill(id));
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(rig.calls('KILL'), 'it may be on its way').to.have.length(1);
    await rig.pass(100_000);
    const before = rig.calls('KILL').length;
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(rig.calls('KILL')).to.have.length(before + 1);
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(rig.calls('KILL')).to.have.length(before + 1);
    await rig.close();
  });

  it('repeats a KILL soon that was lost a moment before the task was heard of again', async () => {
    const rig = await restarted(1);
    const id = rig.runtime.view.tasks.live()[0]?.id ?? '';
    await rig.runtime.decide(kill(id));
    await rig.pass(85_000);
    const before = rig.calls('KILL').length;
    // Said 5 s ago; without news it is repeated in 75 s.
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(rig.calls('KILL')).to.have.length(before);
    await rig.pass(5_100);
    expect(rig.calls('KILL')).to.have.length(before + 1);
    await rig.close();
  });

  it('says KILL once, however often the framework decides it', async () => {
    const rig = await restarted(1);
    const id = rig.runtime.view.tasks.live()[0]?.id ?? '';
    for (let round = 0; round < 3; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.runtime.decide(kill(id));
    }
    expect(rig.calls('KILL')).to.have.length(1);
    await rig.close();
  });

  it('remembers over restarts what was to end', async () => {
    const store = new MemoryStore();
    const handlers = [
      handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.fit(WEB))),
    ];
    const first = await new Rig({ store, handlers }).start();
    await first.offer(first.newOffer());
    const id = first.runtime.view.tasks.live()[0]?.id ?? '';
    await first.runtime.decide(kill(id, { grace: '7s' }));
    await first.close();
    const second = await new Rig({ store }).start();
    expect(second.calls('KILL')[0]?.kill?.kill_policy?.grace_period?.nanoseconds).to.equal(
      7_000_000_000n,
    );
    await second.close();
  });
});
