import { expect } from 'chai';
import { ApiRig, document } from './api-rig.js';

const JOB = {
  id: 'prod.report',
  description: 'a report',
  labels: { team: 'blue' },
  run: {
    cpus: 0.1,
    mem: 64,
    disk: 0,
    cmd: 'echo $NAME',
    env: { NAME: 'x' },
    artifacts: [{ uri: 'http://host/file.tgz' }],
    placement: { constraints: [{ attribute: 'rack', operator: 'EQ', value: 'r1' }] },
    restart: { policy: 'NEVER' },
  },
};
const SCHEDULE = { id: 'default', cron: '30 2 * * *', timezone: 'Europe/Rome' };

describe("Metronome's routes", () => {
  let rig: ApiRig;

  beforeEach(async () => {
    rig = await new ApiRig().start();
  });

  afterEach(async () => {
    await rig.close();
  });

  it('keep jobs in its shapes', async () => {
    const created = await rig.ask('POST', '/v1/jobs', JOB);
    expect(created.status).to.equal(201);
    expect(created.json).to.deep.equal({
      id: 'prod.report',
      description: 'a report',
      labels: { team: 'blue' },
      dependencies: [],
      run: {
        cpus: 0.1,
        mem: 64,
        disk: 0,
        cmd: 'echo $NAME',
        env: { NAME: 'x' },
        artifacts: [
          { uri: 'http://host/file.tgz', extract: true, executable: false, cache: false },
        ],
        placement: { constraints: [{ attribute: 'rack', operator: 'EQ', value: 'r1' }] },
        restart: { policy: 'NEVER' },
        maxLaunchDelay: 3600,
      },
    });
    const { run } = rig.cron.engine.job('prod.report').spec;
    expect(run.backoffLimitPerIndex).to.equal(0);
    expect(run.template).to.deep.include({
      command: 'echo $NAME',
      memMiB: 64,
      constraints: [['rack', 'IS', 'r1']],
      uris: [{ value: 'http://host/file.tgz', extract: true, executable: false, cache: false }],
    });
    const put = await rig.ask('PUT', '/v1/jobs/prod.report', { ...JOB, description: 'other' });
    expect([put.status, put.json['description']]).to.deep.equal([200, 'other']);
    const listed = await rig.ask('GET', '/v1/jobs');
    expect(listed.json).to.have.length(1);
    const deleted = await rig.ask('DELETE', '/v1/jobs/prod.report');
    expect([deleted.status, deleted.json['id']]).to.deep.equal([200, 'prod.report']);
    expect((await rig.ask('GET', '/v1/jobs/prod.report')).status).to.equal(404);
  });

  it('keep one schedule a job', async () => {
    await rig.ask('POST', '/v1/jobs', JOB);
    const path = '/v1/jobs/prod.report/schedules';
    const created = await rig.ask('POST', path, SCHEDULE);
    expect(created.status).to.equal(201);
    expect(created.json).to.deep.include({
      ...SCHEDULE,
      startingDeadlineSeconds: 900,
      concurrencyPolicy: 'ALLOW',
      enabled: true,
    });
    expect(created.json['nextRunAt']).to.match(/^\d{4}-\d\d-\d\dT\d\d:30:00\.000\+0000$/);
    expect((await rig.ask('POST', path, { ...SCHEDULE, id: 'second' })).status).to.equal(409);
    const sent = { ...created.json, enabled: false };
    const changed = await rig.ask('PUT', `${path}/default`, sent);
    expect([changed.status, changed.json['enabled']]).to.deep.equal([200, false]);
    expect(changed.json).not.to.have.property('nextRunAt');
    expect((await rig.ask('GET', path)).json).to.have.length(1);
    expect((await rig.ask('GET', `${path}/default`)).json).to.include({ id: 'default' });
    expect((await rig.ask('DELETE', `${path}/default`)).status).to.equal(200);
    expect((await rig.ask('GET', `${path}/default`)).status).to.equal(404);
  });

  it('start, show and stop runs', async () => {
    await rig.ask('POST', '/v1/jobs', JOB);
    const path = '/v1/jobs/prod.report/runs';
    const run = await rig.ask('POST', path);
    expect(run.status).to.equal(201);
    expect(run.json).to.deep.include({
      jobId: 'prod.report',
      status: 'STARTING',
      completedAt: null,
      tasks: [],
    });
    const id = String(run.json['id']);
    expect((await rig.ask('GET', path)).json).to.have.length(1);
    expect((await rig.ask('GET', '/v1/queue')).json).to.deep.equal([
      { jobId: 'prod.report', runs: [{ runId: id }] },
    ]);
    expect((await rig.ask('GET', `${path}/${id}`)).json['id']).to.equal(id);
    expect((await rig.ask('DELETE', '/v1/jobs/prod.report')).status).to.equal(409);
    const stopped = await rig.ask('POST', `${path}/${id}/actions/stop`);
    expect([stopped.status, stopped.json['status']]).to.deep.equal([200, 'FAILED']);
    expect((await rig.ask('GET', path)).json).to.deep.equal([]);
    const embeds = 'embed=activeRuns&embed=schedules&embed=history&embed=historySummary';
    const { json } = await rig.ask('GET', `/v1/jobs/prod.report?${embeds}`);
    expect(json).to.deep.include({ activeRuns: [], schedules: [] });
    expect(json['historySummary']).to.deep.include({
      successCount: 0,
      failureCount: 1,
      lastSuccessAt: null,
    });
    const history = Object(json['history']) as {
      readonly failedFinishedRuns: readonly { readonly id: string }[];
    };
    expect(history.failedFinishedRuns.map((each) => each.id)).to.deep.equal([id]);
  });

  it('delete a job with its runs when asked', async () => {
    await rig.ask('POST', '/v1/jobs', JOB);
    await rig.ask('POST', '/v1/jobs/prod.report/runs');
    const path = '/v1/jobs/prod.report?stopCurrentJobRuns=true';
    expect((await rig.ask('DELETE', path)).status).to.equal(200);
    expect(rig.cron.runs.size).to.equal(0);
  });

  it('keep jobs with their schedules in one go, as version 0 does', async () => {
    const path = '/v0/scheduled-jobs';
    const created = await rig.ask('POST', path, { ...JOB, schedules: [SCHEDULE] });
    expect(created.status).to.equal(201);
    expect(created.json['schedules']).to.have.length(1);
    const other = { ...SCHEDULE, cron: '0 5 * * *' };
    const changed = await rig.ask('PUT', `${path}/prod.report`, { ...JOB, schedules: [other] });
    expect(changed.status).to.equal(200);
    expect(changed.json['schedules']).to.deep.include.members([]);
    expect(rig.cron.engine.job('prod.report').spec.schedules[0]?.cron).to.equal('0 5 * * *');
    expect((await rig.ask('POST', path, { ...JOB, schedules: [SCHEDULE] })).status).to.equal(409);
  });

  it('tell who they are, with and without the prefix of DC/OS', async () => {
    expect((await rig.ask('GET', '/ping')).text).to.equal('pong');
    expect((await rig.ask('GET', '/info')).json).to.have.keys('version', 'libVersion', 'config');
    expect((await rig.ask('GET', '/leader')).json['leader']).to.match(/:\d+$/);
    expect((await rig.ask('GET', '/v1/metrics')).json).to.include({ cron_jobs: 0 });
    expect((await rig.ask('GET', '/service/metronome/v1/jobs')).json).to.deep.equal([]);
    expect((await rig.ask('PATCH', '/v1/jobs', {})).status).to.equal(405);
  });

  it('show jobs that came by the other door as near as they can', async () => {
    const repeat = { schedules: [{ repeat: 'R/2030-01-01T00:00:00Z/P1D' }] };
    await rig.ask('POST', '/v1/cron/jobs', document('job', repeat));
    const { json } = await rig.ask('GET', '/v1/jobs/job?embed=schedules');
    expect(json['run']).to.deep.include({
      cmd: 'true',
      cpus: 0.1,
      mem: 32,
      restart: { policy: 'ON_FAILURE' },
    });
    expect(json['schedules']).to.deep.include.members([]);
    expect(JSON.stringify(json['schedules'])).to.include('R/2030-01-01T00:00:00Z/P1D');
  });

  const bad: readonly (readonly [string, string, string, object, number, string?])[] = [
    ['an unknown field', 'POST', '/v1/jobs', { ...JOB, colour: 1 }, 422, '/colour'],
    [
      'an unknown field of the run',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { ...JOB.run, x: 1 } },
      422,
      '/run/x',
    ],
    ['no run', 'POST', '/v1/jobs', { id: 'job' }, 422, '/run'],
    [
      'no cpus',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { mem: 64, disk: 0, cmd: 'a' } },
      422,
      '/run/cpus',
    ],
    [
      'too little memory',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { ...JOB.run, mem: 16 } },
      422,
      '/run/mem',
    ],
    [
      'no command',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { cpus: 1, mem: 32, disk: 0 } },
      422,
      '/run/cmd',
    ],
    [
      'a Docker image',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { ...JOB.run, docker: { image: 'x' } } },
      422,
      '/run/docker',
    ],
    [
      'a secret',
      'POST',
      '/v1/jobs',
      { ...JOB, run: { ...JOB.run, secrets: { a: { source: 'b' } } } },
      422,
      '/run/secrets',
    ],
    [
      'a bad pattern',
      'POST',
      '/v1/jobs',
      {
        ...JOB,
        run: {
          ...JOB.run,
          placement: { constraints: [{ attribute: 'a', operator: 'LIKE', value: '(' }] },
        },
      },
      422,
      '/run',
    ],
    [
      'dependencies',
      'POST',
      '/v1/jobs',
      { ...JOB, dependencies: [{ id: 'x' }] },
      422,
      '/dependencies',
    ],
    ['a bad id', 'POST', '/v1/jobs', { ...JOB, id: 'A/B' }, 422, '/id'],
    ['a duplicate', 'POST', '/v1/jobs', { ...JOB, id: 'there' }, 409],
    ['an unknown job', 'PUT', '/v1/jobs/none', { ...JOB, id: 'none' }, 404],
    ['another id in the path', 'PUT', '/v1/jobs/there', JOB, 422, '/id'],
    [
      'a bad expression',
      'POST',
      '/v1/jobs/there/schedules',
      { id: 'a', cron: '* *' },
      422,
      '/cron',
    ],
    [
      '31 February',
      'POST',
      '/v1/jobs/there/schedules',
      { id: 'a', cron: '0 0 31 2 *' },
      422,
      '/cron',
    ],
    [
      'a bad zone',
      'POST',
      '/v1/jobs/there/schedules',
      { ...SCHEDULE, timezone: 'X' },
      422,
      '/timezone',
    ],
    ['a schedule of an unknown job', 'POST', '/v1/jobs/none/schedules', SCHEDULE, 404],
    [
      'an unknown schedule',
      'PUT',
      '/v1/jobs/there/schedules/none',
      { ...SCHEDULE, id: 'none' },
      404,
    ],
    [
      'two schedules',
      'POST',
      '/v0/scheduled-jobs',
      { ...JOB, schedules: [SCHEDULE, { ...SCHEDULE, id: 'b' }] },
      422,
      '/schedules',
    ],
    ['a run of an unknown job', 'POST', '/v1/jobs/none/runs', {}, 404],
    ['an unknown run', 'POST', '/v1/jobs/there/runs/none/actions/stop', {}, 404],
  ];
  for (const [what, method, path, body, status, place] of bad) {
    it(`refuse ${what} with ${status}, and change nothing`, async () => {
      await rig.ask('POST', '/v1/jobs', { ...JOB, id: 'there' });
      const before = rig.stored;
      const answer = await rig.ask(method, path, body);
      expect(answer.status, answer.text).to.equal(status);
      expect(answer.json['message']).to.be.a('string');
      if (place !== undefined) {
        const details = answer.json['details'] as readonly {
          readonly path: string;
          readonly errors: readonly string[];
        }[];
        expect(details.map((detail) => detail.path)).to.include(place);
        expect(details[0]?.errors[0]).to.be.a('string');
      }
      expect(rig.stored).to.equal(before);
    });
  }

  it('refuse what is no JSON in its form', async () => {
    const { status, json } = await rig.ask('POST', '/v1/jobs', '{"id":');
    expect(status).to.equal(400);
    expect(json['message']).to.include('JSON');
  });
});
