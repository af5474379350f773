import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { encodeJson, encodeProtobuf } from '../../../core/api/index.js';
import { isRecord } from '../../../core/base/index.js';
import { ServedCluster } from './served-cluster.js';

interface Raw {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** `fetch` undoes compression: this does not. */
function raw(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const { statusCode: status = 0, headers: got } = response;
        resolve({ status, headers: got, body: Buffer.concat(chunks) });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

function list(value: unknown, name: string): Record<string, unknown>[] {
  const found = isRecord(value) ? value[name] : undefined;
  if (!Array.isArray(found)) throw new Error(`no list ${name}`);
  return found.filter(isRecord);
}

describe('Pages of the state', () => {
  let cluster: ServedCluster;

  beforeEach(async () => {
    cluster = await new ServedCluster({ maxCompletedTasksPerFramework: 3 }).start();
    await cluster.subscribe();
    cluster.launch('t1', 't2', 't3');
    for (const task of ['t1', 't2', 't3']) cluster.update(task, 'TASK_RUNNING');
    cluster.update('t2', 'TASK_FINISHED');
  });

  afterEach(async () => {
    await cluster.stop();
  });

  const PAGES = [
    '/state',
    '/state-summary',
    '/slaves',
    '/frameworks',
    '/roles',
    '/tasks',
    '/master/state.json',
    '/slaves?slave_id=none',
    '/tasks?limit=1',
  ];

  it('are ASCII, whatever names there are, and say what the cluster is', async () => {
    for (const path of PAGES) {
      const { status, body } = await raw(cluster.url + path);
      expect(status).to.equal(200);
      expect(body.toString('latin1'), path).to.match(/^[\x20-\x7e]*$/);
      JSON.parse(body.toString());
    }
    const state = await cluster.json('/state');
    expect(list(state, 'slaves')[0]).to.include({ hostname: 'host-ü', active: true });
    const framework = list(state, 'frameworks')[0];
    expect(framework).to.include({ name: 'größer "\u2028"', active: true });
    expect(list(framework, 'tasks').map(({ id }) => id)).to.deep.equal(['t1', 't3']);
    expect(list(framework, 'completed_tasks').map(({ id }) => id)).to.deep.equal(['t2']);
    expect(framework?.['used_resources']).to.include({ cpus: 0.2, mem: 8 });
  });

  it('show a task with its statuses, without the pid of its executor', async () => {
    const [framework] = list(await cluster.json('/frameworks'), 'frameworks');
    const [task] = list(framework, 'tasks');
    expect(task).to.deep.equal({
      id: 't1',
      name: 'task t1 é',
      framework_id: cluster.frameworkId,
      executor_id: '',
      slave_id: cluster.agentId,
      state: 'TASK_RUNNING',
      resources: { disk: 0, mem: 4, gpus: 0, cpus: 0.1 },
      role: 'r',
      statuses: [
        {
          state: 'TASK_RUNNING',
          timestamp: 1_700_000_001.5,
          container_status: {
            container_id: { value: 'c-t1' },
            network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '10.0.0.1' }] }],
          },
        },
      ],
      labels: [{ key: 'k', value: '\u2029' }],
    });
  });

  it('write what few containers have in the general way', async () => {
    const container_status = {
      container_id: { value: 'c', parent: { value: 'p' } },
      network_infos: [{ name: 'net', ip_addresses: [] }, {}],
      executor_pid: 9,
    };
    cluster.update('t1', 'TASK_RUNNING', { container_status, healthy: false });
    const [task] = list(await cluster.json('/tasks?task_id=t1'), 'tasks');
    const { executor_pid: _pid, ...shown } = container_status;
    expect(list(task, 'statuses')).to.deep.equal([
      {
        state: 'TASK_RUNNING',
        timestamp: list(task, 'statuses')[0]?.['timestamp'],
        container_status: JSON.parse(encodeJson('ContainerStatus', shown)),
        healthy: false,
      },
    ]);
  });

  it('change with the cluster, at once', async () => {
    const count = async (): Promise<number> => {
      const [framework] = list(await cluster.json('/state'), 'frameworks');
      return list(framework, 'tasks').length;
    };
    expect(await count()).to.equal(2);
    cluster.update('t3', 'TASK_FAILED');
    expect(await count()).to.equal(1);
    const [summary] = list(await cluster.json('/state-summary'), 'frameworks');
    expect(summary).to.include({ TASK_RUNNING: 1, TASK_FINISHED: 1, TASK_FAILED: 1 });
    const [agent] = list(await cluster.json('/state-summary'), 'slaves');
    expect(agent).to.deep.include({ TASK_RUNNING: 1, framework_ids: [cluster.frameworkId] });
    cluster.call({ type: 'TEARDOWN' });
    expect(list(await cluster.json('/state'), 'frameworks')).to.have.length(0);
    expect(list(await cluster.json('/state'), 'completed_frameworks')).to.have.length(1);
  });

  it('answer 304 to who has the current version, whatever the form of its ETag', async () => {
    for (const path of PAGES) {
      const first = await raw(cluster.url + path, { 'Accept-Encoding': 'gzip' });
      const etag = String(first.headers['etag']);
      expect(etag, path).to.match(/^W\/"[^"]+"$/);
      for (const tag of [etag, etag.slice(2), `"x", ${etag}`, '*']) {
        const again = await raw(cluster.url + path, { 'If-None-Match': tag });
        expect([again.status, again.body.length], `${path} ${tag}`).to.deep.equal([304, 0]);
        expect(again.headers).to.include({ etag, 'cache-control': 'no-cache' });
      }
      const other = await raw(cluster.url + path, { 'If-None-Match': '"other"' });
      expect(other.status).to.equal(200);
      const head = await raw(cluster.url + path, {}, 'HEAD');
      expect([head.status, head.headers['etag'], head.body.length]).to.deep.equal([200, etag, 0]);
    }
  });

  it('have another ETag after each kind of change, and the same without one', async () => {
    const etag = async (): Promise<string> =>
      String((await raw(`${cluster.url}/state`, {}, 'HEAD')).headers['etag']);
    let last = await etag();
    const changed = async (): Promise<boolean> => {
      const before = last;
      last = await etag();
      return before !== last;
    };
    expect(await changed()).to.equal(false);
    await cluster.operator({ type: 'GET_TASKS' });
    cluster.master.agentMessage({ peer: 'x', send() {}, close() {} }, { type: 'PONG' });
    expect(await changed(), 'reading and answers to pings').to.equal(false);
    cluster.update('t1', 'TASK_FINISHED');
    expect(await changed(), 'a status').to.equal(true);
    await cluster.offer();
    expect(await changed(), 'an offer').to.equal(true);
    await cluster.world.advance(300_001);
    expect(await changed(), 'an offer that timed out').to.equal(true);
    const weight_infos = [{ role: 'r', weight: 2 }];
    await cluster.operator({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });
    expect(await changed(), 'a weight').to.equal(true);
  });

  it('are byte for byte the same, whether their parts were kept or are made anew', async () => {
    const body = async (of: ServedCluster, path: string): Promise<string> =>
      (await raw(of.url + path)).body.toString('latin1');
    // Both see the same; of one nobody has asked anything before the end.
    const other = await new ServedCluster({ maxCompletedTasksPerFramework: 3 }).start();
    const both = [cluster, other];
    try {
      await other.subscribe();
      other.launch('t1', 't2', 't3');
      for (const task of ['t1', 't2', 't3']) other.update(task, 'TASK_RUNNING');
      other.update('t2', 'TASK_FINISHED');
      for (const change of [
        async (of: ServedCluster) => of.update('t1', 'TASK_RUNNING', { healthy: true }),
        async (of: ServedCluster) => of.update('t3', 'TASK_FAILED'),
        async (of: ServedCluster) => await of.offer(),
      ]) {
        for (const path of PAGES)
          expect(await body(cluster, path)).to.equal(await body(cluster, path));
        for (const each of both) await change(each);
      }
      for (const path of PAGES) {
        expect(await body(cluster, path), path).to.equal(await body(other, path));
      }
    } finally {
      await other.stop();
    }
  });

  it('are compressed for who asks, the same for all', async () => {
    const plain = await raw(`${cluster.url}/state`);
    expect(plain.headers['content-encoding']).to.equal(undefined);
    expect(plain.headers['vary']).to.match(/Accept-Encoding/);
    const both = await Promise.all(
      [1, 2].map(() => raw(`${cluster.url}/state`, { 'Accept-Encoding': 'gzip, deflate' })),
    );
    for (const { headers, body } of both) {
      expect(headers['content-encoding']).to.equal('gzip');
      expect(gunzipSync(body).equals(plain.body)).to.equal(true);
    }
    const small = await raw(`${cluster.url}/slaves?slave_id=none`, { 'Accept-Encoding': 'gzip' });
    expect(small.headers['content-encoding']).to.equal(undefined);
  });

  it('are wrapped for jsonp, compressed or not', async () => {
    const plain = (await raw(`${cluster.url}/state`)).body.toString();
    const url = `${cluster.url}/state?jsonp=a.b`;
    for (const encoding of ['identity', 'gzip']) {
      const { headers, body } = await raw(url, { 'Accept-Encoding': encoding });
      const text = (encoding === 'gzip' ? gunzipSync(body) : body).toString();
      expect(text).to.equal(`a.b(${plain})`);
      expect(headers).to.include({ 'content-type': 'text/javascript' });
    }
    expect((await raw(`${cluster.url}/state?jsonp=alert(1)`)).status).to.equal(400);
  });

  it('escape the ends of lines of older JavaScript in jsonp', async () => {
    const { body } = await raw(`${cluster.url}/flags?jsonp=f`);
    expect(body.toString()).to.equal(String.raw`f({"flags":{"cluster":"Größe\u2028"}})`);
  });

  it('show the newest tasks first, and any part of them', async () => {
    const ids = async (query: string): Promise<unknown[]> =>
      list(await cluster.json(`/tasks?${query}`), 'tasks').map(({ id }) => id);
    expect(await ids('order=asc')).to.deep.equal(['t1', 't2', 't3']);
    expect(await ids('')).to.deep.equal(['t3', 't2', 't1']);
    expect(await ids('order=asc&limit=2&offset=1')).to.deep.equal(['t2', 't3']);
    expect(await ids('limit=0')).to.deep.equal([]);
    expect(await ids('offset=10')).to.deep.equal([]);
    expect(await ids('framework_id=none')).to.deep.equal([]);
    expect(await ids('task_id=t2')).to.deep.equal(['t2']);
  });
});

