import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { ServedCluster } from './served-cluster.js';
import { ScriptedMaster, Served, until } from './support.js';

describe('Pages that show what is inside a master', () => {
  let cluster: ServedCluster;

  beforeEach(async () => {
    cluster = await new ServedCluster().start();
  });

  afterEach(async () => {
    await cluster.stop();
  });

  it('show the registry in the shape of Mesos, with the frameworks', async () => {
    const { agentId } = cluster;
    const path = '/registrar(1)/registry';
    const before = await cluster.json(path);
    expect(Object.keys(before)).to.deep.equal(['master', 'slaves']);
    expect(before['master']).to.have.nested.property('info.id', cluster.master.info.id);
    expect(before['slaves']).to.have.nested.property('slaves[0].info.id.value', agentId);
    await cluster.subscribe('f');
    await cluster.operator({
      type: 'UPDATE_WEIGHTS',
      update_weights: { weight_infos: [{ role: 'r', weight: 2 }] },
    });
    await cluster.operator({
      type: 'DEACTIVATE_AGENT',
      deactivate_agent: { agent_id: { value: agentId } },
    });
    const after = await cluster.json(path);
    expect(after['slaves']).to.have.nested.property('slaves[0].deactivated', true);
    expect(after['weights']).to.deep.equal([{ info: { role: 'r', weight: 2 } }]);
    expect(after['frameworks']).to.have.nested.property('[0].framework_info.name', 'f');
    expect(after).not.to.have.property('gone');
    await cluster.operator({
      type: 'MARK_AGENT_GONE',
      mark_agent_gone: { agent_id: { value: agentId } },
    });
    const gone = await cluster.json(path);
    expect(gone).not.to.have.property('slaves');
    expect(gone['gone']).to.have.nested.property('slaves[0].id.value', agentId);
    expect(gone['gone']).to.have.nested.property('slaves[0].timestamp.nanoseconds');
  });

  it('show which agents offer constraints keep away, role by role', async () => {
    const exists = { attribute_name: 'rack' };
    const group = [{ selector: exists, predicate: { exists: {} } }];
    const framework_info = {
      user: 'u',
      name: 'c',
      roles: ['one', 'two'],
      capabilities: [{ type: 'MULTI_ROLE' }] as const,
    };
    let frameworkId = '';
    cluster.master.schedulerSubscribe(
      {
        type: 'SUBSCRIBE',
        subscribe: {
          framework_info,
          suppressed_roles: ['two'],
          offer_constraints: {
            role_constraints: { one: { groups: [{ attribute_constraints: group }] } },
          },
        },
      },
      {
        id: id<'StreamId'>('c'),
        peer: 'x',
        send: (event) => {
          frameworkId = event.subscribed?.framework_id.value ?? frameworkId;
        },
        close() {},
      },
    );
    await until(() => frameworkId !== '');
    for (const process of ['/hierarchical-allocator(1)', '/allocator', '']) {
      // oxlint-disable-next-line no-await-in-loop -- the same page under several names
      expect(await cluster.json(`${process}/offer_constraints_debug`)).to.deep.equal({
        frameworks: {
          [frameworkId]: {
            suppressed_roles: ['two'],
            excluded_by_attribute_constraints: { one: [cluster.agentId], two: [] },
          },
        },
      });
    }
  });

  it('show no frameworks where there are none', async () => {
    expect(await cluster.json('/offer_constraints_debug')).to.deep.equal({ frameworks: {} });
  });

  it('show no registry that was not recovered', async () => {
    const served = await new Served({}, new ScriptedMaster()).listen();
    expect((await fetch(`${served.url}/registrar(1)/registry`)).status).to.equal(503);
    await served.server.close();
  });
});

describe('/logging/toggle', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served().listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  async function toggle(
    query = '',
    headers: Record<string, string> = {},
  ): Promise<[number, string]> {
    const answer = await fetch(`${served.url}/logging/toggle${query}`, { headers });
    return [answer.status, await answer.text()];
  }

  it('tells the level, and sets it for a time', async () => {
    expect(await toggle()).to.deep.equal([200, '0\n']);
    expect(await toggle('?level=3&duration=20ms')).to.deep.equal([200, '']);
    expect(await toggle()).to.deep.equal([200, '3\n']);
    let text = '';
    await until(() => {
      void toggle().then(([, now]) => (text = now));
      return text === '0\n';
    });
  });

  it('names what is missing or wrong, and changes nothing then', async () => {
    expect(await toggle('?level=1')).to.deep.equal([400, "Expecting 'duration=value' in query.\n"]);
    expect(await toggle('?duration=1secs')).to.deep.equal([
      400,
      "Expecting 'level=value' in query.\n",
    ]);
    for (const query of [
      'level=-1&duration=1secs',
      'level=x&duration=1secs',
      'level=1.5&duration=1secs',
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await toggle(`?${query}`)).to.have.deep.property('0', 400);
    }
    expect((await toggle('?level=1&duration=5'))[1]).to.match(/'duration'.*not a duration/);
    expect((await toggle('?level=1&duration=3weeks'))[0]).to.equal(400);
    const other = { Origin: 'http://elsewhere.example' };
    expect((await toggle('?level=1&duration=1secs', other))[0]).to.equal(403);
    expect(await toggle()).to.deep.equal([200, '0\n']);
  });
});
