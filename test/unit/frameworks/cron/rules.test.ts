import { expect } from 'chai';
import type { CronEvent } from '../../../../frameworks/cron/index.js';
import { PlateauError } from '../../../../sdk/index.js';
import { Rig, jobSpec } from './support.js';

const START = '2030-01-01T00:00:30Z';

/** The nine rules of `docs/cron.md`, in their order, and what else holds of runs. */
describe('Rule 1: due times follow from the schedule alone', () => {
  it('keeps the cursor of what was dealt with, and no next time', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *' });
    rig.advanceTo('2030-01-01T03:10:00Z');
    expect(JSON.stringify(rig.state.jobs.values())).not.to.include('next');
    expect(rig.state.cursors.get('job/main')?.handledMs).to.equal(
      Date.parse('2030-01-01T03:00:00Z'),
    );
  });
});

describe('Rule 3: catch-up', () => {
  it('runs the latest of what was missed, and writes the others down', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '*/5 * * * *' });
    rig.jumpTo('2030-01-01T01:02:00Z');
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T01:00:00Z starting',
      '2030-01-01T00:05:00Z missed SchedulerWasAway 11',
    ]);
    expect(rig.engine.tally('job').missed).to.equal(11);
    expect(rig.engine.metrics.missed).to.equal(11);
  });

  it('runs nothing that is later than its starting deadline', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *', schedule: { startingDeadlineSeconds: 60 } });
    rig.jumpTo('2030-01-01T03:01:01Z');
    expect(rig.history('job')).to.deep.equal(['2030-01-01T01:00:00Z missed NotOnTime 3']);
    expect(rig.port.runs.size).to.equal(0);
    rig.jumpTo('2030-01-01T04:01:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T04:00:00Z starting');
  });

  it('runs nothing that was missed with catchUp none', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *', schedule: { catchUp: 'none' } });
    rig.jumpTo('2030-01-01T01:00:06Z');
    expect(rig.history('job')).to.deep.equal(['2030-01-01T01:00:00Z missed NotOnTime']);
    rig.jumpTo('2030-01-01T02:00:04Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T02:00:00Z starting');
  });

  it('has no cliff: after years away the latest runs', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.jumpTo('2033-05-05T05:05:30Z');
    const [latest, missed] = rig.engine.runs('job');
    expect(latest?.state).to.equal('starting');
    expect(latest?.dueMs).to.equal(Date.parse('2033-05-05T05:05:00Z'));
    expect(missed).to.include({ state: 'missed', count: 100, isMore: true });
  });
});

describe('Rule 4: a claim before each launch', () => {
  it('submits the batch job of a due time once, whoever comes to it again', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *', schedule: { concurrencyPolicy: 'Allow' } });
    rig.advanceTo('2030-01-01T00:01:00Z');
    const [run] = rig.engine.runs('job');
    expect(run?.id).to.equal('20300101T000100Z-main');
    expect([...rig.port.runs.keys()]).to.deep.equal(['job-20300101T000100Z-main']);
    rig.restart();
    rig.engine.tick(rig.nowMs);
    expect(rig.engine.runs('job')).to.have.length(1);
    expect(rig.port.repeated).to.equal(0);
  });

  it('does not run what a row is there for, even if the cursor were lost', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    rig.finishAll('job');
    const cursor = rig.state.cursors.get('job/main');
    if (cursor === undefined) throw new Error('no cursor');
    rig.state.cursors.set('job/main', { ...cursor, handledMs: Date.parse(START) });
    rig.restart();
    rig.engine.tick(rig.nowMs);
    expect(rig.engine.runs('job')).to.have.length(1);
    expect(rig.port.repeated).to.equal(0);
  });

  it('gives runs of long ids batch names that are valid and differ', () => {
    const rig = new Rig(START);
    const names = new Set<string>();
    for (const end of ['a', 'b', 'c']) {
      const id = `${'long-segment.'.repeat(9)}${end}`;
      rig.create({ id, cron: '* * * * *' });
      rig.advanceTo(rig.nowMs + 60_000);
    }
    for (const name of rig.port.runs.keys()) {
      expect(name).to.match(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/);
      names.add(name);
    }
    expect(names.size).to.equal(rig.port.runs.size);
  });
});

