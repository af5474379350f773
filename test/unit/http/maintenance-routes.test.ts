import { expect } from 'chai';
import { ScriptedMaster, Served } from './support.js';

const SCHEDULE = {
  windows: [
    {
      machine_ids: [{ hostname: 'host-1' }, { ip: '10.0.0.7' }],
      unavailability: { start: { nanoseconds: 1_900_000_000_123_456_789n } },
    },
  ],
};

const SCHEDULE_TEXT =
  '{"windows":[{"machine_ids":[{"hostname":"host-1"},{"ip":"10.0.0.7"}],' +
  '"unavailability":{"start":{"nanoseconds":1900000000123456789}}}]}';

describe('Endpoints of maintenance', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served({}, new ScriptedMaster()).listen();
  });

  afterEach(() => served.server.close());

  function post(path: string, body: string, headers = {}): Promise<Response> {
    return fetch(`${served.url}${path}`, { method: 'POST', body, headers });
  }

  for (const prefix of ['', '/master']) {
    it(`show schedule and status below '${prefix}'`, async () => {
      served.master.operatorAnswer = {
        type: 'GET_MAINTENANCE_SCHEDULE',
        get_maintenance_schedule: { schedule: SCHEDULE },
      };
      const schedule = await fetch(`${served.url}${prefix}/maintenance/schedule`);
      expect(schedule.headers.get('content-type')).to.equal('application/json');
      expect(await schedule.text()).to.equal(SCHEDULE_TEXT);
      served.master.operatorAnswer = {
        type: 'GET_MAINTENANCE_STATUS',
        get_maintenance_status: { status: { down_machines: [{ hostname: 'host-1' }] } },
      };
      const status = await fetch(`${served.url}${prefix}/maintenance/status`);
      expect(await status.json()).to.deep.equal({ down_machines: [{ hostname: 'host-1' }] });
    });
  }

  it('make the calls of the v1 API', async () => {
    expect((await post('/maintenance/schedule', SCHEDULE_TEXT)).status).to.equal(200);
    const machines = [{ hostname: 'host-1' }];
    expect((await post('/machine/down', JSON.stringify(machines))).status).to.equal(200);
    expect((await post('/machine/up', JSON.stringify(machines))).status).to.equal(200);
    expect(served.master.operatorCalls).to.deep.equal([
      {
        type: 'UPDATE_MAINTENANCE_SCHEDULE',
        update_maintenance_schedule: { schedule: SCHEDULE },
      },
      { type: 'START_MAINTENANCE', start_maintenance: { machines } },
      { type: 'STOP_MAINTENANCE', stop_maintenance: { machines } },
    ]);
  });

  it('give the answer of the master', async () => {
    served.master.operatorAnswer = Promise.resolve({ status: 400, message: 'not draining' });
    const answer = await post('/machine/down', '[{"hostname":"a"}]');
    expect([answer.status, await answer.text()]).to.deep.equal([400, 'not draining']);
  });

  for (const [path, body] of [
    ['/maintenance/schedule', 'x'],
    ['/maintenance/schedule', '{"windows":[{"machine_ids":[{"hostname":"a"}]}]}'],
    ['/maintenance/schedule', '{"windows":3}'],
    ['/machine/down', ''],
    ['/machine/down', '{"hostname":"a"}'],
    ['/machine/up', '[{"hostname":1}]'],
    ['/machine/up', '["a"]'],
  ] as const) {
    it(`refuse ${body === '' ? 'nothing' : body} at ${path}`, async () => {
      const answer = await post(path, body);
      expect(answer.status).to.equal(400);
      expect(await answer.text()).to.match(/^Failed to parse/);
      expect(served.master.operatorCalls).to.deep.equal([]);
    });
  }

  it('refuse other methods, and pages of other sites', async () => {
    const put = await fetch(`${served.url}/maintenance/schedule`, { method: 'PUT' });
    expect([put.status, put.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST']);
    expect((await fetch(`${served.url}/machine/down`)).status).to.equal(405);
    expect((await post('/maintenance/status', '')).status).to.equal(405);
    const foreign = await post('/machine/down', '[]', { origin: 'http://evil.example' });
    expect(foreign.status).to.equal(403);
    expect(served.master.operatorCalls).to.deep.equal([]);
  });

  it('are 503 until the registry is recovered', async () => {
    served.master.isRecovered = false;
    for (const answer of [
      await fetch(`${served.url}/maintenance/schedule`),
      await fetch(`${served.url}/maintenance/status`),
      await post('/machine/up', '[]'),
    ]) {
      expect(answer.status).to.equal(503);
    }
  });
});