describe('Large answers of the v1 API', () => {
  let cluster: ServedCluster;

  beforeEach(async () => {
    cluster = await new ServedCluster().start();
    await cluster.subscribe();
    cluster.launch('t1', 't2');
    cluster.update('t1', 'TASK_FINISHED');
    await cluster.offer();
  });

  afterEach(async () => {
    await cluster.stop();
  });

  it('say the same as the message that the master makes', async () => {
    for (const type of [
      'GET_STATE',
      'GET_TASKS',
      'GET_EXECUTORS',
      'GET_FRAMEWORKS',
      'GET_AGENTS',
    ]) {
      const answer = await (await cluster.operator({ type })).text();
      const made = await cluster.master.operatorCall({ type: type as 'GET_STATE' });
      if ('status' in made) throw new Error(made.message);
      expect(withoutEmptyLists(JSON.parse(answer)), type).to.deep.equal(
        withoutEmptyLists(JSON.parse(encodeJson('MasterResponse', made))),
      );
      expect(answer).to.match(/^[\x20-\x7e]*$/);
    }
  });

  it('are in protobuf, byte for byte, what the codec makes of the whole message', async () => {
    const types = ['GET_STATE', 'GET_TASKS', 'GET_EXECUTORS', 'GET_FRAMEWORKS', 'GET_AGENTS'];
    for (const round of ['made', 'kept', 'changed']) {
      if (round === 'changed') cluster.update('t2', 'TASK_RUNNING');
      for (const type of types) {
        const answer = await cluster.operator({ type }, { Accept: 'application/x-protobuf' });
        expect(answer.headers.get('content-type')).to.equal('application/x-protobuf');
        const made = await cluster.master.operatorCall({ type: type as 'GET_STATE' });
        if ('status' in made) throw new Error(made.message);
        const bytes = Buffer.from(await answer.arrayBuffer());
        const expected = encodeProtobuf('MasterResponse', made);
        expect(bytes.toString('hex'), `${type} ${round}`).to.equal(expected.toString('hex'));
      }
    }
  });

  it('list what there is none of as empty, as Mesos does', async () => {
    const answer: unknown = await (await cluster.operator({ type: 'GET_STATE' })).json();
    expect(answer).to.have.nested.property('get_state.get_tasks.unreachable_tasks').deep.equal([]);
    expect(answer).to.have.nested.property('get_state.get_executors.executors').deep.equal([]);
    expect(answer).to.have.nested.property('get_state.get_agents.recovered_agents').deep.equal([]);
  });
});

function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (!isRecord(value)) return value;
  const members = Object.entries(value).filter(
    ([, member]) => !(Array.isArray(member) && member.length === 0),
  );
  return Object.fromEntries(members.map(([name, member]) => [name, withoutEmptyLists(member)]));
}
