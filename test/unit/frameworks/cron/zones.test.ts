import { expect } from 'chai';
import { changesIn, minutesOf, modelDue } from './model-calendar.js';
import { Rig } from './support.js';

const ZONES = [
  'Europe/Rome',
  'America/New_York',
  // Its clock changes by half an hour.
  'Australia/Lord_Howe',
  // Theirs change at midnight.
  'America/Havana',
  'Asia/Beirut',
  'Africa/Cairo',
  // It goes back for Ramadan.
  'Africa/Casablanca',
  // By two hours.
  'Antarctica/Troll',
  'America/Santiago',
  'Pacific/Chatham',
  'Asia/Jerusalem',
  'America/St_Johns',
];

const EXPRESSIONS = [
  '30 2 * * *',
  '0 0 * * *',
  '55 23 * * *',
  '15 0-3 * * *',
  '*/30 1-2 * * *',
  '0 */8 * * *',
  '10 1 * * 0',
  '30 2 1 * 1',
];

const FROM_MS = Date.UTC(2030, 0, 1);
const TO_MS = Date.UTC(2031, 0, 1);

describe('A simulated year of cron', () => {
  for (const zone of ZONES) {
    it(`equals the independent model in ${zone}`, () => {
      const minutes = minutesOf(zone, FROM_MS - 86_400_000, TO_MS);
      expect(changesIn(minutes)).to.be.at.least(2);
      const claimed = claimsOf(zone);
      for (const [index, expression] of EXPRESSIONS.entries()) {
        const due = modelDue(expression, minutes).filter((ms) => ms > FROM_MS && ms < TO_MS);
        expect(due.length).to.be.at.least(12);
        expect(claimed.get(`job-${index}`), expression).to.deep.equal(due);
      }
    });
  }
});

/** Zones that left out a day, moved for good, or skip midnight: in UTC, with how many changes of the clock there were. */
const ODDITIES: readonly (readonly [zone: string, from: string, to: string, changes: number])[] = [
  // 30 December 2011 was left out.
  ['Pacific/Apia', '2011-12-20', '2012-01-10', 1],
  ['Pacific/Kwajalein', '1993-08-10', '1993-09-05', 1],
  // The clock goes from 23:00 to midnight, each year.
  ['America/Nuuk', '2030-03-20', '2030-11-10', 2],
  // For good, by half an hour, an hour, three hours.
  ['Asia/Pyongyang', '2018-04-25', '2018-05-15', 1],
  ['America/Caracas', '2016-04-20', '2016-05-10', 1],
  ['Asia/Almaty', '2024-02-20', '2024-03-10', 1],
  ['Pacific/Bougainville', '2014-12-20', '2015-01-10', 1],
  ['Antarctica/Casey', '2009-10-01', '2010-03-20', 2],
  // It stayed with its summer time.
  ['Europe/Istanbul', '2016-03-01', '2017-01-10', 1],
];

describe('Zones that do what few do', () => {
  for (const [zone, from, to, changes] of ODDITIES) {
    it(`have the due times of the independent model: ${zone} from ${from}`, () => {
      const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
      const minutes = minutesOf(zone, fromMs - 2 * 86_400_000, toMs);
      expect(changesIn(minutes)).to.equal(changes);
      const expressions = [...EXPRESSIONS, '30 23 * * *', '15 12 30 12 *', '*/30 23 * * *'];
      const claimed = claimsOf(zone, { expressions, fromMs, toMs });
      for (const [index, expression] of expressions.entries()) {
        const due = modelDue(expression, minutes).filter((ms) => ms > fromMs && ms < toMs);
        expect(claimed.get(`job-${index}`) ?? [], expression).to.deep.equal(due);
      }
    });
  }
});

const YEAR = { expressions: EXPRESSIONS, fromMs: FROM_MS, toMs: TO_MS };

/** When each job was claimed in a span of time. */
function claimsOf(
  zone: string,
  { expressions, fromMs, toMs }: typeof YEAR = YEAR,
): ReadonlyMap<string, readonly number[]> {
  const rig = new Rig(new Date(fromMs).toISOString());
  const claims = new Map<string, number[]>();
  rig.engine.listen(({ kind, job, run, state }) => {
    if (kind !== 'run' || state !== 'starting') return;
    const dueMs = rig.engine.findRun(job, run ?? '')?.dueMs ?? Number.NaN;
    const known = claims.get(job);
    if (known === undefined) claims.set(job, [dueMs]);
    else known.push(dueMs);
  });
  for (const [index, cron] of expressions.entries()) {
    const history = { succeeded: 1, failed: 1, passedOver: 1 };
    rig.create({ id: `job-${index}`, cron, history, schedule: { timezone: zone } });
  }
  for (;;) {
    const sleepMs = rig.engine.tick(rig.nowMs);
    for (const index of expressions.keys()) rig.finishAll(`job-${index}`);
    rig.nowMs += sleepMs;
    if (rig.nowMs >= toMs) return claims;
  }
}
