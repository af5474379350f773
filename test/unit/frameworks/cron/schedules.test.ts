import { expect } from 'chai';
import {
  Timetables,
  dueWithin,
  preview,
  scheduleProblem,
  zoneProblem,
} from '../../../../frameworks/cron/index.js';

const NEW_YEAR = Date.parse('2030-01-01T00:00:00Z');

function next(
  schedule: { readonly cron?: string; readonly repeat?: string; readonly timezone?: string },
  from: string,
  count = 3,
): readonly string[] {
  const fromMs = Date.parse(from);
  const timetable = new Timetables().of({ timezone: 'UTC', createdMs: fromMs, ...schedule });
  return preview(timetable, fromMs, count).map((ms) =>
    new Date(ms).toISOString().replace('.000Z', 'Z'),
  );
}

describe('Cron expressions', () => {
  it('have five fields, a year if one is given, or a word', () => {
    expect(next({ cron: '30 2 * * *' }, '2030-01-01T00:00:00Z', 2)).to.deep.equal([
      '2030-01-01T02:30:00Z',
      '2030-01-02T02:30:00Z',
    ]);
    expect(next({ cron: '0 0 1 1 * 2040' }, '2030-01-01T00:00:00Z')).to.deep.equal([
      '2040-01-01T00:00:00Z',
    ]);
    expect(next({ cron: '@hourly' }, '2030-01-01T00:00:00Z', 1)).to.deep.equal([
      '2030-01-01T01:00:00Z',
    ]);
    expect(next({ cron: '@WEEKLY' }, '2030-01-01T00:00:00Z', 1)).to.deep.equal([
      '2030-01-06T00:00:00Z',
    ]);
    expect(next({ cron: '0 9 * * MON-FRI' }, '2030-01-05T00:00:00Z', 1)).to.deep.equal([
      '2030-01-07T09:00:00Z',
    ]);
    expect(next({ cron: '0 0 L * *' }, '2030-02-01T00:00:00Z', 1)).to.deep.equal([
      '2030-02-28T00:00:00Z',
    ]);
  });

  it('are strictly later than what they follow, to the millisecond', () => {
    expect(next({ cron: '* * * * *' }, '2030-01-01T00:00:00.000Z', 1)).to.deep.equal([
      '2030-01-01T00:01:00Z',
    ]);
    expect(next({ cron: '* * * * *' }, '2029-12-31T23:59:59.999Z', 1)).to.deep.equal([
      '2030-01-01T00:00:00Z',
    ]);
  });

  it('run once, when the gap is over, at a fixed time that the clock skips', () => {
    // In Rome 02:00 becomes 03:00.
    expect(
      next({ cron: '30 2 * * *', timezone: 'Europe/Rome' }, '2030-03-30T00:00:00Z'),
    ).to.deep.equal(['2030-03-30T01:30:00Z', '2030-03-31T01:00:00Z', '2030-04-01T00:30:00Z']);
    expect(
      next({ cron: '0,30 2 * * *', timezone: 'Europe/Rome' }, '2030-03-31T00:00:00Z', 2),
    ).to.deep.equal(['2030-03-31T01:00:00Z', '2030-04-01T00:00:00Z']);
  });

  it('run once, the first time, at a fixed time that the clock repeats', () => {
    // In Rome 03:00 becomes 02:00.
    expect(
      next({ cron: '30 2 * * *', timezone: 'Europe/Rome' }, '2030-10-26T12:00:00Z', 2),
    ).to.deep.equal(['2030-10-27T00:30:00Z', '2030-10-28T01:30:00Z']);
  });

  it('skip and repeat with the clock when they are intervals', () => {
    expect(
      next({ cron: '*/30 2 * * *', timezone: 'Europe/Rome' }, '2030-03-31T00:00:00Z', 2),
    ).to.deep.equal(['2030-04-01T00:00:00Z', '2030-04-01T00:30:00Z']);
    expect(
      next({ cron: '*/30 2 * * *', timezone: 'Europe/Rome' }, '2030-10-26T12:00:00Z', 4),
    ).to.deep.equal([
      '2030-10-27T00:00:00Z',
      '2030-10-27T00:30:00Z',
      '2030-10-27T01:00:00Z',
      '2030-10-27T01:30:00Z',
    ]);
  });

  const bad: readonly (readonly [string, string])[] = [
    ['', 'five fields'],
    ['* * * *', 'five fields'],
    ['0 0 0 * * 1', 'five fields'],
    ['0 0 2 * * *', 'five fields'],
    ['60 * * * *', 'minute'],
    ['* * 0 * *', 'day'],
    ['*/0 * * * *', 'step'],
    ['5/10 * * * *', 'tep'],
    ['0 22-2 * * *', 'larger'],
    ['a b c d e', 'character'],
    ['@reboot', '@yearly'],
    ['@every 5m', '@yearly'],
    ['TZ=UTC 0 0 * * *', 'five fields'],
    ['2030-01-01T00:00:00', 'five fields'],
    ['0 0 31 2 *', 'never'],
    ['0 0 30 2 *', 'never'],
    ['0 0 31 4,6,9,11 *', 'never'],
    ['0 0 1 1 * 2029', 'never'],
    [`${'0,'.repeat(300)}0 * * * *`, 'longer'],
  ];
  for (const [cron, word] of bad) {
    it(`refuse '${cron.slice(0, 30)}'`, () => {
      expect(scheduleProblem({ cron, timezone: 'UTC' }, NEW_YEAR))
        .to.be.a('string')
        .that.includes(word);
    });
  }

  it('take 29 February', () => {
    expect(scheduleProblem({ cron: '0 0 29 2 *', timezone: 'UTC' }, NEW_YEAR)).to.equal(undefined);
  });
});

