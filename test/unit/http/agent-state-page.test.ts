import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { expect } from 'chai';
import { SILENT_LOGGER, isRecord, systemWorld } from '../../../core/base/index.js';
import { AgentServer } from '../../../core/http/index.js';
import { Host, taskInfo } from '../agent/host.js';

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly encoding: string | undefined;
  readonly body: Buffer;
}

describe('The state of an agent', () => {
  let host: Host;
  let server: AgentServer;
  let url: string;

  beforeEach(async () => {
    host = new Host();
    const agent = await host.start();
    server = new AgentServer({
      world: systemWorld(SILENT_LOGGER),
      log: SILENT_LOGGER,
      agent,
      workDir: '/nonexistent',
      host: '127.0.0.1',
      port: 0,
      flags: { master: 'größer' },
      filesRoots: [],
    });
    url = `http://127.0.0.1:${(await server.listen()).port}`;
    await host.run([taskInfo('t1'), taskInfo('t2')]);
  });

  afterEach(async () => {
    await server.close();
    host.crash();
  });

  /** `fetch` undoes compression: this does not. */
  function get(headers: Record<string, string> = {}, path = '/state'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request(url + path, { headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            etag: response.headers.etag ?? '',
            encoding: response.headers['content-encoding'],
            body: Buffer.concat(chunks),
          }),
        );
      });
      asked.once('error', reject);
      asked.end();
    });
  }

  it('lists what runs and what ran', async () => {
    const ids = async (): Promise<unknown> => {
      const state: unknown = JSON.parse((await get()).body.toString());
      return found(state, ['frameworks', 'executors', 'tasks']).map(({ id, state: of }) => [
        id,
        of,
      ]);
    };
    expect(await ids()).to.deep.equal([
      ['t1', 'TASK_RUNNING'],
      ['t2', 'TASK_RUNNING'],
    ]);
    await host.end('t1');
    await host.acknowledge(host.last('t1'));
    await host.settle();
    expect(await ids()).to.deep.equal([['t2', 'TASK_RUNNING']]);
  });

  it('has the same ETag while nothing changes, and another whenever something does', async () => {
    const first = await get();
    expect(first.etag).to.match(/^W\/"[^"]+"$/);
    for (let round = 0; round < 3; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const again = await get();
      expect([again.etag, again.body.equals(first.body)]).to.deep.equal([first.etag, true]);
    }
    const unchanged = await get({ 'If-None-Match': first.etag });
    expect([unchanged.status, unchanged.body.length]).to.deep.equal([304, 0]);
    const seen = new Map([[first.etag, first.body]]);
    for (const change of [
      () => host.end('t1'),
      () => host.run([taskInfo('t3')]),
      () => host.disconnect(),
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await change();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await host.settle();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const next = await get({ 'If-None-Match': [...seen.keys()].at(-1) ?? '' });
      const same = [...seen].filter(([, body]) => body.equals(next.body)).map(([etag]) => etag);
      // Where it is the same page, it is answered as such.
      if (next.status === 304) continue;
      expect(same).to.deep.equal([]);
      expect(seen.has(next.etag)).to.equal(false);
      seen.set(next.etag, next.body);
    }
    expect(seen.size).to.be.at.least(3);
  });

  it('is compressed for who asks, and gives many at once the same', async () => {
    const plain = await get();
    expect(plain.encoding).to.equal(undefined);
    const all = await Promise.all(
      Array.from({ length: 10 }, () => get({ 'Accept-Encoding': 'gzip' })),
    );
    for (const { encoding, body, etag } of all) {
      expect([encoding, etag]).to.deep.equal(['gzip', plain.etag]);
      expect(gunzipSync(body).equals(plain.body)).to.equal(true);
    }
    const wrapped = await get({}, '/slave(1)/state.json?jsonp=f');
    expect(wrapped.body.toString()).to.equal(`f(${plain.body.toString()})`);
  });
});

/** What lists within lists hold, by the names of the lists. */
function found(value: unknown, [name, ...below]: readonly string[]): Record<string, unknown>[] {
  const list = isRecord(value) && name !== undefined ? value[name] : undefined;
  if (!Array.isArray(list)) throw new Error(`no list ${name}`);
  const items = list.filter(isRecord);
  return below.length === 0 ? items : items.flatMap((item) => found(item, below));
}
