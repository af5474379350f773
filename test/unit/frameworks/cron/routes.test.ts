import { expect } from 'chai';
import { ApiRig, document } from './api-rig.js';

describe('The routes of cron jobs', () => {
  let rig: ApiRig;

  beforeEach(async () => {
    rig = await new ApiRig().start();
  });

  afterEach(async () => {
    await rig.close();
  });

  it('create, show, replace and delete', async () => {
    const created = await rig.ask('POST', '/v1/cron/jobs', document('report.nightly'));
    expect(created.status).to.equal(201);
    expect(created.json).to.include({ id: 'report.nightly', state: 'scheduled', revision: 1 });
    expect(created.json['nextRunAt']).to.match(/T0[01]:30:00\.000Z$/);
    const same = await rig.ask('PUT', '/v1/cron/jobs/report.nightly', document('report.nightly'));
    expect([same.status, same.json['change']]).to.deep.equal([200, 'unchanged']);
    const other = document('report.nightly', { labels: { team: 'blue' } });
    const changed = await rig.ask('PUT', '/v1/cron/jobs/report.nightly?revision=1', other);
    expect([changed.status, changed.json['change']]).to.deep.equal([200, 'changed']);
    const crossed = await rig.ask(
      'PUT',
      '/v1/cron/jobs/report.nightly?revision=1',
      document('report.nightly'),
    );
    expect(crossed.status).to.equal(409);
    const shown = await rig.ask('GET', '/v1/cron/jobs/report.nightly');
    expect(shown.json).to.deep.include({ labels: { team: 'blue' }, revision: 2 });
    expect((await rig.ask('DELETE', '/v1/cron/jobs/report.nightly')).status).to.equal(204);
    expect((await rig.ask('GET', '/v1/cron/jobs/report.nightly')).status).to.equal(404);
    expect(rig.cron.cursors.size).to.equal(0);
  });

  it('create by PUT, and only create with revision 0', async () => {
    const path = '/v1/cron/jobs/job';
    expect((await rig.ask('PUT', `${path}?revision=3`, document('job'))).status).to.equal(404);
    expect((await rig.ask('PUT', `${path}?revision=0`, document('job'))).status).to.equal(201);
    expect((await rig.ask('PUT', `${path}?revision=0`, document('job'))).status).to.equal(409);
  });

  it('list in pages, by prefix and by label', async () => {
    for (const id of ['a.1', 'a.2', 'b.1']) {
      await rig.ask('POST', '/v1/cron/jobs', document(id, { labels: { of: id } }));
    }
    const first = await rig.ask('GET', '/v1/cron/jobs?limit=2');
    expect(first.json['next']).to.equal('a.2');
    const rest = await rig.ask('GET', '/v1/cron/jobs?limit=2&cursor=a.2');
    expect(rest.json['jobs']).to.have.length(1);
    expect(rest.json).not.to.have.property('next');
    expect((await rig.ask('GET', '/v1/cron/jobs?prefix=a.')).json['jobs']).to.have.length(2);
    expect((await rig.ask('GET', '/v1/cron/jobs?label=of=b.1')).json['jobs']).to.have.length(1);
  });

  it('preview the next due times with what the clock shows', async () => {
    await rig.ask('POST', '/v1/cron/jobs', document('job'));
    const { json } = await rig.ask(
      'GET',
      '/v1/cron/jobs/job/next?count=3&from=2030-03-29T12:00:00Z',
    );
    expect(json['next']).to.deep.equal([
      {
        at: '2030-03-30T01:30:00.000Z',
        local: '2030-03-30T02:30:00+01:00',
        schedule: 'main',
        timezone: 'Europe/Rome',
      },
      {
        at: '2030-03-31T01:00:00.000Z',
        local: '2030-03-31T03:00:00+02:00',
        schedule: 'main',
        timezone: 'Europe/Rome',
        note: 'the clock has been moved by +01:00 since the time before',
      },
      {
        at: '2030-04-01T00:30:00.000Z',
        local: '2030-04-01T02:30:00+02:00',
        schedule: 'main',
        timezone: 'Europe/Rome',
      },
    ]);
  });

  it('suspend, resume, run now, show and stop', async () => {
    await rig.ask('POST', '/v1/cron/jobs', document('job'));
    const suspended = await rig.ask('POST', '/v1/cron/jobs/job/suspend');
    expect(suspended.json['state']).to.equal('suspended');
    expect(suspended.json).not.to.have.property('nextRunAt');
    const run = await rig.ask('POST', '/v1/cron/jobs/job/runs', { key: 'once', env: { A: 'b' } });
    expect(run.status).to.equal(201);
    expect(run.json).to.include({ job: 'job', state: 'starting' });
    const sameRun = { key: 'once', env: { A: 'b' } };
    const again = await rig.ask('POST', '/v1/cron/jobs/job/runs', sameRun);
    expect(again.json['id']).to.equal(run.json['id']);
    const other = await rig.ask('POST', '/v1/cron/jobs/job/runs', { key: 'once' });
    expect(other.status).to.equal(409);
    const path = `/v1/cron/jobs/job/runs/${String(run.json['id'])}`;
    expect((await rig.ask('GET', path)).json).to.include({ state: 'starting' });
    expect((await rig.ask('DELETE', '/v1/cron/jobs/job')).status).to.equal(409);
    const stopped = await rig.ask('POST', `${path}/stop`);
    expect(stopped.json).to.include({ state: 'failed', reason: 'Stopped' });
    expect((await rig.ask('POST', `${path}/stop`)).status).to.equal(409);
    const { json } = await rig.ask('GET', '/v1/cron/jobs/job/runs?state=failed');
    expect(json['runs']).to.have.length(1);
    expect((await rig.ask('POST', '/v1/cron/jobs/job/resume')).json['state']).to.equal('scheduled');
  });

  it('tell the version of the time zone database', async () => {
    expect((await rig.ask('GET', '/v1/cron/info')).json['timeZoneData']).to.match(/^\d{4}[a-z]$/);
  });

  it('show the figures of the scheduler', async () => {
    await rig.ask('POST', '/v1/cron/jobs', document('job'));
    await rig.ask('POST', '/v1/cron/jobs/job/runs', {});
    const { text } = await rig.ask('GET', '/metrics');
    expect(text).to.match(/^plateau_cron_jobs 1$/m);
    expect(text).to.match(/^plateau_cron_runs_demanded_total 1$/m);
    expect(text).to.match(/^plateau_cron_claim_lag_p99_seconds 0$/m);
    const { json } = await rig.ask('GET', '/openapi.json');
    expect(Object.keys(Object(json['paths']))).to.include('/v1/cron/jobs/{id}/next');
  });

  const nowhere: readonly (readonly [string, string, unknown?])[] = [
    ['GET', '/v1/cron/jobs/none'],
    ['DELETE', '/v1/cron/jobs/none'],
    ['GET', '/v1/cron/jobs/none/next'],
    ['GET', '/v1/cron/jobs/none/runs'],
    ['POST', '/v1/cron/jobs/none/runs', {}],
    ['POST', '/v1/cron/jobs/none/suspend'],
    ['POST', '/v1/cron/jobs/none/resume'],
    ['GET', '/v1/cron/jobs/job/runs/none'],
    ['POST', '/v1/cron/jobs/job/runs/none/stop'],
  ];
  for (const [method, path, body] of nowhere) {
    it(`answer 404 to ${method} ${path}, and change nothing`, async () => {
      await rig.ask('POST', '/v1/cron/jobs', document('job'));
      const before = rig.stored;
      const { status, json } = await rig.ask(method, path, body);
      expect(status).to.equal(404);
      expect(Object(json['error']).message).to.include('none');
      expect(rig.stored).to.equal(before);
    });
  }

  const bad: readonly (readonly [string, object, string])[] = [
    ['an id with capitals', { id: 'Job' }, 'body.id'],
    ['no run', { run: undefined }, 'body.run'],
    ['an empty run', { run: {} }, 'body.run'],
    ['a run without a command', { run: { template: {} } }, 'body.run.template'],
    ['a name for the run', { run: { name: 'x', template: { command: 'a' } } }, 'body.run.name'],
    [
      'a run that waits',
      { run: { afterOk: ['x'], template: { command: 'a' } } },
      'body.run.afterOk',
    ],
    ['too many cpus', { run: { template: { command: 'a', cpus: -1 } } }, 'body.run.template.cpus'],
    ['an unknown field', { colour: 'red' }, 'body.colour'],
    ['labels that are no texts', { labels: { a: 1 } }, 'body.labels'],
    ['a bad expression', { schedules: [{ cron: 'often' }] }, 'body.schedules[0].cron'],
    ['a day that never comes', { schedules: [{ cron: '0 0 31 2 *' }] }, 'body.schedules[0].cron'],
    [
      'a year that has passed',
      { schedules: [{ cron: '0 0 1 1 * 2001' }] },
      'body.schedules[0].cron',
    ],
    ['no time', { schedules: [{}] }, 'body.schedules[0].cron'],
    ['two times', { schedules: [{ cron: '@daily', repeat: 'R//P1D' }] }, 'body.schedules[0].cron'],
    [
      'a bad zone',
      { schedules: [{ cron: '@daily', timezone: 'Mars' }] },
      'body.schedules[0].timezone',
    ],
    [
      'a bad policy',
      { schedules: [{ cron: '@daily', concurrencyPolicy: 'ALLOW' }] },
      'body.schedules[0].concurrencyPolicy',
    ],
    [
      'two schedules of one id',
      { schedules: [{ cron: '@daily' }, { cron: '@hourly' }] },
      'body.schedules',
    ],
    ['a reserved id', { schedules: [{ id: 'manual-1', cron: '@daily' }] }, 'body.schedules[0].id'],
    [
      'a deadline of nothing',
      { schedules: [{ cron: '@daily', startingDeadlineSeconds: 0 }] },
      'body.schedules[0].startingDeadlineSeconds',
    ],
  ];
  for (const [what, change, path] of bad) {
    it(`refuse ${what} with 422 and its path, and change nothing`, async () => {
      const before = rig.stored;
      const { status, json } = await rig.ask('POST', '/v1/cron/jobs', document('job', change));
      expect(status, JSON.stringify(json)).to.equal(422);
      const problems = Object(json['error']).problems as readonly { readonly path: string }[];
      expect(problems.map((problem) => problem.path)).to.include(path);
      expect(rig.stored).to.equal(before);
    });
  }

  it('tell one problem of a wrong id, the one that matters', async () => {
    for (const [id, problem] of [
      [undefined, 'is missing: name the job, such as report.nightly'],
      ['a'.repeat(200), 'must have at most 128 characters'],
      ['Report', 'must be segments of lower-case letters'],
      [7, 'must be segments of lower-case letters'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { json } = await rig.ask('POST', '/v1/cron/jobs', { ...document('job'), id });
      const { problems = [] } = Object(json['error']) as { readonly problems?: readonly object[] };
      expect(problems, String(id)).to.have.lengthOf(1);
      expect(JSON.stringify(problems)).to.contain(problem);
    }
  });

  it('refuse a duplicate with 409, and one whose path names another with 422', async () => {
    await rig.ask('POST', '/v1/cron/jobs', document('job'));
    const before = rig.stored;
    expect(
      (await rig.ask('POST', '/v1/cron/jobs', document('job', { suspend: true }))).status,
    ).to.equal(409);
    expect((await rig.ask('PUT', '/v1/cron/jobs/job', document('other'))).status).to.equal(422);
    const variables = { env: { 'A=B': 'x' } };
    expect((await rig.ask('POST', '/v1/cron/jobs/job/runs', variables)).status).to.equal(422);
    expect(rig.stored).to.equal(before);
  });
});