describe('Repeats', () => {
  it('are a period after each other, so many times as are asked for elsewhere', () => {
    expect(next({ repeat: 'R/2030-01-01T02:00:00Z/PT6H' }, '2030-01-01T00:00:00Z')).to.deep.equal([
      '2030-01-01T02:00:00Z',
      '2030-01-01T08:00:00Z',
      '2030-01-01T14:00:00Z',
    ]);
    expect(
      next({ repeat: 'R/2020-01-01T02:00:00Z/PT6H' }, '2030-01-01T08:00:00Z', 1),
    ).to.deep.equal(['2030-01-01T14:00:00Z']);
  });

  it('begin when they are made if they have no start', () => {
    expect(next({ repeat: 'R//PT1M' }, '2030-01-01T00:00:30.700Z', 2)).to.deep.equal([
      '2030-01-01T00:01:30Z',
      '2030-01-01T00:02:30Z',
    ]);
  });

  it('do not drift at the ends of months', () => {
    expect(next({ repeat: 'R/2030-01-31T12:00:00Z/P1M' }, '2030-01-01T00:00:00Z', 5)).to.deep.equal(
      [
        '2030-01-31T12:00:00Z',
        '2030-02-28T12:00:00Z',
        '2030-03-31T12:00:00Z',
        '2030-04-30T12:00:00Z',
        '2030-05-31T12:00:00Z',
      ],
    );
    expect(next({ repeat: 'R/2028-02-29T00:00:00Z/P1Y' }, '2028-01-01T00:00:00Z', 5)).to.deep.equal(
      [
        '2028-02-29T00:00:00Z',
        '2029-02-28T00:00:00Z',
        '2030-02-28T00:00:00Z',
        '2031-02-28T00:00:00Z',
        '2032-02-29T00:00:00Z',
      ],
    );
  });

  it('count days on the calendar of the zone, hours exactly', () => {
    const timezone = 'Europe/Rome';
    expect(
      next({ repeat: 'R/2030-03-30T02:30:00/P1D', timezone }, '2030-03-29T00:00:00Z'),
    ).to.deep.equal(['2030-03-30T01:30:00Z', '2030-03-31T01:00:00Z', '2030-04-01T00:30:00Z']);
    expect(
      next({ repeat: 'R/2030-03-30T02:30:00/PT24H', timezone }, '2030-03-29T00:00:00Z'),
    ).to.deep.equal(['2030-03-30T01:30:00Z', '2030-03-31T01:30:00Z', '2030-04-01T01:30:00Z']);
    expect(
      next({ repeat: 'R/2030-10-27T02:30:00/P1D', timezone }, '2030-10-26T00:00:00Z', 2),
    ).to.deep.equal(['2030-10-27T00:30:00Z', '2030-10-28T01:30:00Z']);
  });

  it('find the next one however long ago they began', () => {
    for (const period of ['P1M', 'P1D', 'P1W', 'P1Y2M3DT4H5M6S', 'PT1S', 'P1MT1S']) {
      const timetable = new Timetables().of({
        timezone: 'America/New_York',
        createdMs: 0,
        repeat: `R/1990-01-31T02:30:00Z/${period}`,
      });
      const times = preview(timetable, NEW_YEAR, 50);
      for (const [index, ms] of times.entries()) {
        const before = times[index - 1] ?? NEW_YEAR;
        expect(ms).to.be.greaterThan(before);
        // Nothing lies between.
        expect(timetable.next(ms - 1)).to.equal(ms);
        expect(timetable.next(before)).to.equal(ms);
      }
    }
  });

  const bad: readonly (readonly [string, string])[] = [
    ['', 'no repeat'],
    ['R/P1D', 'no repeat'],
    ['R0/2030-01-01T00:00:00Z/P1D', '0 times'],
    ['R/2030-02-30T00:00:00Z/P1D', 'start'],
    ['R/yesterday/P1D', 'start'],
    ['R/2030-01-01T25:00:00Z/P1D', 'start'],
    ['R//P', 'period'],
    ['R//PT', 'period'],
    ['R//1D', 'period'],
    ['R//PT0S', 'second'],
    ['R//P0D', 'second'],
    ['R//P99999Y', 'thousand'],
    ['R-1//P1D', 'no repeat'],
  ];
  for (const [repeat, word] of bad) {
    it(`refuse '${repeat}'`, () => {
      expect(scheduleProblem({ repeat, timezone: 'UTC' }, NEW_YEAR))
        .to.be.a('string')
        .that.includes(word);
    });
  }
});

