import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import type { SchedulerEvent } from '../../../core/api/index.js';
import { SILENT_LOGGER, VirtualWorld, systemWorld } from '../../../core/base/index.js';
import { SchedulerClient, type SchedulerClientOptions } from '../../../core/client/index.js';
import { ScriptedServer, failureOf, openStream, sendEvent, until } from './support.js';

const FRAMEWORK = { user: 'u', name: 'n', roles: ['*'] };
const AGENT = { value: 'a' };

describe('SchedulerClient', () => {
  let server: ScriptedServer;
  let events: SchedulerEvent[];
  let reasons: string[];
  const clients: SchedulerClient[] = [];

  beforeEach(async () => {
    server = await new ScriptedServer().listen();
    events = [];
    reasons = [];
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await server.close();
  });

  function start(options: Partial<SchedulerClientOptions> = {}): SchedulerClient & {
    readonly ended: Promise<unknown>;
  } {
    const client = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: server.address,
      frameworkInfo: FRAMEWORK,
      onEvent: (event) => void events.push(event),
      onDisconnected: (reason) => void reasons.push(reason),
      backoff: { baseMs: 1, maxMs: 2 },
      ...options,
    });
    clients.push(client);
    return Object.assign(client, { ended: failureOf(client.run()) });
  }

  /** Answers SUBSCRIBE with a stream and everything else with 202; the streams come in order. */
  function serveStreams(target = server): ServerResponse[] {
    const streams: ServerResponse[] = [];
    target.answer = ({ body }, response) => {
      if (body.includes('"SUBSCRIBE"')) {
        openStream(response, `stream-${streams.length + 1}`);
        streams.push(response);
      } else {
        response.writeHead(202).end();
      }
    };
    return streams;
  }

  it('answers inverse offers', async () => {
    serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    await client.acceptInverseOffers([{ value: 'o1' }], { refuse_seconds: 60 });
    await client.declineInverseOffers([{ value: 'o2' }]);
    const calls = server.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(calls.slice(1)).to.deep.equal([
      {
        type: 'ACCEPT_INVERSE_OFFERS',
        framework_id: { value: 'f-1' },
        accept_inverse_offers: {
          inverse_offer_ids: [{ value: 'o1' }],
          filters: { refuse_seconds: 60 },
        },
      },
      {
        type: 'DECLINE_INVERSE_OFFERS',
        framework_id: { value: 'f-1' },
        decline_inverse_offers: { inverse_offer_ids: [{ value: 'o2' }] },
      },
    ]);
  });

  it('subscribes, hands events over in order, and sends calls with id and stream', async () => {
    const streams = serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    expect(client.frameworkId).to.equal('f-1');
    const [stream] = streams;
    if (stream !== undefined) {
      for (const value of ['o1', 'o2']) {
        sendEvent(stream, { type: 'RESCIND', rescind: { offer_id: { value } } });
      }
    }
    await until(() => events.length === 3);
    const types = events.map(({ type, rescind }) => `${type}${rescind?.offer_id.value ?? ''}`);
    expect(types).to.deep.equal(['SUBSCRIBED', 'RESCINDo1', 'RESCINDo2']);
    await client.decline([{ value: 'o1' }]);
    const call = server.received[1];
    expect(call?.headers).to.include({
      'mesos-stream-id': 'stream-1',
      'content-type': 'application/json',
    });
    expect(JSON.parse(call?.body ?? '')).to.deep.include({
      type: 'DECLINE',
      framework_id: { value: 'f-1' },
      decline: { offer_ids: [{ value: 'o1' }] },
    });
  });

  it('sends calls one after the other in the order in which they were made', async () => {
    serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    const taskIds = Array.from({ length: 50 }, (_, index) => `t${index}`);
    await Promise.all(
      taskIds.map((value) => client.call({ type: 'KILL', kill: { task_id: { value } } })),
    );
    const sent = server.received.slice(1).map(({ body }) => /"t\d+"/.exec(body)?.[0]);
    expect(sent).to.deep.equal(taskIds.map((value) => `"${value}"`));
  });

  it('gives the next event only when the one before has been handled', async () => {
    const streams = serveStreams();
    const release: (() => void)[] = [];
    const client = start({
      onEvent: async (event) => {
        events.push(event);
        if (event.type === 'HEARTBEAT') await new Promise<void>((done) => release.push(done));
      },
    });
    await until(() => client.isSubscribed);
    const [stream] = streams;
    for (const type of ['HEARTBEAT', 'HEARTBEAT']) if (stream) sendEvent(stream, { type });
    await until(() => release.length === 1);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(events).to.have.length(2);
    release[0]?.();
    await until(() => release.length === 2);
    release[1]?.();
  });

  it('subscribes again with the same id when the stream breaks', async () => {
    const streams = serveStreams();
    start();
    await until(() => events.length === 1);
    streams[0]?.destroy();
    await until(() => events.length === 2);
    streams[1]?.end();
    await until(() => events.length === 3);
    expect(reasons).to.have.length(2);
    const again = JSON.parse(server.received[2]?.body ?? '') as Record<string, unknown>;
    expect(again).to.deep.include({ type: 'SUBSCRIBE', framework_id: { value: 'f-1' } });
    expect(again).to.have.nested.property('subscribe.framework_info.id.value', 'f-1');
  });

  it('follows a redirect without a scheme, and makes calls where it leads', async () => {
    const leader = await new ScriptedServer().listen();
    serveStreams(leader);
    server.answer = ({ url }, response) =>
      void response.writeHead(307, { Location: `//${leader.address}${url}` }).end();
    const client = start();
    await until(() => client.isSubscribed);
    await client.call({ type: 'REVIVE' });
    expect(leader.types).to.deep.equal(['SUBSCRIBE', 'REVIVE']);
    expect(client.master?.host).to.equal(leader.address);
    await client.close();
    await leader.close();
  });

  it('goes through the list of masters until one leads', async () => {
    const other = await new ScriptedServer().listen();
    serveStreams();
    other.answer = (_received, response) => void response.writeHead(503).end('no leader');
    const client = start({ masters: `127.0.0.1:1,${other.address},http://${server.address}` });
    await until(() => client.isSubscribed);
    expect(reasons.map((reason) => /ECONNREFUSED|503/.exec(reason)?.[0])).to.deep.equal([
      'ECONNREFUSED',
      '503',
    ]);
    await client.close();
    await other.close();
  });

  it('takes silence of five heartbeats for a dead connection', async () => {
    const world = new VirtualWorld();
    serveStreams();
    const client = start({ world });
    await until(() => client.isSubscribed);
    await world.advance(74_000);
    expect(reasons).to.deep.equal([]);
    await world.advance(2_000);
    await until(() => reasons.length > 0);
    expect(reasons[0]).to.match(/silent for 75 seconds/);
    await world.advance(1_000);
    await until(() => events.length === 2);
  });

  it('does not count silence while the handler is busy', async () => {
    const world = new VirtualWorld();
    serveStreams();
    const held: (() => void)[] = [];
    const client = start({
      world,
      onEvent: async () => await new Promise<void>((done) => held.push(done)),
    });
    await until(() => client.isSubscribed);
    await world.advance(1_000_000);
    expect(reasons).to.deep.equal([]);
    held[0]?.();
  });

  it('fails with FRAMEWORK_REMOVED when the framework is gone', async () => {
    server.answer = (_received, response) => {
      response.writeHead(200);
      sendEvent(response, { type: 'ERROR', error: { message: 'Framework has been removed' } });
      response.end();
    };
    const client = start();
    expect(await client.ended).to.have.property('code', 'FRAMEWORK_REMOVED');
    expect(events[0]?.type).to.equal('ERROR');
    expect(server.received).to.have.length(1);
  });

  it('fails with CALL_REFUSED when another instance took over, or the call is not valid', async () => {
    const streams = serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    if (streams[0])
      sendEvent(streams[0], { type: 'ERROR', error: { message: 'Framework failed over' } });
    expect(await client.ended).to.have.property('code', 'CALL_REFUSED');
    server.answer = (_received, response) => void response.writeHead(400).end('bad role');
    const error = await start().ended;
    expect(error).to.have.property('code', 'CALL_REFUSED');
    expect(error)
      .to.have.property('message')
      .that.matches(/400: bad role/);
  });

  it('counts garbage on the stream as a broken connection', async () => {
    const streams = serveStreams();
    start();
    await until(() => events.length === 1);
    streams[0]?.write('x\n');
    await until(() => events.length === 2);
    expect(reasons[0]).to.match(/length of a record/);
  });

  it('ends with what the handler throws', async () => {
    serveStreams();
    const client = start({
      onEvent: () => {
        throw new Error('a defect of the framework');
      },
    });
    expect(await client.ended).to.have.property('message', 'a defect of the framework');
    expect(client.isSubscribed).to.equal(false);
  });

  it('tells of a refused call, and of one that was not sent', async () => {
    serveStreams();
    const client = start();
    expect(await failureOf(client.call({ type: 'REVIVE' }))).to.have.property(
      'code',
      'STREAM_ENDED',
    );
    await until(() => client.isSubscribed);
    server.answer = (_received, response) => void response.writeHead(403).end('not subscribed');
    const refused = await failureOf(client.call({ type: 'REVIVE' }));
    expect(refused).to.deep.include({ code: 'CALL_REFUSED', retriable: true });
    expect(refused)
      .to.have.property('message')
      .that.matches(/REVIVE with 403: not subscribed/);
    server.answer = (_received, response) => void response.destroy();
    const lost = await failureOf(client.call({ type: 'REVIVE' }));
    expect(lost).to.have.property('code', 'MASTER_UNREACHABLE');
    await client.close();
    expect(await failureOf(client.call({ type: 'REVIVE' }))).to.have.property(
      'code',
      'STREAM_ENDED',
    );
  });

  it('acknowledges what has a uuid, and nothing else', async () => {
    serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    const status = { task_id: { value: 't' }, state: 'TASK_RUNNING', agent_id: AGENT } as const;
    await client.acknowledge(status);
    await client.acknowledge({ ...status, uuid: 'AAAAAAAAQACAAAAAAAAAAA==' });
    expect(server.types).to.deep.equal(['SUBSCRIBE', 'ACKNOWLEDGE']);
  });

  it('tears down without subscribing again, also from inside a handler', async () => {
    const streams = serveStreams();
    const serve = server.answer;
    server.answer = (received, response) => {
      serve(received, response);
      if (received.body.includes('TEARDOWN')) for (const stream of streams) stream.end();
    };
    const client = start({ onEvent: async () => await client.teardown() });
    expect(await client.ended).to.equal(undefined);
    expect(server.types).to.deep.equal(['SUBSCRIBE', 'TEARDOWN']);
  });

  it('sends calls that were made before it is closed', async () => {
    serveStreams();
    const client = start();
    await until(() => client.isSubscribed);
    const calls = [client.call({ type: 'REVIVE' }), client.call({ type: 'SUPPRESS' })];
    await client.close();
    await Promise.all(calls);
    expect(server.types).to.deep.equal(['SUBSCRIBE', 'REVIVE', 'SUPPRESS']);
    expect(await client.ended).to.equal(undefined);
  });

  it('can be closed while no master answers', async () => {
    const world = new VirtualWorld();
    const client = start({ world, masters: '127.0.0.1:1', backoff: { baseMs: 1e9, maxMs: 1e9 } });
    await until(() => reasons.length === 1);
    await client.close();
    expect(await client.ended).to.equal(undefined);
    expect(world.clock.pendingTimers).to.equal(0);
  });
});
