import { expect } from 'chai';
import { ScriptedMaster, Served } from './support.js';

const DISK = { name: 'disk', type: 'SCALAR', scalar: { value: 64 }, role: 'web', reservation: {} };

describe('Forms for resources', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served({}, new ScriptedMaster()).listen();
    served.master.operatorAnswer = { status: 202 };
  });

  afterEach(async () => {
    await served.server.close();
  });

  async function send(path: string, fields: Record<string, string>): Promise<[number, string]> {
    const body = new URLSearchParams(fields);
    const answer = await fetch(`${served.url}${path}`, { method: 'POST', body });
    return [answer.status, await answer.text()];
  }

  it('become the calls of the v1 API, below both names of the process', async () => {
    const slaveId = 'S0';
    const agent_id = { value: slaveId };
    const list = JSON.stringify([DISK]);
    expect(await send('/reserve', { slaveId, resources: list, source: list })).to.deep.equal([
      202,
      '',
    ]);
    await send('/master/unreserve', { slaveId, resources: list });
    await send('/create-volumes', { slaveId, volumes: list });
    await send('/master/destroy-volumes', { slaveId, volumes: list });
    expect(served.master.operatorCalls).to.deep.equal([
      {
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id, resources: [DISK], source: [DISK] },
      },
      { type: 'UNRESERVE_RESOURCES', unreserve_resources: { agent_id, resources: [DISK] } },
      { type: 'CREATE_VOLUMES', create_volumes: { agent_id, volumes: [DISK] } },
      { type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes: [DISK] } },
    ]);
  });

  it('are answered as the call is', async () => {
    served.master.operatorAnswer = { status: 409, message: 'not free' };
    expect(await send('/reserve', { slaveId: 'S0', resources: '[]' })).to.deep.equal([
      409,
      'not free',
    ]);
  });

  it('are refused without an agent or list, and with one that is malformed', async () => {
    for (const [fields, reason] of [
      [{ volumes: '[]' }, /'slaveId'/],
      [{ slaveId: '', volumes: '[]' }, /'slaveId'/],
      [{ slaveId: 'S0' }, /'volumes'/],
      [{ slaveId: 'S0', volumes: '' }, /'volumes' is not a JSON list/],
      [{ slaveId: 'S0', volumes: '{}' }, /it is no list/],
      [{ slaveId: 'S0', volumes: '[{"name":"disk"}]' }, /type/],
    ] as const) {
      const [status, text] = await send('/create-volumes', fields);
      expect(status).to.equal(400);
      expect(text).to.match(reason);
    }
    expect(served.master.operatorCalls).to.deep.equal([]);
    expect((await fetch(`${served.url}/reserve`)).status).to.equal(405);
  });
});