describe('Rule 6: overlap', () => {
  it('skips a due time while a run is not over with Forbid', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:03:30Z');
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T00:03:00Z skipped StillRunning',
      '2030-01-01T00:02:00Z skipped StillRunning',
      '2030-01-01T00:01:00Z starting',
    ]);
    rig.finishAll('job');
    rig.advanceTo('2030-01-01T00:04:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:04:00Z starting');
    expect(rig.engine.tally('job').skipped).to.equal(2);
  });

  it('counts a run as not over after a restart', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:30Z');
    rig.restart();
    rig.advanceTo('2030-01-01T00:02:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:02:00Z skipped StillRunning');
  });

  it('runs beside others with Allow, up to the bound', () => {
    const rig = new Rig(START);
    rig.create({
      id: 'job',
      cron: '* * * * *',
      schedule: { concurrencyPolicy: 'Allow', startingDeadlineSeconds: 86_400 },
    });
    rig.advanceTo('2030-01-01T01:41:00Z');
    expect(rig.engine.activeRuns('job')).to.have.length(100);
    expect(rig.history('job')[0]).to.equal('2030-01-01T01:41:00Z skipped TooManyRuns');
  });

  it('ends the run before with Replace, and starts when it has ended', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *', schedule: { concurrencyPolicy: 'Replace' } });
    rig.advanceTo('2030-01-01T00:01:00Z');
    const [first] = rig.engine.activeRuns('job');
    if (first === undefined) throw new Error('no run');
    rig.follow(first, { state: 'running', startedMs: rig.nowMs });
    rig.advanceTo('2030-01-01T00:02:00Z');
    expect(rig.port.cancelled).to.deep.equal([first.batchJob]);
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:02:00Z claimed');
    expect(rig.port.runs.size).to.equal(1);
    rig.follow(first, { state: 'cancelled' });
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T00:02:00Z starting',
      '2030-01-01T00:01:00Z failed Replaced',
    ]);
  });

  it('replaces a run that still waits for the one before it', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *', schedule: { concurrencyPolicy: 'Replace' } });
    rig.advanceTo('2030-01-01T00:03:00Z');
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T00:03:00Z claimed',
      '2030-01-01T00:02:00Z failed Replaced',
      '2030-01-01T00:01:00Z starting',
    ]);
    rig.restart();
    const [first] = rig.engine.activeRuns('job');
    if (first !== undefined) rig.follow(first, { state: 'cancelled' });
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:03:00Z starting');
  });
});

describe('Rule 7: the wall clock jumps', () => {
  it('does not repeat what was dealt with when the clock goes back', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *' });
    rig.advanceTo('2030-01-01T03:00:00Z');
    rig.finishAll('job');
    const before = rig.history('job');
    rig.jumpTo('2030-01-01T01:30:00Z');
    rig.advanceTo('2030-01-01T03:59:00Z');
    expect(rig.history('job')).to.deep.equal(before);
    rig.advanceTo('2030-01-01T04:00:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T04:00:00Z starting');
  });

  it('nor when the job is edited or suspended meanwhile', () => {
    const rig = new Rig(START);
    const { spec } = rig.create({ id: 'job', cron: '0 * * * *' });
    rig.advanceTo('2030-01-01T03:00:00Z');
    rig.finishAll('job');
    rig.jumpTo('2030-01-01T01:30:00Z');
    rig.engine.update({ ...spec, description: 'other' }, {}, rig.nowMs);
    rig.engine.suspend('job', true, rig.nowMs);
    rig.engine.suspend('job', false, rig.nowMs);
    rig.advanceTo('2030-01-01T03:59:00Z');
    expect(rig.history('job')).to.have.length(3);
  });

  it('deals with a jump ahead as with a time away', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *' });
    rig.jumpTo('2030-01-01T05:00:01Z');
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T05:00:00Z starting',
      '2030-01-01T01:00:00Z missed SchedulerWasAway 4',
    ]);
  });
});

