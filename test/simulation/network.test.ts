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
    end.onText = (text) => arrived.push(`${name}: ${text}`);
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
});
