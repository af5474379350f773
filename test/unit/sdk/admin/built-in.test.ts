import { expect } from 'chai';
import { AdminRig, record, viewOf } from './rig.js';

describe('the built-in admin routes', () => {
  let rig: AdminRig;
  beforeEach(async () => {
    rig = await new AdminRig().start({});
  });
  afterEach(() => rig.server.close());

  it('tell health by the connection', async () => {
    expect(await rig.ask('GET', '/health')).to.deep.include({
      status: 200,
      json: { status: 'ok', connection: 'subscribed' },
    });
    rig.view = { ...rig.view, connection: 'disconnected' };
    expect((await rig.ask('GET', '/health')).status).to.equal(503);
    rig.server.detach('standby');
    expect(await rig.ask('GET', '/health')).to.deep.include({
      status: 503,
      json: { status: 'unavailable', connection: 'standby' },
    });
    const state = await rig.ask('GET', '/v1/state');
    expect(state.status).to.equal(503);
    expect(state.text).to.contain('stands by');
  });

  it('tell figures to Prometheus, standing by or not', async () => {
    rig.view = { ...rig.view, tasks: viewOf([record('a'), record('b', { state: 'FAILED' })]) };
    const { text, headers } = await rig.ask('GET', '/metrics');
    expect(headers['content-type']).to.contain('text/plain');
    expect(text).to.contain('\nplateau_framework_offers_received_total 7\n');
    expect(text).to.contain('\nplateau_framework_held 2\n');
    expect((await rig.ask('GET', '/metrics')).text).to.contain('offers_received_total 7\n');
    expect(text).to.contain('\nplateau_framework_tasks{state="FAILED"} 1\n');
    expect(text).to.contain('\nplateau_framework_subscribed 1\n');
    expect(text).to.match(/\nplateau_process_cpu_seconds_total /);
    rig.server.detach('standby');
    const later = await rig.ask('GET', '/metrics');
    expect(later.text).to.contain('\nplateau_framework_subscribed 0\n');
    expect(later.text).not.to.contain('state="FAILED"');
  });

  it('page through tasks, and show one', async () => {
    const tasks = Array.from({ length: 5 }, (_, index) => record(`t${index}`));
    rig.view = {
      ...rig.view,
      tasks: viewOf([...tasks, record('other', { name: 'db', state: 'KILLED' })]),
    };
    const first = await rig.ask('GET', '/v1/tasks?limit=2&name=web');
    expect(first.json).to.deep.include({ total: 5, next: 't1' });
    const last = await rig.ask('GET', '/v1/tasks?limit=10&name=web&cursor=t1');
    expect((last.json['tasks'] as { id: string }[]).map(({ id }) => id)).to.deep.equal([
      't2',
      't3',
      't4',
    ]);
    expect(last.json).not.to.have.property('next');
    const skipped = await rig.ask('GET', '/v1/tasks?offset=4&state=RUNNING');
    expect((skipped.json['tasks'] as unknown[]).length).to.equal(1);
    expect((await rig.ask('GET', '/v1/tasks?cursor=gone')).status).to.equal(410);
    expect((await rig.ask('GET', '/v1/tasks/other')).json).to.include({
      id: 'other',
      state: 'KILLED',
    });
    expect((await rig.ask('GET', '/v1/tasks/none')).status).to.equal(404);
  });

  it('refuse bad queries with every problem', async () => {
    const { status, json } = await rig.ask('GET', '/v1/tasks?limit=0&offset=x&state=RUNING&more=1');
    expect(status).to.equal(422);
    const { problems } = json['error'] as { problems: { path: string }[] };
    expect([...new Set(problems.map(({ path }) => path))].toSorted()).to.deep.equal([
      'query.limit',
      'query.more',
      'query.offset',
      'query.state',
    ]);
  });

  it('show state, wants and decisions', async () => {
    rig.view = {
      ...rig.view,
      tasks: viewOf([record('a')]),
      wants: [{ name: 'web', count: 2 }],
      decisions: [{ at: 1, big: 12n }],
    };
    expect((await rig.ask('GET', '/v1/state')).json).to.deep.include({
      frameworkId: 'F1',
      tasks: { total: 1, byState: { RUNNING: 1 } },
      metrics: { offersReceived: 7, held: 2 },
    });
    expect((await rig.ask('GET', '/v1/wants')).json['wants']).to.deep.equal([
      { name: 'web', count: 2 },
    ]);
    expect((await rig.ask('GET', '/v1/decisions')).json).to.deep.equal({
      decisions: [{ at: 1, big: '12' }],
    });
  });

  it('pause and resume', async () => {
    expect((await rig.ask('POST', '/v1/pause')).json).to.deep.equal({ paused: true });
    expect((await rig.ask('POST', '/v1/resume')).json).to.deep.equal({ paused: false });
    expect(rig.log).to.deep.equal(['pause', 'resume']);
    expect((await rig.ask('GET', '/v1/pause')).headers['allow']).to.equal('POST');
  });

  it('list the routes for people', async () => {
    const { text, status } = await rig.ask('GET', '/');
    expect(status).to.equal(200);
    expect(text).to.contain('<a href="/v1/state">/v1/state</a>');
    expect((await rig.ask('HEAD', '/docs')).status).to.equal(200);
    expect((await rig.ask('GET', '/nothing')).status).to.equal(404);
  });

  it('refuse what pages of other origins make a browser send', async () => {
    const foreign = { headers: { Origin: 'http://evil.example' } };
    expect((await rig.ask('POST', '/v1/pause', foreign)).status).to.equal(403);
    const rebound = { headers: { Host: 'evil.example' } };
    expect((await rig.ask('GET', '/v1/state', rebound)).status).to.equal(403);
    const own = { headers: { Origin: `http://127.0.0.1:${rig.port}` } };
    expect((await rig.ask('POST', '/v1/pause', own)).status).to.equal(200);
    expect(rig.log).to.deep.equal(['pause']);
  });
});

describe('AdminServer', () => {
  it('names the port that is taken, and listens beyond loopback only when told to', async () => {
    const one = await new AdminRig().start();
    try {
      const other = new AdminRig({ port: one.port });
      const taken = await other.server.listen().catch((error: unknown) => error);
      expect(taken).to.have.property('code', 'PORT_IN_USE');
      expect((taken as Error).message)
        .to.contain(`127.0.0.1:${one.port}`)
        .and.contain('--admin-port');
      const open = await new AdminRig({ host: '0.0.0.0' }).server
        .listen()
        .catch((error: unknown) => error);
      expect(open).to.have.property('code', 'INSECURE_BIND');
    } finally {
      await one.server.close();
    }
  });
});
