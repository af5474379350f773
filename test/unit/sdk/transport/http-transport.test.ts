import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import { MAX_QUEUED_CALLS } from '../../../../core/client/index.js';
import {
  type HttpTransport,
  ListDetector,
  MAX_CONFIRMING_CONNECTIONS,
} from '../../../../sdk/transport/index.js';
import { ScriptedServer, failureOf, openStream, sendEvent, until } from '../../client/support.js';
import { DECLINE, Heard, acknowledge, transportTo } from './support.js';

describe('HttpTransport', () => {
  const servers: ScriptedServer[] = [];
  const transports: HttpTransport[] = [];
  let server: ScriptedServer;
  let stream: ServerResponse | undefined;

  beforeEach(async () => {
    server = await start();
    stream = undefined;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) {
        stream = response;
        openStream(response);
      } else response.writeHead(202).end();
    };
  });

  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
    await Promise.all(servers.splice(0).map((one) => one.close()));
  });

  async function start(): Promise<ScriptedServer> {
    const started = await new ScriptedServer().listen();
    servers.push(started);
    return started;
  }

  function transport(
    masters: Parameters<typeof transportTo>[0] = server.address,
    connectTimeoutMs?: number,
  ): HttpTransport {
    const made = transportTo(masters, connectTimeoutMs);
    transports.push(made);
    return made;
  }

  function openStreamOf(): ServerResponse {
    if (stream === undefined) throw new Error('no stream is open');
    return stream;
  }

  async function errorOf(promise: Promise<unknown>): Promise<PlateauError> {
    const error = await failureOf(promise);
    if (error instanceof PlateauError) return error;
    throw new Error(`not a PlateauError: ${String(error)}`);
  }

  async function endOf(heard: Heard): Promise<PlateauError> {
    const error = await heard.end();
    if (error instanceof PlateauError) return error;
    throw error;
  }

  /** A port on which nobody listens. */
  async function deadAddress(): Promise<string> {
    const dead = await new ScriptedServer().listen();
    const { address } = dead;
    await dead.close();
    return address;
  }

  it('subscribes, hands events over in order, and names the master', async () => {
    const heard = new Heard(transport());
    expect(heard.session.master).to.equal(undefined);
    await heard.subscribed();
    for (const type of ['HEARTBEAT', 'RESCIND', 'HEARTBEAT']) {
      sendEvent(openStreamOf(), {
        type,
        ...(type === 'RESCIND' && { rescind: { offer_id: { value: 'o-1' } } }),
      });
    }
    await until(() => heard.events.length === 4);
    expect(heard.types).to.deep.equal(['SUBSCRIBED', 'HEARTBEAT', 'RESCIND', 'HEARTBEAT']);
    expect(heard.session.master).to.equal(`http://${server.address}`);
    expect(server.received[0]?.headers).to.include({
      'content-type': 'application/json',
      accept: 'application/json',
    });
    expect(server.received[0]?.headers).to.not.have.property('accept-encoding');
  });

  it('sends calls with the stream id, in the order in which they were made', async () => {
    let underWay = 0;
    const answer = server.answer;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) return answer(received, response);
      expect(++underWay, 'calls at a time').to.equal(1);
      setImmediate(() => {
        underWay--;
        response.writeHead(202).end();
      });
    };
    const heard = new Heard(transport());
    await heard.subscribed();
    const calls = Array.from({ length: 50 }, (_, index) => ({
      type: 'DECLINE' as const,
      decline: { offer_ids: [{ value: `o-${index}` }] },
    }));
    await Promise.all(calls.map((call) => heard.session.call(call)));
    const bodies = server.received.slice(1);
    expect(bodies.map(({ body }) => /o-\d+/.exec(body)?.[0])).to.deep.equal(
      calls.map((_, index) => `o-${index}`),
    );
    for (const { headers } of bodies) expect(headers['mesos-stream-id']).to.equal('stream-1');
  });

  it('confirms beside other calls, over a few connections', async () => {
    const held: ServerResponse[] = [];
    const answer = server.answer;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) answer(received, response);
      else held.push(response);
    };
    const heard = new Heard(transport());
    await heard.subscribed();
    const decline = heard.session.call(DECLINE);
    const confirmed = Array.from({ length: 10 }, () => heard.session.call(acknowledge('AA==')));
    await until(() => held.length === 1 + MAX_CONFIRMING_CONNECTIONS);
    for (let answered = 0; answered < 11; answered++) {
      await until(() => held.length > 0);
      expect(held.length).to.be.at.most(1 + MAX_CONFIRMING_CONNECTIONS);
      held.shift()?.writeHead(202).end();
    }
    await Promise.all([decline, ...confirmed]);
  });

  it('reads nothing more while a handler is busy', async () => {
    let release = (): void => undefined;
    const busy = new Promise<void>((resolve) => (release = resolve));
    const heard = new Heard(transport(), (event) =>
      event.type === 'SUBSCRIBED' ? busy : undefined,
    );
    await heard.subscribed();
    // Far more than the buffers of both sockets: it can only be written once it is read.
    const big = { type: 'ERROR', error: { message: 'x'.repeat(1024 * 1024) } };
    let isWritten = false;
    for (let count = 0; count < 40; count++) sendEvent(openStreamOf(), big);
    openStreamOf().write('', () => (isWritten = true));
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isWritten).to.equal(false);
    expect(heard.types).to.deep.equal(['SUBSCRIBED']);
    release();
    await until(() => heard.events.length === 41);
    expect(isWritten).to.equal(true);
  });

  it('follows the way to the leader, and begins there the next time', async () => {
    const follower = await start();
    follower.answer = (_received, response) => {
      response.writeHead(307, { Location: `//${server.address}/api/v1/scheduler` }).end();
    };
    const through = transport(follower.address);
    const heard = new Heard(through);
    await heard.subscribed();
    expect(heard.session.master).to.equal(`http://${server.address}`);
    await heard.session.call(DECLINE);
    await heard.session.close();
    await new Heard(through).subscribed();
    expect(follower.received).to.have.length(1);
    expect(server.types).to.deep.equal(['SUBSCRIBE', 'DECLINE', 'SUBSCRIBE']);
  });

  it('tries all masters before it says that none is there', async () => {
    const dead = await deadAddress();
    await new Heard(transport(`${dead},${server.address}`)).subscribed();
    const error = await endOf(new Heard(transport(`${dead},localhost:1`)));
    expect(error).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
    expect(error.message).to.include(dead).and.include('localhost:1');
  });

  it('goes in circles only so often', async () => {
    server.answer = (_received, response) => {
      response.writeHead(307, { Location: `//${server.address}/api/v1/scheduler` }).end();
    };
    const error = await endOf(new Heard(transport()));
    expect(error).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
    expect(server.received.length).to.be.within(2, 10);
  });

  it('tells a refused subscription from a master that is not ready', async () => {
    server.answer = (_received, response) => void response.writeHead(400).end('no user given');
    const refused = await endOf(new Heard(transport()));
    expect(refused).to.include({ code: 'CALL_REFUSED', retriable: false });
    expect(refused.message).to.include('no user given');
    server.answer = (_received, response) => void response.writeHead(503).end('recovering');
    const early = await endOf(new Heard(transport()));
    expect(early).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
    expect(early.message).to.include('recovering');
  });

  it('gives up a master that does not answer in time', async () => {
    server.answer = () => undefined;
    const error = await endOf(new Heard(transport(server.address, 50)));
    expect(error).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
  });

  it('tells refusals of calls apart by what may help', async () => {
    const heard = new Heard(transport());
    await heard.subscribed();
    const expected = [
      [400, false],
      [403, true],
      [503, true],
      [307, true],
    ] as const;
    for (const [status, retriable] of expected) {
      server.answer = (_received, response) => void response.writeHead(status).end('because');
      const error = await errorOf(heard.session.call(DECLINE));
      expect(error).to.include({ code: 'CALL_REFUSED', retriable });
      expect(error.context).to.deep.equal({ status, reason: 'because' });
    }
    expect(heard.ends, 'the session goes on').to.deep.equal([]);
  });

  it('does not say that a call was lost when it may have arrived', async () => {
    const heard = new Heard(transport());
    await heard.subscribed();
    server.answer = (_received, response) => void response.destroy();
    const error = await errorOf(heard.session.call(DECLINE));
    expect(error).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
    expect(server.types).to.deep.equal(['SUBSCRIBE', 'DECLINE']);
  });

  it('refuses calls before the stream is open, and after its end', async () => {
    const heard = new Heard(transport());
    expect(await errorOf(heard.session.call(DECLINE))).to.include({
      code: 'STREAM_ENDED',
      retriable: true,
    });
    await heard.subscribed();
    openStreamOf().end();
    expect(await endOf(heard)).to.include({ code: 'STREAM_ENDED', retriable: true });
    expect(await errorOf(heard.session.call(DECLINE))).to.include({ code: 'STREAM_ENDED' });
    expect(server.types).to.deep.equal(['SUBSCRIBE']);
  });

  it('fails what waits when the stream breaks', async () => {
    const answer = server.answer;
    let held: ServerResponse | undefined;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) answer(received, response);
      else held = response;
    };
    const heard = new Heard(transport());
    await heard.subscribed();
    const [first, ...others] = [1, 2, 3].map(() => errorOf(heard.session.call(DECLINE)));
    await until(() => held !== undefined);
    openStreamOf().destroy();
    for (const other of others) expect((await other).code).to.equal('STREAM_ENDED');
    held?.destroy();
    expect((await endOf(heard)).code).to.equal('STREAM_ENDED');
    expect((await first)?.code).to.equal('MASTER_UNREACHABLE');
    expect(server.received).to.have.length(2);
  });

  it('awaits the answers to calls under way before it tells the end', async () => {
    const answer = server.answer;
    let answerCall = (): void => undefined;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) answer(received, response);
      else answerCall = () => void response.writeHead(202).end();
    };
    const heard = new Heard(transport());
    await heard.subscribed();
    let isAnswered = false;
    const call = heard.session.call(DECLINE).then(() => (isAnswered = true));
    await until(() => server.received.length === 2);
    openStreamOf().end();
    await until(() => openStreamOf().closed);
    expect(heard.ends).to.deep.equal([]);
    answerCall();
    expect((await endOf(heard)).code).to.equal('STREAM_ENDED');
    expect(isAnswered).to.equal(true);
    await call;
  });

  it('bounds the calls that wait', async () => {
    const answer = server.answer;
    let held: ServerResponse | undefined;
    server.answer = (received, response) => {
      if (received.body.includes('"SUBSCRIBE"')) answer(received, response);
      else held = response;
    };
    const heard = new Heard(transport());
    await heard.subscribed();
    const waiting = Array.from({ length: MAX_QUEUED_CALLS }, () =>
      failureOf(heard.session.call(DECLINE)),
    );
    const error = await errorOf(heard.session.call(DECLINE));
    expect(error).to.include({ code: 'STREAM_ENDED', retriable: true });
    await until(() => held !== undefined);
    openStreamOf().destroy();
    await Promise.all(waiting.slice(1));
    held?.destroy();
    await Promise.all(waiting);
  });

  for (const [what, garbage] of [
    ['a broken frame', 'hello\n'],
    ['a record that is no event', '7\n{"a":1]'],
  ]) {
    it(`ends at ${what}`, async () => {
      const heard = new Heard(transport());
      await heard.subscribed();
      openStreamOf().write(garbage ?? '');
      expect(await endOf(heard)).to.include({ code: 'INVALID_MESSAGE', retriable: true });
    });
  }

  it('ends with what a handler throws', async () => {
    const failure = new Error('the handler failed');
    const heard = new Heard(transport(), () => Promise.reject(failure));
    expect(await heard.end()).to.equal(failure);
    expect(heard.ends).to.have.length(1);
  });

  it('sends what was called when it is closed, and tells nothing more', async () => {
    const heard = new Heard(transport());
    await heard.subscribed();
    const calls = Array.from({ length: 20 }, () => heard.session.call(DECLINE));
    const closed = heard.session.close();
    expect(await errorOf(heard.session.call(DECLINE))).to.include({ code: 'STREAM_ENDED' });
    await Promise.all([closed, ...calls]);
    expect(server.received).to.have.length(21);
    await until(() => openStreamOf().closed);
    expect(heard.ends).to.deep.equal([]);
    await heard.session.close();
  });

  it('can be closed by a handler, and before anybody answers', async () => {
    let heard: Heard | undefined;
    const one = transport();
    heard = new Heard(one, () => heard?.session.close());
    await heard.subscribed();
    await until(() => openStreamOf().closed);
    server.answer = () => undefined;
    const early = new Heard(one);
    await until(() => server.received.length === 2);
    await early.session.close();
    expect([...heard.ends, ...early.ends]).to.deep.equal([]);
  });

  it('asks its detector before each subscription, tells it the leader, and closes it', async () => {
    const told: (string | undefined)[] = [];
    let isClosed = false;
    let masters: readonly URL[] = [];
    const one = transport({
      candidates: () => Promise.resolve(masters),
      leaderIs: (leader) => told.push(leader?.origin),
      close: async () => {
        isClosed = true;
      },
    });
    expect((await endOf(new Heard(one))).message).to.include('no address is known');
    masters = [new URL(`http://${server.address}`)];
    await new Heard(one).subscribed();
    expect(told).to.deep.equal([undefined, `http://${server.address}`]);
    await one.close();
    expect(isClosed).to.equal(true);
    const broken = transport({
      candidates: () => Promise.reject(new Error('no quorum')),
      close: () => Promise.resolve(),
    });
    const error = await endOf(new Heard(broken));
    expect(error).to.include({ code: 'MASTER_UNREACHABLE', retriable: true });
    expect(error.message).to.include('no quorum');
  });
});

describe('ListDetector', () => {
  async function order(detector: ListDetector): Promise<readonly string[]> {
    return (await detector.candidates()).map(({ host }) => host);
  }

  it('goes round the list, the leader known last first', async () => {
    const detector = new ListDetector('a,b:1,http://c:2');
    expect(await order(detector)).to.deep.equal(['a:5050', 'b:1', 'c:2']);
    detector.leaderIs(new URL('http://c:2'));
    expect(await order(detector)).to.deep.equal(['c:2', 'a:5050', 'b:1']);
    detector.leaderIs(undefined);
    expect(await order(detector)).to.deep.equal(['b:1', 'c:2', 'a:5050']);
    detector.leaderIs(new URL('http://elsewhere:3'));
    expect(await order(detector)).to.deep.equal(['elsewhere:3', 'b:1', 'c:2', 'a:5050']);
  });

  it('refuses what is no address', () => {
    expect(() => new ListDetector('ftp://a')).to.throw(PlateauError, 'ftp');
  });
});
