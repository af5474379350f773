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

/** When each job was claimed in the year. */
function claimsOf(zone: string): ReadonlyMap<string, readonly number[]> {
  const rig = new Rig(new Date(FROM_MS).toISOString());
  const claims = new Map<string, number[]>();
  rig.engine.listen(({ kind, job, run, state }) => {
    if (kind !== 'run' || state !== 'starting') return;
    const dueMs = rig.engine.findRun(job, run ?? '')?.dueMs ?? Number.NaN;
    const known = claims.get(job);
    if (known === undefined) claims.set(job, [dueMs]);
    else known.push(dueMs);
  });
  for (const [index, cron] of EXPRESSIONS.entries()) {
    const history = { succeeded: 1, failed: 1, passedOver: 1 };
    rig.create({ id: `job-${index}`, cron, history, schedule: { timezone: zone } });
  }
  for (;;) {
    const sleepMs = rig.engine.tick(rig.nowMs);
    for (const index of EXPRESSIONS.keys()) rig.finishAll(`job-${index}`);
    rig.nowMs += sleepMs;
    if (rig.nowMs >= TO_MS) return claims;
  }
}
