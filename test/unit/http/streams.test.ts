import { request } from 'node:http';
import { expect } from 'chai';
import { RecordDecoder, decodeJson } from '../../../core/api/index.js';
import { VirtualWorld } from '../../../core/base/index.js';
import { STREAM_CLOSE_MS } from '../../../core/http/index.js';
import { Served, post, readAll, statusOf, until } from './support.js';

const SUBSCRIBE = JSON.stringify({
  type: 'SUBSCRIBE',
  subscribe: { framework_info: { user: 'u', name: 'n', roles: ['*'] } },
});
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Open {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly chunks: string[];
  readonly isEnded: () => boolean;
  destroy(): void;
}

/** Opens a stream and collects its chunks as they come. */
function open(served: Served, headers: Record<string, string> = {}): Promise<Open> {
  return new Promise((resolve, reject) => {
    const req = request(`${served.url}/api/v1/scheduler`, {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    req.once('error', reject);
    req.once('response', (response) => {
      const chunks: string[] = [];
      let isEnded = false;
      response.on('data', (chunk: Buffer) => void chunks.push(chunk.toString()));
      response.on('close', () => (isEnded = true));
      response.on('error', () => undefined);
      resolve({
        status: response.statusCode,
        headers: response.headers,
        chunks,
        isEnded: () => isEnded,
        destroy: () => req.destroy(),
      });
    });
    req.end(SUBSCRIBE);
  });
}

describe('Event stream of a scheduler', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served().listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  it('answers with a stream id and one record a write, in order', async () => {
    served.master.onSubscribe = (stream) => {
      stream.send({ type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'f' } } });
      stream.send({ type: 'HEARTBEAT' });
    };
    const stream = await open(served);
    expect(stream.status).to.equal(200);
    expect(stream.headers).to.include({
      'content-type': 'application/json',
      'transfer-encoding': 'chunked',
    });
    expect(stream.headers['mesos-stream-id']).to.match(UUID);
    expect(stream.headers['mesos-stream-id']).to.equal(served.master.streams[0]?.id);
    await until(() => stream.chunks.join('').includes('HEARTBEAT'));
    const records = new RecordDecoder().push(Buffer.from(stream.chunks.join('')));
    const types = records.map((record) => decodeJson('SchedulerEvent', record).type);
    expect(types).to.deep.equal(['SUBSCRIBED', 'HEARTBEAT']);
    stream.destroy();
  });

  it('frames each record in a chunk of its own, in ASCII', async () => {
    served.master.onSubscribe = (stream) => {
      stream.send({ type: 'ERROR', error: { message: 'grüße ✓' } });
      stream.close();
    };
    const answer = await served.exchange(post(SUBSCRIBE));
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    const [size = '', record = '', end] = body.split('\r\n');
    const [length = '', json = ''] = record.split('\n');
    expect(record.length).to.equal(Number.parseInt(size, 16));
    expect(Buffer.byteLength(json)).to.equal(Number(length));
    expect(json).to.match(/^[\x20-\x7e]*$/);
    expect(JSON.parse(json)).to.deep.equal({ type: 'ERROR', error: { message: 'grüße ✓' } });
    expect(end).to.equal('0');
  });

  it('is open at once when nothing has been sent yet', async () => {
    const stream = await open(served);
    expect(stream.status).to.equal(200);
    stream.destroy();
  });

  it('is not ended by Connection: close of the client', async () => {
    const stream = await open(served, { Connection: 'close' });
    served.master.streams[0]?.send({ type: 'HEARTBEAT' });
    await until(() => stream.chunks.length > 0);
    expect(stream.isEnded()).to.equal(false);
    stream.destroy();
  });

  it('tells the master once when the client goes away', async () => {
    const stream = await open(served);
    stream.destroy();
    await until(() => served.master.lostStreams.length > 0);
    expect(served.master.lostStreams).to.deep.equal(served.master.streams);
  });

  it('does not tell the master of a stream that it closed itself', async () => {
    const stream = await open(served);
    served.master.streams[0]?.close();
    await until(stream.isEnded);
    expect(await served.isHealthy()).to.equal(true);
    expect(served.master.lostStreams).to.deep.equal([]);
  });

  it('cuts a reader off that does not keep up, and tells log and master', async () => {
    const slow = await new Served({ limits: { streamBufferBytes: 100_000 } }).listen();
    const socket = await slow.connect();
    socket.pause();
    socket.write(post(SUBSCRIBE));
    await until(() => slow.master.streams.length > 0);
    const [stream] = slow.master.streams;
    const message = 'x'.repeat(50_000);
    for (let sent = 0; sent < 1_000; sent++) {
      stream?.send({ type: 'ERROR', error: { message } });
      // The master is never told inside its own call.
      expect(slow.master.lostStreams).to.have.length(0);
      if (slow.warnings.length > 0) break;
      // Let the system take what its own buffers hold.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(slow.warnings).to.have.length(1);
    expect(slow.warnings[0]).to.match(/too slow/);
    await until(() => slow.master.lostStreams.length > 0);
    expect(slow.master.lostStreams).to.deep.equal([stream]);
    socket.destroy();
    await slow.server.close();
  });

  it('refuses SUBSCRIBE with a stream id, and one that takes neither JSON nor protobuf', async () => {
    const withId = await served.exchange(post(SUBSCRIBE, { 'Mesos-Stream-Id': 'x' }));
    expect(statusOf(withId)).to.equal(400);
    for (const accept of ['text/html', 'application/recordio', 'image/*']) {
      const answer = await served.exchange(post(SUBSCRIBE, { Accept: accept }));
      expect(statusOf(answer), accept).to.equal(406);
    }
    expect(served.master.streams).to.have.length(0);
  });

  it('passes calls on with their stream id, and answers as the master says', async () => {
    const revive = '{"type":"REVIVE","framework_id":{"value":"f"}}';
    const accepted = await served.exchange(
      post(revive, { 'Mesos-Stream-Id': 's', Accept: 'image/png' }),
    );
    expect(statusOf(accepted)).to.equal(202);
    expect(accepted).to.match(/content-length: 0\r\n/i);
    expect(served.master.calls[0]?.streamId).to.equal('s');
    served.master.answer = { status: 403, message: 'not subscribed' };
    const refused = await served.exchange(post(revive));
    expect(statusOf(refused)).to.equal(403);
    expect(refused).to.match(/not subscribed$/);
    expect(served.master.calls[1]?.streamId).to.equal(undefined);
  });

  it('answers 503 while recovering, before it looks at method or body', async () => {
    served.master.isRecovered = false;
    expect(statusOf(await served.exchange(post('{')))).to.equal(503);
    const get = 'GET /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(statusOf(await served.exchange(get))).to.equal(503);
  });

  it('ends when the server closes, without telling the master', async () => {
    const socket = await served.connect();
    socket.write(post(SUBSCRIBE));
    const all = readAll(socket);
    await until(() => served.master.streams.length > 0);
    await served.server.close();
    await all;
    expect(served.master.lostStreams).to.deep.equal([]);
    served = await new Served().listen();
  });
});