describe('Zones', () => {
  it('are those of the IANA database, by any of their names', () => {
    for (const zone of [
      'UTC',
      'Europe/Rome',
      'US/Eastern',
      'Etc/GMT+5',
      'America/Argentina/Salta',
    ]) {
      expect(zoneProblem(zone)).to.equal(undefined);
    }
    for (const zone of ['', 'Mars/Olympus', '+01:00', 'Europe/Rome ', 'local']) {
      expect(zoneProblem(zone)).to.be.a('string');
    }
  });
});

describe('What was due in a span', () => {
  const minutely = new Timetables().of({ cron: '* * * * *', timezone: 'UTC', createdMs: 0 });

  it('is nothing, one or a few that are counted', () => {
    expect(dueWithin(minutely, NEW_YEAR, NEW_YEAR + 59_999)).to.equal(undefined);
    expect(dueWithin(minutely, NEW_YEAR, NEW_YEAR + 60_000)).to.deep.equal({
      firstMs: NEW_YEAR + 60_000,
      latestMs: NEW_YEAR + 60_000,
      count: 1,
      isMore: false,
    });
    expect(dueWithin(minutely, NEW_YEAR, NEW_YEAR + 600_000)?.count).to.equal(10);
  });

  it('has a latest however many there were', () => {
    const years = 3 * 365 * 86_400_000;
    const span = dueWithin(minutely, NEW_YEAR, NEW_YEAR + years + 1);
    expect(span?.isMore).to.equal(true);
    expect(span?.latestMs).to.equal(NEW_YEAR + years);
    const january = new Timetables().of({ cron: '* * * 1 *', timezone: 'UTC', createdMs: 0 });
    const found = dueWithin(january, NEW_YEAR, Date.parse('2033-11-11T11:11:11Z'));
    expect(found?.latestMs).to.equal(Date.parse('2033-01-31T23:59:00Z'));
  });
});
