import { expect } from 'chai';
import { ScriptedMaster, Served } from './support.js';

describe('Endpoints of quota and weights', () => {
  let served: Served;

  afterEach(async () => {
    await served.server.close();
  });

  async function serve(cluster: Partial<ScriptedMaster['cluster']> = {}): Promise<void> {
    served = await new Served({}, new ScriptedMaster(cluster)).listen();
  }

  async function send(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<[number, string]> {
    const options = { method, headers, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(served.url + path, options);
    return [answer.status, await answer.text()];
  }

  it('show quotas in both forms, and nothing when there is none', async () => {
    await serve();
    expect(await send('GET', '/quota')).to.deep.equal([200, '{}']);
    await served.server.close();
    const quota = { guarantees: new Map([['cpus', 1000]]), limits: new Map([['mem', 512_000]]) };
    await serve({ quotas: new Map([['prod', quota]]) });
    const [status, text] = await send('GET', '/master/quota');
    expect(status).to.equal(200);
    expect(JSON.parse(text)).to.deep.equal({
      infos: [
        { role: 'prod', guarantee: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }] },
      ],
      configs: [
        { role: 'prod', guarantees: { cpus: { value: 1 } }, limits: { mem: { value: 512 } } },
      ],
    });
    const [, roles] = await send('GET', '/roles');
    const page = JSON.parse(roles) as { roles: { quota: unknown }[] };
    const shown = { role: 'prod', guarantee: { cpus: 1 }, limit: { mem: 512 }, consumed: {} };
    expect(page.roles.map((role) => role.quota)).to.deep.equal([shown]);
  });

  it('list the roles that the master is limited to', async () => {
    await serve({ listedRoles: ['*', 'one', 'two'], weights: new Map([['one', 5]]) });
    const [, text] = await send('GET', '/roles');
    const { roles } = JSON.parse(text) as { roles: { name: string; weight: number }[] };
    expect(roles.map(({ name, weight }) => [name, weight])).to.deep.equal([
      ['*', 1],
      ['one', 5],
      ['two', 1],
    ]);
  });

  it('set a quota whatever the content type, and remove one', async () => {
    await serve();
    const guarantee = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }];
    const request = { role: 'prod', force: true, guarantee };
    expect(await send('POST', '/quota', JSON.stringify(request))).to.deep.equal([200, '']);
    expect(await send('DELETE', '/master/quota/prod')).to.deep.equal([200, '']);
    expect(await send('DELETE', '/quota/a%2Fb')).to.deep.equal([200, '']);
    expect(served.master.operatorCalls).to.deep.equal([
      { type: 'SET_QUOTA', set_quota: { quota_request: request } },
      { type: 'REMOVE_QUOTA', remove_quota: { role: 'prod' } },
      { type: 'REMOVE_QUOTA', remove_quota: { role: 'a/b' } },
    ]);
    served.master.operatorAnswer = Promise.resolve({ status: 409, message: 'too little' });
    expect(await send('POST', '/quota', '{"role":"x"}')).to.deep.equal([409, 'too little']);
  });

  it('set weights', async () => {
    await serve({ weights: new Map([['prod', 2.5]]) });
    expect(await send('GET', '/weights')).to.deep.equal([200, '[{"role":"prod","weight":2.5}]']);
    const list = [{ role: 'dev', weight: 0.5 }];
    expect(await send('PUT', '/weights', JSON.stringify(list))).to.deep.equal([200, '']);
    expect(served.master.operatorCalls).to.deep.equal([
      { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: list } },
    ]);
  });

  it('refuse bodies that are not what they should be', async () => {
    await serve();
    for (const body of ['', '{', '[]', '{"role":1,"guarantee":{}}', '{"guarantee":"x"}', 'null']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const [status, text] = await send('POST', '/quota', body);
      expect(status, body).to.equal(400);
      expect(text).to.match(/^Failed to parse set quota request JSON: /);
    }
    for (const body of ['', '{}', '[1]', '[{"role":"a"}]', '[{"role":"a","weight":"x"}]']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const [status, text] = await send('PUT', '/weights', body);
      expect(status, body).to.equal(400);
      expect(text).to.match(/^Failed to parse update weights request JSON: /);
    }
    expect(served.master.operatorCalls).to.have.length(0);
  });

  it('refuse other methods, other sites, and a master that is not ready', async () => {
    await serve();
    expect((await send('PUT', '/quota', '{}'))[0]).to.equal(405);
    expect((await send('GET', '/quota/prod'))[0]).to.equal(405);
    expect((await send('POST', '/weights', '[]'))[0]).to.equal(405);
    const evil = { Origin: 'http://evil' };
    expect((await send('POST', '/quota', '{"role":"x"}', evil))[0]).to.equal(403);
    expect((await send('DELETE', '/quota/prod', undefined, evil))[0]).to.equal(403);
    expect((await send('PUT', '/weights', '[]', evil))[0]).to.equal(403);
    served.master.isRecovered = false;
    expect((await send('POST', '/quota', '{"role":"x"}'))[0]).to.equal(503);
    expect((await send('DELETE', '/quota/prod'))[0]).to.equal(503);
    expect((await send('PUT', '/weights', '[]'))[0]).to.equal(503);
    expect(served.master.operatorCalls).to.have.length(0);
  });
});