describe('HttpServer.close', () => {
  it('cuts a reader that does not take the rest', async () => {
    const clock = new VirtualWorld();
    const served = await new Served({ world: clock }).listen();
    const socket = await served.connect();
    socket.pause();
    socket.write(post(SUBSCRIBE));
    await until(() => served.master.streams.length > 0);
    served.master.streams[0]?.send({ type: 'ERROR', error: { message: 'x'.repeat(20_000_000) } });
    let isClosed = false;
    const closing = served.server.close().then(() => (isClosed = true));
    await clock.advance(STREAM_CLOSE_MS - 1);
    expect(isClosed).to.equal(false);
    await clock.advance(1);
    await closing;
    socket.destroy();
  });
});

describe('MasterServer that does not lead', () => {
  it('sends API and pages to the leader without a scheme, and /redirect to its root', async () => {
    const leader = { hostname: 'other', port: 77 };
    const served = await new Served({ leadership: () => leader }).listen();
    const answer = await served.exchange(post('{', {}, '/master/api/v1/scheduler?x=1'));
    expect(statusOf(answer)).to.equal(307);
    expect(answer).to.match(/^Location: \/\/other:77\/master\/api\/v1\/scheduler\?x=1\r$/m);
    const page = await fetch(`${served.url}/state`, { redirect: 'manual' });
    expect(page.headers.get('location')).to.equal('//other:77/state');
    const redirect = await fetch(`${served.url}/redirect`, { redirect: 'manual' });
    expect(redirect.headers.get('location')).to.equal('//other:77');
    expect((await fetch(`${served.url}/redirect/x`)).status).to.equal(404);
    await served.server.close();
  });

  it('answers 503 when nobody leads', async () => {
    const served = await new Served({ leadership: () => undefined }).listen();
    expect(statusOf(await served.exchange(post('{')))).to.equal(503);
    expect((await fetch(`${served.url}/redirect`)).status).to.equal(503);
    expect(await served.isHealthy()).to.equal(true);
    await served.server.close();
  });
});
