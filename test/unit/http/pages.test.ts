import { expect } from 'chai';
import { at, isRecord } from '../../../core/base/index.js';
import { ScriptedMaster, Served, statusOf } from './support.js';

describe('Pages of a master', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served({ clusterName: '<b>"Größe"</b>' }).listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  it('are served under all names that tools use', async () => {
    const pages = ['state', 'slaves', 'frameworks', 'tasks', 'roles', 'state-summary', 'health'];
    for (const page of [...pages, 'flags', 'version', 'metrics/snapshot', 'weights', 'quota']) {
      for (const path of [`/${page}`, `/${page}.json`, `/master/${page}`, `/master/${page}/`]) {
        const answer = await fetch(served.url + path);
        expect(answer.status, path).to.equal(200);
        await answer.arrayBuffer();
      }
    }
  });

  it('wraps JSON for jsonp, and refuses what is no function name', async () => {
    const answer = await fetch(`${served.url}/version?jsonp=angular.callbacks._0`);
    expect(answer.headers.get('content-type')).to.equal('text/javascript');
    expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
    expect(await answer.text()).to.match(/^angular\.callbacks\._0\(\{.*\}\)$/);
    for (const bad of ['alert(1)//', '<script>', 'a b', '', 'a'.repeat(100), 'a;b', 'a[0]']) {
      const refused = await fetch(`${served.url}/version?jsonp=${encodeURIComponent(bad)}`);
      expect(refused.status, bad).to.equal(400);
      expect(await refused.text()).to.not.include(bad === '' ? '\0' : bad);
    }
  });

  it('compresses large answers for clients that ask for it', async () => {
    const big = new Served({ flags: { long: 'x'.repeat(2_000) } });
    await big.listen();
    const get = async (accept: string): Promise<string> =>
      await big.exchange(
        `GET /flags HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${accept}\r\nConnection: close\r\n\r\n`,
      );
    expect(await get('gzip')).to.match(/content-encoding: gzip/i);
    expect(await get('gzip;q=0')).to.not.match(/content-encoding/i);
    expect(await get('identity')).to.not.match(/content-encoding/i);
    expect(await (await fetch(`${big.url}/flags`)).json()).to.have.nested.property('flags.long');
    await big.server.close();
  });

  it('streams answers that are large, compressed or not', async () => {
    const flags = { long: 'x'.repeat(1_000_000), words: 'größer '.repeat(10_000) };
    const big = await new Served({ flags }).listen();
    for (const encoding of ['gzip', 'identity']) {
      const answer = await fetch(`${big.url}/flags`, { headers: { 'Accept-Encoding': encoding } });
      expect(answer.headers.has('content-length')).to.equal(false);
      expect(await answer.json()).to.deep.equal({ flags });
    }
    const head = await fetch(`${big.url}/flags`, { method: 'HEAD' });
    expect([head.status, await head.text()]).to.deep.equal([200, '']);
    const socket = await big.connect();
    socket.write('GET /flags HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    expect(await big.isHealthy()).to.equal(true);
    expect(big.errors).to.deep.equal([]);
    await big.server.close();
  });

  it('answers HEAD without a body', async () => {
    const answer = await served.exchange(
      'HEAD /state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(statusOf(answer)).to.equal(200);
    expect(answer.endsWith('\r\n\r\n')).to.equal(true);
  });

  it('tells the version that clients branch on, and our own', async () => {
    const version: unknown = await (await fetch(`${served.url}/version`)).json();
    expect(version).to.have.property('version', '1.11.0');
    expect(version).to.have.property('plateau_version');
  });

  it('shows a page for people whose figures and names are text', async () => {
    const answer = await fetch(`${served.url}/`);
    const html = await answer.text();
    expect(answer.headers.get('content-security-policy')).to.match(/^default-src 'none';/);
    expect(html).to.include('&lt;b&gt;&quot;Größe&quot;&lt;/b&gt;');
    expect(html).to.not.include('<b>');
    expect(html).to.not.include('<script');
  });

  it('serves Prometheus without names that grow', async () => {
    const answer = await fetch(`${served.url}/metrics`);
    const text = await answer.text();
    expect(text).to.match(/^plateau_master_tasks_running 3$/m);
    expect(text).to.match(/^plateau_process_resident_memory_bytes /m);
    expect(text).to.not.include('frameworks_F');
  });

  it('explains a framework, or says what is missing', async () => {
    const url = `${served.url}/plateau/v1/why`;
    const why = async (query: string): Promise<Response> => await fetch(url + query);
    expect(await (await why('?framework=known')).json()).to.have.property('state', 'active');
    expect((await why('?framework=other')).status).to.equal(404);
    expect((await why('')).status).to.equal(400);
  });

  it('tears a framework down by form, but not for a page of another site', async () => {
    const send = async (body: string, headers: Record<string, string> = {}): Promise<number> => {
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const options = { method: 'POST', headers: { ...type, ...headers }, body };
      return (await fetch(`${served.url}/teardown`, options)).status;
    };
    expect(await send('')).to.equal(400);
    expect(await send('frameworkId=f', { Origin: 'http://evil' })).to.equal(403);
    expect(served.master.operatorCalls).to.have.length(0);
    expect(await send('frameworkId=f', { Origin: served.url })).to.equal(200);
    expect(served.master.operatorCalls[0]).to.deep.equal({
      type: 'TEARDOWN',
      teardown: { framework_id: { value: 'f' } },
    });
    served.master.operatorAnswer = { status: 400, message: 'unknown' };
    expect(await send('frameworkId=g')).to.equal(400);
    expect((await fetch(`${served.url}/teardown`)).status).to.equal(405);
  });

  it('kills a task with the stream id of its framework, and not while that is away', async () => {
    const stream = { id: 'stream-7' };
    const frameworks = new Map([
      ['here', { tasks: new Map([['t', {}]]), stream }],
      ['away', { tasks: new Map([['t', {}]]), stream: undefined }],
    ]);
    const cluster = { frameworks } as unknown as ScriptedMaster['cluster'];
    const live = await new Served({}, new ScriptedMaster(cluster)).listen();
    const kill = async (framework: string, task: string): Promise<number> => {
      const body = new URLSearchParams({ framework, task });
      return (await fetch(`${live.url}/plateau/v1/kill`, { method: 'POST', body })).status;
    };
    expect(await kill('here', 'other')).to.equal(404);
    expect(await kill('nobody', 't')).to.equal(404);
    expect(await kill('here', '')).to.equal(400);
    expect(await kill('away', 't')).to.equal(409);
    expect(live.master.calls).to.deep.equal([]);
    expect(await kill('here', 't')).to.equal(202);
    expect(live.master.calls[0]).to.deep.equal({
      call: {
        type: 'KILL',
        framework_id: { value: 'here' },
        kill: { task_id: { value: 't' } },
      },
      streamId: 'stream-7',
    });
    await live.server.close();
  });

  it('refuses limits of /tasks that are no numbers', async () => {
    for (const query of ['limit=-1', 'limit=x', 'offset=1.5', 'limit=1e3']) {
      expect((await fetch(`${served.url}/tasks?${query}`)).status, query).to.equal(400);
    }
  });

  it('answers 503 until the master is attached', async () => {
    const early = await new Served({ master: undefined }).listen();
    expect((await fetch(`${early.url}/state`)).status).to.equal(503);
    early.server.attach(new ScriptedMaster());
    expect((await fetch(`${early.url}/state`)).status).to.equal(200);
    await early.server.close();
  });
});

describe('Calls of operators', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served().listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  const call = async (message: object, headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(`${served.url}/api/v1`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(message),
    });

  it('answers metrics itself, in order', async () => {
    const answer: unknown = await (await call({ type: 'GET_METRICS', get_metrics: {} })).json();
    const metrics =
      isRecord(answer) && isRecord(answer['get_metrics']) ? answer['get_metrics'] : {};
    const names = (metrics['metrics'] as { name: string }[]).map(({ name }) => name);
    expect(names).to.include('master/tasks_running').and.include('system/mem_total_bytes');
    expect(names).to.deep.equal(names.toSorted());
    expect(at(names, 0)).to.match(/^master\//);
  });

  it('passes the rest to the master', async () => {
    served.master.operatorAnswer = { type: 'GET_HEALTH', get_health: { healthy: true } };
    const answer = await call({ type: 'GET_HEALTH' });
    expect(answer.headers.get('content-type')).to.equal('application/json');
    expect(await answer.json()).to.deep.equal({
      type: 'GET_HEALTH',
      get_health: { healthy: true },
    });
    served.master.operatorAnswer = { status: 400, message: 'no such framework' };
    const refused = await call({ type: 'TEARDOWN', teardown: { framework_id: { value: 'x' } } });
    expect(refused.status).to.equal(400);
    expect(await refused.text()).to.equal('no such framework');
  });

  it('checks method, types and payload in this order', async () => {
    expect((await fetch(`${served.url}/api/v1`)).status).to.equal(405);
    expect((await call({ type: 'GET_HEALTH' }, { Accept: 'text/html' })).status).to.equal(406);
    const untyped = await call({}, { Accept: 'text/html' });
    expect(untyped.status).to.equal(400);
    expect(await untyped.text()).to.match(/^Failed to validate master::Call: /);
    expect(await (await call({ type: 'READ_FILE' })).text()).to.match(/'read_file'/);
  });
});