describe('Rule 8: suspension and edits', () => {
  it('runs nothing of 200 due times of a suspension', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.engine.suspend('job', true, rig.nowMs);
    rig.advanceTo('2030-01-01T03:20:30Z');
    rig.engine.suspend('job', false, rig.nowMs);
    rig.engine.tick(rig.nowMs);
    expect(rig.history('job')).to.deep.equal([]);
    rig.advanceTo('2030-01-01T03:21:00Z');
    expect(rig.history('job')).to.deep.equal(['2030-01-01T03:21:00Z starting']);
  });

  it('deals with what is due before it changes a job', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.nowMs = Date.parse('2030-01-01T00:01:00Z');
    rig.engine.suspend('job', true, rig.nowMs);
    expect(rig.history('job')).to.deep.equal(['2030-01-01T00:01:00Z starting']);
  });

  it('makes up for nothing when the schedule is another one, and keeps its runs', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *' });
    rig.advanceTo('2030-01-01T01:30:00Z');
    rig.engine.update(jobSpec({ id: 'job', cron: '15 * * * *' }), {}, rig.nowMs);
    rig.engine.tick(rig.nowMs);
    expect(rig.history('job')).to.deep.equal(['2030-01-01T01:00:00Z starting']);
    rig.finishAll('job');
    rig.advanceTo('2030-01-01T02:15:00Z');
    expect(rig.history('job')).to.deep.equal([
      '2030-01-01T02:15:00Z starting',
      '2030-01-01T01:00:00Z succeeded',
    ]);
  });

  it('does not begin a schedule anew whose job is edited otherwise', () => {
    const rig = new Rig(START);
    const { spec } = rig.create({ id: 'job', repeat: 'R//PT10M' });
    rig.advanceTo('2030-01-01T00:15:00Z');
    rig.finishAll('job');
    rig.engine.update({ ...spec, labels: { team: 'blue' } }, {}, rig.nowMs);
    rig.advanceTo('2030-01-01T00:21:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:20:30Z starting');
  });

  it('forgets the schedules that an edit removes', () => {
    const rig = new Rig(START);
    const { spec } = rig.create({ id: 'job', cron: '* * * * *' });
    rig.engine.update({ ...spec, schedules: [] }, {}, rig.nowMs);
    expect(rig.state.cursors.size).to.equal(0);
    rig.advanceTo('2030-01-01T01:00:00Z');
    expect(rig.history('job')).to.deep.equal([]);
  });
});

describe('Rule 9: repeats with a count', () => {
  it('count runs that were claimed, not due times that were missed or skipped', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', repeat: 'R3/2030-01-01T01:00:00Z/PT1H' });
    rig.jumpTo('2030-01-01T04:00:01Z');
    rig.advanceTo('2030-01-01T05:30:00Z');
    rig.finishAll('job');
    rig.advanceTo('2030-01-01T12:00:00Z');
    rig.finishAll('job');
    rig.advanceTo('2030-01-01T20:00:00Z');
    expect(
      rig.engine.runs('job').filter(({ state }) => state === 'succeeded' || state === 'starting'),
    ).to.have.length(3);
    const job = rig.engine.job('job');
    expect(rig.engine.upcoming(job, rig.nowMs, 10)).to.deep.equal([]);
  });

  it('begin at once without a start', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', repeat: 'R2//PT1H' });
    rig.engine.tick(rig.nowMs);
    expect(rig.history('job')).to.deep.equal(['2030-01-01T00:00:30Z starting']);
  });
});

