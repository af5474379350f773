import { once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { expect } from 'chai';
import { HttpAnswer, Mount, type MountedRequest } from '../../../../sdk/admin/index.js';
import { AdminRig } from './rig.js';

class Doubler {
  readonly seen: MountedRequest[] = [];
  ends = 0;

  @Mount('/v2', {
    refusal: ({ status, message }) => ({ oops: `${status} ${message}` }),
    leaderHeader: 'X-Marathon-Leader',
  })
  answer(request: MountedRequest): unknown {
    this.seen.push(request);
    if (request.path === '/v2/stream') {
      return {
        subscribe: ({ next }: { next: (value: unknown) => void }) => {
          next({ n: 1 });
          return { unsubscribe: () => void this.ends++ };
        },
      };
    }
    if (request.path === '/v2/gone') return new HttpAnswer({ status: 410, json: { gone: true } });
    if (request.method === 'DELETE') return new HttpAnswer({ json: { bye: true }, resigns: true });
    return { method: request.method, query: request.query.get('a'), body: request.body };
  }
}

describe('A copy that stands by', () => {
  let rigs: AdminRig[] = [];
  let servers: Server[] = [];

  afterEach(async () => {
    for (const rig of rigs) await rig.server.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rigs = [];
    servers = [];
  });

  async function rigOf(framework?: object): Promise<AdminRig> {
    const rig = await new AdminRig({ classes: [Doubler] }).start(framework);
    rigs.push(rig);
    return rig;
  }

  /** The active copy, and one that knows where it is. */
  async function two(): Promise<{ active: AdminRig; standby: AdminRig; framework: Doubler }> {
    const framework = new Doubler();
    const active = await rigOf(framework);
    const standby = await rigOf();
    standby.server.follow(`http://127.0.0.1:${active.port}`);
    return { active, standby, framework };
  }

  /** A server that does what the test wants. */
  async function serverThat(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  it('passes requests on with their bodies, and answers back with their status and headers', async () => {
    const { active, standby, framework } = await two();
    const leader = `http://127.0.0.1:${active.port}`;
    const answer = await standby.ask('PUT', '/v2/apps?a=b%20c', {
      body: { text: 'ü'.repeat(9_000) },
    });
    expect(answer.status).to.equal(200);
    expect(answer.json).to.deep.equal({
      method: 'PUT',
      query: 'b c',
      body: { text: 'ü'.repeat(9_000) },
    });
    expect(answer.headers).to.include({ 'x-plateau-leader': leader, 'x-marathon-leader': leader });
    expect(framework.seen[0]?.headers['host']).to.equal(`127.0.0.1:${active.port}`);
    expect((await standby.ask('GET', '/v2/gone')).status).to.equal(410);
    expect((await standby.ask('GET', '/v1/state')).json['name']).to.equal('rig');
    expect((await standby.ask('POST', '/v1/pause')).status).to.equal(200);
    expect(active.log).to.include('pause');
    // What the active copy refuses comes as it says it.
    const bad = await standby.ask('POST', '/v2/apps', { body: '{' });
    expect([bad.status, bad.json['oops']]).to.deep.equal([400, String(bad.json['oops'])]);
  });

  it('answers for itself what is about itself', async () => {
    const { active, standby } = await two();
    const health = await standby.ask('GET', '/health');
    expect(health.status).to.equal(503);
    expect(health.json).to.deep.equal({
      status: 'unavailable',
      connection: 'standby',
      leader: `http://127.0.0.1:${active.port}`,
    });
    expect((await standby.ask('GET', '/metrics')).status).to.equal(200);
    expect((await standby.ask('GET', '/openapi.json')).headers).to.not.have.property(
      'x-plateau-leader',
    );
    expect((await active.ask('GET', '/v2/apps')).headers).to.not.have.property('x-plateau-leader');
  });

  it('passes streams of events on as they come, and lets go of them with the reader', async () => {
    const { standby, framework } = await two();
    const response = await standby.open('GET', '/v2/stream');
    expect(response.headers['content-type']).to.equal('text/event-stream');
    const [bytes] = await once(response, 'data');
    expect(String(bytes)).to.equal('data: {"n":1}\n\n');
    response.destroy();
    while (framework.ends === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(framework.ends).to.equal(1);
  });

  it('refuses foreign pages itself', async () => {
    const { standby, framework } = await two();
    const foreign = { headers: { origin: 'http://evil.example' } };
    expect((await standby.ask('GET', '/v2/apps', foreign)).status).to.equal(403);
    expect(framework.seen).to.deep.equal([]);
    const own = { headers: { origin: `http://127.0.0.1:${standby.port}` } };
    expect((await standby.ask('GET', '/v2/apps', own)).status).to.equal(200);
  });

  it('says 503 without an active copy, and in the form of the mount', async () => {
    const standby = await rigOf();
    const nobody = await standby.ask('GET', '/v2/apps');
    expect([nobody.status, nobody.json['oops']]).to.deep.equal([
      503,
      '503 this copy of the framework stands by, and no other one is active: try again soon',
    ]);
    const gone = await serverThat(() => {});
    const closing = servers.pop();
    closing?.close();
    if (closing !== undefined) await once(closing, 'close');
    standby.server.follow(gone);
    const refused = await standby.ask('POST', '/v2/apps', { body: {} });
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([503, '1']);
    expect(refused.json['oops']).to.contain('does not answer: connect ECONNREFUSED');
  });

  it('notices that requests go round in circles', async () => {
    const [one, other] = [await rigOf(), await rigOf()];
    one.server.follow(`http://127.0.0.1:${other.port}`);
    other.server.follow(`http://127.0.0.1:${one.port}`);
    const answer = await one.ask('GET', '/v2/apps');
    expect(answer.status).to.equal(503);
    expect(answer.json['oops']).to.contain('come round to this copy again');
  });

  it('says 502 when the active copy breaks off before it answers, and cuts what was under way', async () => {
    const standby = await rigOf();
    standby.server.follow(await serverThat((request) => void request.socket.destroy()));
    expect((await standby.ask('GET', '/v2/apps')).status).to.equal(502);
    standby.server.follow(
      await serverThat((_request, response) => {
        response.writeHead(200, { 'Content-Length': 100 });
        response.write('half');
        setImmediate(() => response.destroy());
      }),
    );
    const half = await standby.ask('GET', '/v2/apps').catch((error: unknown) => error);
    expect(half).to.be.instanceOf(Error);
  });

  it('gives its place up when a route says so, after the answer', async () => {
    const { active, standby } = await two();
    expect((await standby.ask('DELETE', '/v2/leader')).json).to.deep.equal({ bye: true });
    while (!active.log.includes('resign')) await new Promise((resolve) => setImmediate(resolve));
    expect((await standby.ask('POST', '/v1/resign')).json).to.deep.equal({ resigned: true });
  });
});
