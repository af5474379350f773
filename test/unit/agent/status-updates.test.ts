import { expect } from 'chai';
import { Host, taskInfo } from './host.js';

const ORDER = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED', 'TASK_FAILED'];

async function running(): Promise<Host> {
  const host = new Host({ isAcknowledging: false });
  await host.start();
  await host.run([taskInfo('t1')]);
  return host;
}

describe('Status updates', () => {
  it('sends the oldest only, and the next when that is acknowledged', async () => {
    const host = await running();
    await host.end('t1');
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING']);
    expect(host.messages('STATUS_UPDATE')[0]?.status_update?.latest_state).to.equal(
      'TASK_STARTING',
    );
    await host.acknowledge(host.last('t1'));
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    expect(host.messages('STATUS_UPDATE')[1]?.status_update?.latest_state).to.equal(
      'TASK_FINISHED',
    );
    await host.acknowledge(host.last('t1'));
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
  });

  it('repeats after 10 s, then after twice that, up to every 10 minutes', async () => {
    const host = await running();
    const times: number[] = [0];
    const startMs = host.world.clock.elapsed();
    for (let second = 1; second <= 3600; second++) {
      const before = host.statuses('t1').length;
      await host.world.advance(1000);
      if (second % 50 === 0) await host.tell({ type: 'PING' });
      if (host.statuses('t1').length > before) times.push(host.world.clock.elapsed() - startMs);
    }
    const waits = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
    expect(waits).to.deep.equal([10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
  });

  it('ignores repeated, unexpected and foreign acknowledgements', async () => {
    const host = await running();
    const starting = host.last('t1');
    await host.acknowledge({ ...starting, uuid: 'AAAAAAAAAAAAAAAAAAAAAA==' });
    await host.acknowledge(starting, 'other');
    await host.acknowledge({ ...starting, task_id: { value: 't2' } });
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING']);
    await host.acknowledge(starting);
    await host.acknowledge(starting);
    await host.end('t1');
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
  });

  it('sends nothing while there is no master, and everything to the next', async () => {
    const host = await running();
    host.isMasterUp = false;
    await host.disconnect();
    const before = host.received.length;
    await host.advance(100_000);
    expect(host.received).to.have.length(before);
    host.isMasterUp = true;
    await host.advance(60_000);
    expect(host.statuses('t1').length).to.be.greaterThan(1);
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING']);
  });

  it('repeats after a restart what was not acknowledged, in order', async () => {
    const host = await running();
    await host.acknowledge(host.last('t1'));
    await host.end('t1');
    await host.advance(1500);
    const before = host.received.length;
    host.isAcknowledging = true;
    await host.restart();
    const resent = host.received.slice(before).flatMap((message) => {
      const state = message.status_update?.status.state;
      return state === undefined ? [] : [state];
    });
    expect(resent).to.deep.equal(['TASK_RUNNING', 'TASK_FINISHED']);
    await host.advance(2000);
    expect(host.keys('updates/')).to.deep.equal([]);
    expect(host.keys('tasks/')).to.deep.equal([]);
  });

  it('never repeats an update after a later one, whenever the agent is killed', async () => {
    for (let killedAtMs = 0; killedAtMs < 30; killedAtMs++) {
      const host = new Host();
      host.commitMs = 4;
      await host.start();
      await host.advance(20);
      await host.run([taskInfo('t1')]);
      await host.advance(killedAtMs);
      host.crash();
      await host.start();
      await host.advance(20);
      if (host.containersOf('t1').length > 0) await host.end('t1');
      await host.advance(20);
      const ranks = host
        .messages('STATUS_UPDATE')
        .map(({ status_update }) => ORDER.indexOf(status_update?.status.state ?? ''));
      expect(ranks, `killed after ${killedAtMs} ms`).to.deep.equal(
        ranks.toSorted((one, other) => one - other),
      );
    }
  });

  it('is not disturbed by jumps of the wall clock', async () => {
    const host = await running();
    host.world.clock.jump(-3_600_000);
    await host.advance(9_000);
    expect(host.statuses('t1')).to.have.length(1);
    await host.advance(1_100);
    expect(host.statuses('t1')).to.have.length(2);
  });
});