describe('A run', () => {
  it('waits until a task runs, runs, and ends as its batch job', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    const [run] = rig.engine.activeRuns('job');
    if (run === undefined) throw new Error('no run');
    const tasks = [{ id: 't1', state: 'RUNNING', startedMs: rig.nowMs }];
    rig.follow(run, { state: 'running', startedMs: rig.nowMs + 500, tasks });
    expect(rig.engine.run('job', run.id)).to.include({
      state: 'active',
      startedMs: rig.nowMs + 500,
    });
    rig.follow(run, { state: 'failed', message: 'exit 1' });
    expect(rig.engine.run('job', run.id)).to.include({
      state: 'failed',
      reason: 'JobFailed',
      message: 'exit 1',
    });
    expect(rig.engine.tally('job')).to.include({ failed: 1, succeeded: 0 });
    expect(rig.engine.metrics.startLag.max).to.equal(500);
  });

  it('is told what it runs for', () => {
    const rig = new Rig(START);
    rig.create({ id: 'a.b', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    const document = rig.port.documents.get('a_b-20300101T000100Z-main');
    expect(document?.template?.env).to.deep.equal({
      CRON_JOB: 'a.b',
      CRON_RUN: '20300101T000100Z-main',
      CRON_SCHEDULED_TIME: '2030-01-01T00:01:00.000Z',
      CRON_SCHEDULE: 'main',
    });
  });

  it('ends when no task of it runs by its starting deadline', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '0 * * * *', schedule: { startingDeadlineSeconds: 60 } });
    rig.advanceTo('2030-01-01T01:00:00Z');
    const [run] = rig.engine.activeRuns('job');
    if (run === undefined) throw new Error('no run');
    rig.restart();
    rig.advanceTo('2030-01-01T01:00:59Z');
    expect(rig.port.cancelled).to.deep.equal([]);
    rig.advanceTo('2030-01-01T01:01:00Z');
    expect(rig.port.cancelled).to.deep.equal([run.batchJob]);
    rig.follow(run, { state: 'cancelled' });
    expect(rig.engine.run('job', run.id).reason).to.equal('StartingDeadlineExceeded');
  });

  it('fails with the reason when its batch job is refused, and the scheduler goes on', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.port.refusal = new PlateauError('INVALID_REQUEST', 'there are too many jobs');
    rig.advanceTo('2030-01-01T00:01:00Z');
    expect(rig.engine.runs('job')[0]).to.include({
      state: 'failed',
      reason: 'SubmissionRefused',
      message: 'there are too many jobs',
    });
    rig.advanceTo('2030-01-01T00:02:00Z');
    expect(rig.history('job')[0]).to.equal('2030-01-01T00:02:00Z starting');
  });

  it('fails when its batch job is gone', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    rig.port.runs.clear();
    rig.restart();
    expect(rig.history('job')).to.deep.equal(['2030-01-01T00:01:00Z failed JobFailed']);
  });

  it('can be stopped once', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    const [run] = rig.engine.activeRuns('job');
    if (run === undefined) throw new Error('no run');
    rig.engine.stop('job', run.id, rig.nowMs);
    rig.follow(run, { state: 'cancelled' });
    expect(rig.engine.run('job', run.id)).to.include({ state: 'failed', reason: 'Stopped' });
    expect(() => rig.engine.stop('job', run.id, rig.nowMs)).to.throw(/is over/);
  });

  it('is kept as long as the job says, newest first, and its batch job with it', () => {
    const rig = new Rig(START);
    const history = { succeeded: 2, failed: 0, passedOver: 1 };
    rig.create({ id: 'job', cron: '* * * * *', history });
    for (let minute = 0; minute < 10; minute++) {
      rig.advanceTo(rig.nowMs + 60_000);
      rig.finishAll('job');
    }
    expect(rig.engine.runs('job')).to.have.length(2);
    expect(rig.port.runs.size).to.equal(2);
    expect(rig.state.runs.size).to.equal(2);
    expect(rig.engine.tally('job').succeeded).to.equal(10);
  });
});

describe('A run on demand', () => {
  it('starts whatever is suspended or runs, with what the request changes', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *', command: 'echo' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    rig.engine.suspend('job', true, rig.nowMs);
    const overrides = { env: { LEVEL: '2' }, args: ["it's", 'two words'] };
    const run = rig.engine.runNow('job', overrides, { nowMs: rig.nowMs, token: 'abc' });
    expect(run.id).to.equal('20300101T000100Z-manual-abc');
    const document = rig.port.documents.get(run.batchJob);
    expect(document?.template?.command).to.equal(String.raw`echo 'it'\''s' 'two words'`);
    expect(document?.template?.env)
      .to.include({ LEVEL: '2' })
      .and.not.to.have.property('CRON_SCHEDULE');
    expect(rig.engine.activeRuns('job')).to.have.length(2);
  });

  it('is the same run with the same key', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '@daily' });
    const one = rig.engine.runNow('job', { key: 'k' }, { nowMs: rig.nowMs, token: 'a' });
    const two = rig.engine.runNow('job', { key: 'k' }, { nowMs: rig.nowMs + 5000, token: 'b' });
    expect(two.id).to.equal(one.id);
    expect(rig.port.runs.size).to.equal(1);
  });

  it('is refused with the same key when it is to be another run', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '@daily' });
    const at = { nowMs: rig.nowMs, token: 'a' };
    const one = rig.engine.runNow('job', { key: 'k', env: { A: '1', B: '2' } }, at);
    for (const other of [{ env: { A: '2', B: '2' } }, { env: {} }, { args: ['x'] }]) {
      const again = (): unknown => rig.engine.runNow('job', { key: 'k', ...other }, at);
      expect(again).to.throw("with the key 'k' and other").that.includes({ status: 409 });
    }
    expect(rig.engine.runNow('job', { key: 'k', env: { B: '2', A: '1' } }, at).id).to.equal(one.id);
    expect(rig.port.runs.size).to.equal(1);
  });

  it('is refused with what no task can have, and nothing is changed', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '@daily' });
    const request = (): unknown =>
      rig.engine.runNow('job', { env: { 'A=B': 'x' } }, { nowMs: rig.nowMs, token: 'a' });
    expect(request).to.throw(/A=B/);
    expect(rig.state.runs.size).to.equal(0);
  });
});

