import { expect } from 'chai';
import { VirtualWorld } from '../../core/base/index.js';
import { type ConnectionEnd, DEFAULT_NETWORK, Network } from '../../core/simulation/index.js';

describe('Network', () => {
  let world: VirtualWorld;
  let network: Network;
  let arrived: string[];

  beforeEach(() => {
    world = new VirtualWorld({ seed: 'network' });
    arrived = [];
    network = new Network({
      clock: world.clock,
      random: world.random.fork('network'),
      options: DEFAULT_NETWORK,
      beforeEvent: () => {},
      onArrival: () => {},
    });
  });

  function listen(end: ConnectionEnd, name: string): void {
    end.onParcel = (parcel) =>
      arrived.push(`${name}: ${JSON.stringify(parcel).replaceAll('"', '')}`);
    end.onClose = (reason) => arrived.push(`${name} closed: ${reason}`);
  }

  /** A connection from `a` to `b`: first the end of `a`, then that of `b`. */
  async function connect(): Promise<readonly [ConnectionEnd, ConnectionEnd]> {
    const ends = new Map<string, ConnectionEnd>();
    network.listen('b', (purpose, end) => {
      expect(purpose).to.equal('talk');
      ends.set('b', end);
      listen(end, 'b');
    });
    network.connect({ from: 'a', to: 'b', purpose: 'talk' }, () => true, {
      connected: (end) => {
        ends.set('a', end);
        listen(end, 'a');
      },
      failed: (reason) => arrived.push(`failed: ${reason}`),
    });
    await world.advance(100);
    const [one, other] = [ends.get('a'), ends.get('b')];
    if (one === undefined || other === undefined) throw new Error('not connected');
    return [one, other];
  }

  it('delivers in the order of sending, however the delays are drawn', async () => {
    const [one, other] = await connect();
    for (let index = 0; index < 100; index++) one.send(String(index));
    other.send('hello');
    await world.advance(1000);
    const toB = arrived.filter((text) => text.startsWith('b'));
    expect(toB).to.deep.equal(Array.from({ length: 100 }, (_, index) => `b: ${index}`));
    expect(arrived).to.include('a: hello');
  });

  it('closes after what was sent, and hears nothing itself any more', async () => {
    const [one, other] = await connect();
    one.send('last');
    other.send('too late');
    one.close();
    await world.advance(1000);
    expect(arrived).to.deep.equal(['b: last', 'b closed: the other side closed']);
    expect([one.isOpen, other.isOpen]).to.deep.equal([false, false]);
  });

  it('holds back in a partition, in the blocked direction alone, until it heals', async () => {
    const [one, other] = await connect();
    network.block('a', 'b');
    one.send('held');
    other.send('passes');
    await world.advance(60_000);
    expect(arrived).to.deep.equal(['a: passes']);
    network.heal();
    await world.advance(10);
    expect(arrived).to.deep.equal(['a: passes', 'b: held']);
  });

  it('holds back what is on its way when a partition begins', async () => {
    const [one] = await connect();
    one.send('on its way');
    network.block('a', 'b');
    await world.advance(1000);
    expect(arrived).to.deep.equal([]);
  });

  it('loses what is on its way when the connection is reset, and tells both sides', async () => {
    const [one] = await connect();
    one.send('lost');
    network.cut('b', 'a');
    await world.advance(1000);
    expect(arrived.toSorted()).to.deep.equal(['a closed: reset', 'b closed: reset']);
  });

  it('tells the other side of a crash after what was sent, and the dead one nothing', async () => {
    const [one, other] = await connect();
    one.send('last words');
    other.send('to the dead');
    network.crash('a');
    await world.advance(1000);
    expect(arrived).to.deep.equal(['b: last words', 'b closed: the other side closed']);
  });

  it('leaves a connection half-open while its crash is hidden by a partition', async () => {
    const [, other] = await connect();
    network.block('a', 'b');
    network.crash('a');
    await world.advance(60_000);
    expect(other.isOpen).to.equal(true);
    network.heal();
    await world.advance(1000);
    expect(other.isOpen).to.equal(false);
  });

  it('refuses a connection to who does not listen, and times out through a partition', async () => {
    const route = { from: 'a', to: 'b', purpose: 'talk' };
    const handlers = {
      connected: () => arrived.push('connected'),
      failed: (reason: string) => arrived.push(reason),
    };
    network.connect(route, () => true, handlers);
    await world.advance(100);
    expect(arrived).to.deep.equal(['refused']);
    network.listen('b', () => {});
    network.block('b', 'a');
    network.connect(route, () => true, handlers);
    await world.advance(DEFAULT_NETWORK.connectTimeoutMs - 1);
    expect(arrived).to.deep.equal(['refused']);
    await world.advance(1);
    expect(arrived).to.deep.equal(['refused', 'timed out']);
  });

  it('tells neither side of a connection that dies, or one of them, until it is mended', async () => {
    const [one, other] = await connect();
    one.send('lost');
    network.halfOpen('a', 'b');
    one.send('lost as well');
    await world.advance(60_000);
    expect(arrived).to.deep.equal([]);
    expect([one.isOpen, other.isOpen]).to.deep.equal([true, true]);
    network.mend('a', 'b');
    expect(arrived).to.deep.equal(['a closed: reset', 'b closed: reset']);
    arrived = [];
    const [third] = await connect();
    network.halfOpen('a', 'b', 'b');
    third.send('to nobody');
    await world.advance(60_000);
    expect(arrived).to.deep.equal(['b closed: reset']);
    third.close();
    expect(network.connectionCount).to.equal(0);
  });

  it('opens a connection twice: what is said first comes twice, on two connections', async () => {
    for (const lateMs of [0, 500]) {
      network.doubleNext('a', lateMs);
      // oxlint-disable-next-line no-await-in-loop -- one case after the other
      const [one] = await connect();
      one.send('first');
      one.send('second');
      // oxlint-disable-next-line no-await-in-loop -- as above
      await world.advance(400);
      const expected = ['b: first', 'b: first', 'b: second'].slice(lateMs === 0 ? 0 : 1);
      expect(arrived.splice(0)).to.deep.equal(expected);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await world.advance(10_000);
      const late = ['b: first', 'b closed: the other side closed'].slice(lateMs === 0 ? 1 : 0);
      expect(arrived.splice(0)).to.deep.equal(late);
      expect(network.connectionCount).to.equal(1);
      one.close();
      // oxlint-disable-next-line no-await-in-loop -- as above
      await world.advance(100);
      arrived = [];
    }
  });

  it('takes longer from and to a slow node, until it is slow no more', async () => {
    const [one] = await connect();
    network.slow('b', 10_000);
    one.send('late');
    await world.advance(20);
    expect(arrived).to.deep.equal([]);
    network.slow('b', 0);
    await world.advance(300_000);
    one.send('soon');
    await world.advance(20);
    expect(arrived).to.deep.equal(['b: late', 'b: soon']);
  });

  it('blocks a direction until it was unblocked as often', async () => {
    const [one] = await connect();
    network.block('a', 'b');
    network.block('a', 'b');
    one.send('held');
    network.unblock('a', 'b');
    await world.advance(1000);
    expect(arrived).to.deep.equal([]);
    network.unblock('a', 'b');
    network.unblock('a', 'b');
    await world.advance(1000);
    expect(arrived).to.deep.equal(['b: held']);
  });

  it('says nothing to anybody of a host that vanishes', async () => {
    const [one, other] = await connect();
    network.vanish('a');
    other.send('to nobody');
    await world.advance(60_000);
    expect(arrived).to.deep.equal([]);
    expect([one.isOpen, other.isOpen]).to.deep.equal([false, true]);
  });
});