describe('The jobs of the cron scheduler', () => {
  it('cannot be created twice, nor edited past each other', () => {
    const rig = new Rig(START);
    const { spec, revision } = rig.create({ id: 'job', cron: '@daily' });
    expect(() => rig.create({ id: 'job', cron: '@hourly' })).to.throw(/already/);
    const changed = rig.engine.update({ ...spec, description: 'one' }, { revision }, rig.nowMs);
    expect(changed.revision).to.equal(2);
    expect(() =>
      rig.engine.update({ ...spec, description: 'two' }, { revision }, rig.nowMs),
    ).to.throw(/revision 2, not 1/);
    expect(rig.engine.job('job').spec.description).to.equal('one');
  });

  it('are not changed by an edit that says the same', () => {
    const rig = new Rig(START);
    const { spec } = rig.create({ id: 'job', cron: '@daily' });
    expect(rig.engine.update(JSON.parse(JSON.stringify(spec)), {}, rig.nowMs).revision).to.equal(1);
  });

  it('are deleted with their history, and with their runs when asked', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    expect(() => rig.engine.delete('job', { stopRuns: false })).to.throw(/not over/);
    expect(rig.engine.jobCount).to.equal(1);
    rig.engine.delete('job', { stopRuns: true });
    expect(rig.port.cancelled).to.have.length(1);
    for (const repository of Object.values(rig.state)) expect(repository.size).to.equal(0);
    rig.advanceTo('2030-01-01T00:10:00Z');
    expect(rig.state.runs.size).to.equal(0);
  });

  it('tell listeners what happens to them', () => {
    const rig = new Rig(START);
    const events: CronEvent[] = [];
    const stop = rig.engine.listen((event) => events.push(event));
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.advanceTo('2030-01-01T00:01:00Z');
    stop();
    rig.finishAll('job');
    expect(events.map(({ kind, state }) => `${kind} ${state}`)).to.deep.equal([
      'job created',
      'run claimed',
      'run starting',
    ]);
  });

  it('are right again after a change that was undone', () => {
    const rig = new Rig(START);
    rig.create({ id: 'job', cron: '* * * * *' });
    rig.port.refusal = new TypeError('a defect');
    rig.nowMs = Date.parse('2030-01-01T00:01:00Z');
    const before = rig.state.cursors.get('job/main');
    expect(() => rig.engine.tick(rig.nowMs)).to.throw('a defect');
    // The runtime undoes what the turn has changed.
    rig.state.runs.delete('job/20300101T000100Z-main');
    if (before !== undefined) rig.state.cursors.set('job/main', before);
    rig.engine.tick(rig.nowMs);
    expect(rig.history('job')).to.deep.equal(['2030-01-01T00:01:00Z starting']);
  });
});

describe('5,000 jobs at midnight', () => {
  it('are claimed in a few turns, the longest overdue first', () => {
    const rig = new Rig('2030-01-01T23:59:00Z');
    for (let index = 0; index < 5_000; index++) {
      rig.create({ id: `job-${index}`, cron: '0 0 * * *' });
    }
    rig.nowMs = Date.parse('2030-01-02T00:00:00Z');
    let turns = 0;
    while (rig.engine.tick(rig.nowMs) === 0) turns++;
    expect(turns).to.be.within(4, 6);
    expect(rig.engine.metrics.claimed).to.equal(5_000);
    expect(rig.port.runs.size).to.equal(5_000);
  });
});
