import { expect } from 'chai';
import { diagnose } from '../../../../../sdk/hosting/doctor/diagnose.js';
import type { DoctorFacts, FrameworkFacts } from '../../../../../sdk/hosting/doctor/facts.js';
import { REFUSALS, type Refusal, type RefusalReason } from '../../../../../sdk/matching/index.js';
import { NOW_MS, facts, framework, master, report, role, runtime, store, why } from './facts.js';

/** `problem` or `note`, what it says, and its remedy. */
type Expected = readonly ['problem' | 'note', RegExp, RegExp];
type Case = readonly [
  title: string,
  change: Partial<DoctorFacts>,
  ...expected: readonly Expected[],
];

const NOTHING_WANTED: Expected = [
  'note',
  /wants nothing, so its roles are suppressed/,
  /@OnOffers/,
];
const WANT = { name: 'a', count: 2 };
const MINUTE_MS = 60_000;

/** The framework in another state; without what only a connected one tells. */
function away(change: Partial<FrameworkFacts>): Partial<DoctorFacts> {
  const one = framework(change);
  return {
    master: master([one]),
    choice: { kind: 'one', framework: one, namesakes: [] },
    admin: undefined,
  };
}

function wanting(change: Parameters<typeof runtime>[0] = {}): Pick<DoctorFacts, 'admin'> {
  return { admin: runtime({ wants: [WANT], ...change }) };
}

function waits(
  name: string,
  count: number,
  ...refusals: readonly Refusal[]
): {
  readonly at: number;
  readonly name: string;
  readonly count: number;
  readonly refusals: readonly Refusal[];
} {
  return { at: NOW_MS, name, count, refusals };
}

const RESOURCE: Refusal = {
  reason: 'RESOURCE',
  detail: 'cpus',
  offers: 2,
  nearest: { hostname: 'h7', wanted: 4, left: 1.5 },
};
const CONSTRAINT: Refusal = { reason: 'CONSTRAINT', detail: "rack is 'r1'", offers: 5 };
const NO_OFFERS: Refusal = { reason: 'NO_OFFERS', detail: '', offers: 0 };

const CASES: readonly Case[] = [
  ['the framework is well and wants nothing', {}, NOTHING_WANTED],
  ['it wants something and nothing refuses it', wanting()],
  [
    'no master can be reached',
    {
      master: { kind: 'silent', problem: 'No master answers: http://a: x; http://b: y.' },
      choice: { kind: 'none' },
      why: undefined,
      admin: undefined,
    },
    ['problem', /http:\/\/a: x; http:\/\/b: y/, /--master/],
  ],
  [
    'the name is not known, and one comes near',
    { choice: { kind: 'none' }, asked: { word: 'wbe', storedId: undefined }, admin: undefined },
    ['problem', /does not know a framework 'wbe'/, /^Is web meant\? Else start it/],
  ],
  [
    'the name is not known, and none comes near',
    { choice: { kind: 'none' }, asked: { word: 'kafka', storedId: undefined }, admin: undefined },
    ['problem', /'kafka'/, /^Registered there: web\. Else/],
  ],
  [
    'the name is not known, and nobody is registered',
    {
      master: master([framework({ state: 'removed' })]),
      choice: { kind: 'none' },
      asked: { word: 'kafka', storedId: undefined },
      admin: undefined,
    },
    ['problem', /'kafka'/, /^No framework is registered there/],
  ],
  [
    'the id in the store is not known',
    { choice: { kind: 'none' }, asked: { word: undefined, storedId: 'F9' }, admin: undefined },
    ['problem', /does not know the framework F9, which the store names/, /--master/],
  ],
  [
    'nobody is registered and nobody was named',
    {
      master: master([]),
      choice: { kind: 'none' },
      asked: { word: undefined, storedId: undefined },
      admin: undefined,
    },
    ['problem', /^No framework is registered/, /plateau framework run/],
  ],
  [
    'several of the name are connected',
    {
      choice: {
        kind: 'several',
        frameworks: [framework(), framework({ id: 'F2', url: undefined })],
      },
      admin: undefined,
    },
    [
      'problem',
      /2 frameworks named 'web' .*F1 at http:\/\/h:1, F2 at an address/,
      /--option name=/,
    ],
  ],
  [
    'others of the name are left over',
    {
      choice: {
        kind: 'one',
        framework: framework(),
        namesakes: [framework({ id: 'F0', state: 'disconnected' })],
      },
    },
    ['note', /1 more registered but not connected.*F0/, /\/master\/teardown/],
    NOTHING_WANTED,
  ],
  [
    'the store is that of another framework',
    { asked: { word: 'web', storedId: 'F9' }, store: store({ frameworkId: 'F9' }) },
    ['problem', /names the framework F9 \(unknown to the master\).*F1 \(connected\)/, /--store/],
    NOTHING_WANTED,
  ],
  [
    'the store is that of a framework that was removed',
    {
      asked: { word: 'web', storedId: 'F0' },
      master: master([framework(), framework({ id: 'F0', state: 'removed' })]),
    },
    ['problem', /F0 \(removed\)/, /--store/],
    ['problem', /has removed the framework F0/, /onRemoved=reregister/],
    NOTHING_WANTED,
  ],
  [
    'it is disconnected',
    {
      ...away({ state: 'disconnected' }),
      why: why({
        roles: [
          {
            ...role('web'),
            decisions: [
              { kind: 'DEACTIVATED', agoMs: 60 * MINUTE_MS },
              { kind: 'DEACTIVATED', agoMs: 600 * MINUTE_MS },
            ],
          },
        ],
      }),
    },
    [
      'problem',
      /not been connected for 1h 00m; it is removed, with its tasks, in 23h 00m\./,
      /^Start it/,
    ],
  ],
  [
    'it is disconnected, and the master does not tell for how long',
    { ...away({ state: 'disconnected' }), why: undefined },
    ['problem', /is not connected; it is removed, with its tasks, within 1d 00h/, /^Start it/],
  ],
  [
    'it has not come back to a new master',
    away({ state: 'recovered' }),
    ['problem', /has not subscribed since this master leads.*within 1d 00h/, /^Start it/],
  ],
  [
    'it was removed',
    away({ state: 'removed', removedMs: NOW_MS - 2 * MINUTE_MS }),
    ['problem', /removed the framework F1 2m 00s ago.*\(1d 00h\)/, /onRemoved=reregister/],
  ],
  [
    'master and framework do not agree whether it is connected',
    { admin: runtime({ connection: 'disconnected', wants: [WANT] }) },
    ['problem', /counts the framework as connected, and the framework is disconnected/, /log/],
  ],
  [
    'a copy stands by and none is active',
    { admin: { kind: 'standby', url: 'http://h:2' } },
    ['problem', /copy at http:\/\/h:2 stands by, and no copy is active/, /lease/],
  ],
  [
    'the lease is held by a process that is gone',
    {
      ...away({ state: 'disconnected' }),
      store: store({ holder: { info: 'pid 7', isRunning: false } }),
    },
    ['problem', /is not connected/, /^Start it/],
    ['problem', /gone without a word: pid 7/, /^Start it again/],
  ],
  [
    'the lease is held by a process that the master does not hear of',
    { ...away({ state: 'disconnected' }), store: store() },
    ['problem', /is not connected/, /^Start it/],
    ['problem', /A copy holds the state, and the master does not hear of it/, /--standby/],
  ],
  ['the lease of a connected one is held', { store: store() }, NOTHING_WANTED],
  [
    'its admin interface is not told',
    { admin: { kind: 'none' } },
    ['note', /tells no address of an admin interface/, /--no-admin/],
  ],
  [
    'its admin interface is silent',
    { admin: { kind: 'silent', url: 'http://h:1', problem: 'It does not answer' } },
    ['problem', /^It does not answer\.$/, /hangs/],
  ],
  [
    'its address is that of something else',
    { admin: { kind: 'foreign', url: 'http://h:1' } },
    ['note', /no admin interface answers/, /webuiUrl/],
  ],
  [
    'it is paused, whatever else is so',
    {
      admin: runtime({
        isPaused: true,
        wants: [WANT],
        heldOffers: 1,
        waiting: [waits('a', 1, RESOURCE)],
      }),
      why: why({
        suppressedRoles: ['web'],
        outstandingOffers: 1,
        roles: [role('web', ['GPU_AGENT', 1])],
      }),
    },
    ['problem', /is paused/, /curl -X POST http:\/\/h:1\/v1\/resume/],
  ],
  [
    'a handler fails again and again',
    wanting({ retrying: [{ handler: 'place', failures: 3, error: 'no luck' }] }),
    ['problem', /handler place has failed 3 times in a row.*no luck/, /Mend/],
  ],
  [
    'daemons fail, or do not end',
    wanting({
      daemons: [
        { name: 'well', state: 'running', failures: 0, error: undefined },
        { name: 'poll', state: 'waiting', failures: 2, error: 'no luck' },
        { name: 'once', state: 'failed', failures: 1, error: 'broken' },
        { name: 'deaf', state: 'hanging', failures: 0, error: undefined },
      ],
    }),
    ['problem', /daemon poll has failed 2 times in a row, and is started again: no luck/, /Mend/],
    ['problem', /daemon once has failed 1 time in a row, and is not started any more/, /Mend/],
    ['problem', /daemon deaf does not end/, /signal/],
  ],
  ['some events wait', wanting({ queued: 99 })],
  ['many events wait', wanting({ queued: 100 }), ['problem', /100 events wait/, /\/v1\/decisions/]],
  [
    'tasks are not reconciled a moment after it subscribed',
    {
      ...wanting({ unreconciled: 4 }),
      choice: {
        kind: 'one',
        framework: framework({ subscribedMs: NOW_MS - 1000 }),
        namesakes: [],
      },
    },
    ['note', /asked about 4 tasks/, /in a minute/],
  ],
  [
    'tasks are not reconciled for long',
    wanting({ unreconciled: 1 }),
    ['problem', /about 1 task and has not answered yet, 1h 00m after/, /\/v1\/tasks/],
  ],
  [
    'a kill is under way within its grace period',
    wanting({
      kills: [
        {
          taskId: 't',
          name: 'a',
          hostname: 'h',
          askedMs: NOW_MS - 2 * MINUTE_MS,
          graceMs: 2 * MINUTE_MS,
        },
      ],
    }),
  ],
  [
    'kills are open for long',
    wanting({
      kills: [
        { taskId: 't2', name: 'a', hostname: 'h2', askedMs: NOW_MS - 2 * MINUTE_MS, graceMs: 0 },
        { taskId: 't1', name: 'a', hostname: '', askedMs: NOW_MS - 5 * MINUTE_MS, graceMs: 0 },
      ],
    }),
    [
      'problem',
      /2 tasks should have ended and have not: 'a' \(t1\) was asked to 5m 00s ago/,
      /gone/,
    ],
  ],
  [
    'it does not say what it wants',
    { admin: runtime({ wants: undefined }) },
    ['note', /does not say what it wants/, /offers\.keep/],
  ],
  [
    'a role that is wanted is suppressed',
    {
      admin: runtime({ wants: [{ ...WANT, role: 'web' }] }),
      why: why({ suppressedRoles: ['web', 'other'] }),
    },
    ['problem', /wanted of the role web, and the master has been told/, /\/v1\/resign/],
  ],
  [
    'all its offers are held',
    { ...wanting({ heldOffers: 2 }), why: why({ outstandingOffers: 2 }) },
    ['problem', /are held \(2\)/, /\/v1\/wants/],
  ],
  [
    'some of its offers are held',
    { ...wanting({ heldOffers: 2 }), why: why({ outstandingOffers: 3 }) },
  ],
  [
    'tasks find no place: the most frequent reason first, and its remedy',
    wanting({ waiting: [waits('b', 1, CONSTRAINT), waits('a', 3, RESOURCE, CONSTRAINT)] }),
    [
      'problem',
      /3 tasks 'a' wait: a constraint does not hold \(rack is 'r1'\), on 5 offers; too little of a resource is left \(cpus\), on 2 offers, nearest h7 with 1\.5 of 4\.$/,
      /Loosen the constraint/,
    ],
    ['problem', /^1 task 'b' waits: a constraint/, /Loosen/],
  ],
  [
    'tasks wait because the framework wants it so',
    wanting({ waiting: [waits('a', 1, { reason: 'BACKOFF', detail: '', offers: 0 })] }),
    ['note', /'a' waits: it failed, and waits before the next try\.$/, /sandbox/],
  ],
  [
    'tasks of very many names wait',
    wanting({ waiting: Array.from({ length: 12 }, (_, index) => waits(`n${index}`, 1, RESOURCE)) }),
    ...Array.from({ length: 10 }, (): Expected => ['problem', /'n\d+' waits/, /Ask for less/]),
    ['note', /Tasks of 2 further names wait/, /\/v1\/wants/],
  ],
  [
    'it gets no offers: quota, and what the allocator says',
    {
      ...wanting({ waiting: [waits('a', 1, NO_OFFERS)] }),
      why: why({
        suppressedRoles: ['idle'],
        roles: [
          role('web', ['QUOTA_LIMIT', 2], ['FILTERED', 1]),
          role('idle', ['ROLE_SUPPRESSED', 3]),
        ],
      }),
    },
    ['problem', /wanted of the role idle/, /resign/],
    ['problem', /'a' waits: no offer is there/, /other findings/],
    [
      'problem',
      /Role web: 2 agents not offered, because the meaning of QUOTA_LIMIT \[QUOTA_LIMIT\]/,
      /^Change QUOTA_LIMIT\.$/,
    ],
    ['problem', /Role web: 1 agent not offered.*FILTERED/, /^Change FILTERED/],
  ],
  [
    'offers came that did not fit: what was not offered is beside the point',
    {
      ...wanting({ waiting: [waits('a', 1, RESOURCE)] }),
      why: why({
        roles: [role('web', ['RESERVED_FOR_OTHERS', 1], ['FILTERED', 2], ['NOTHING_FREE', 1])],
      }),
    },
    ['problem', /'a' waits/, /Ask for less/],
    ['note', /RESERVED_FOR_OTHERS/, /Change/],
  ],
  [
    'it wants nothing: why it is offered nothing is no matter',
    { why: why({ suppressedRoles: ['web'], roles: [role('web', ['ROLE_SUPPRESSED', 3])] }) },
    NOTHING_WANTED,
  ],
  [
    'there are no agents',
    { ...wanting(), master: master([framework()], { registered: 0, active: 0, unreachable: 2 }) },
    ['problem', /No agent is registered.*; 2 agents cannot be reached\./, /Start agents/],
  ],
  [
    'all agents are drained',
    { ...wanting(), master: master([framework()], { active: 0, deactivated: 3 }) },
    ['problem', /None of the 3 agents is active \(3 drained or deactivated\)/, /reactivate/],
  ],
  [
    'all agents are disconnected',
    { ...wanting(), master: master([framework()], { active: 0 }) },
    ['problem', /None of the 3 agents is active \(disconnected\)/, /plateau agents/],
  ],
  [
    'some agents cannot be reached',
    { ...wanting(), master: master([framework()], { unreachable: 1 }) },
    ['note', /^1 agent cannot be reached/, /plateau agents gone/],
  ],
  [
    'the store cannot be read',
    { ...wanting(), store: store({ problem: 'there is no store in ./x' }) },
    ['problem', /cannot be read: there is no store in \.\/x/, /--store/],
  ],
  [
    'nothing is stored yet',
    { ...wanting(), store: store({ frameworkId: undefined }) },
    ['note', /In lmdb:\.\/state no framework id is stored/, /not its store/],
  ],
  [
    'the state is of newer code',
    {
      ...wanting(),
      store: store({
        report: report({
          isReady: false,
          problemCount: 1,
          problems: [{ key: 'framework/state/jobs', message: 'The stored record is 3' }],
          stored: [
            {
              property: 'jobs',
              name: 'jobs',
              version: 2,
              storedVersion: 3,
              values: 5,
              migrated: 0,
              failed: 5,
            },
          ],
        }),
      }),
    },
    ['problem', /@Stored\('jobs'\) are of version 3, and this code reads up to 2/, /newer code/],
  ],
  [
    'a migration fails, others work, and a record of a task is broken',
    {
      ...wanting(),
      store: store({
        report: report({
          isReady: false,
          problemCount: 2,
          problems: [
            { key: 'tasks/1', message: "The stored record 'tasks/1' is not JSON." },
            {
              key: 'state/jobs/x',
              message: "The stored record 'state/jobs/x' cannot be migrated.",
            },
          ],
          stored: [
            {
              property: 'jobs',
              name: 'jobs',
              version: 2,
              storedVersion: 1,
              values: 5,
              migrated: 4,
              failed: 1,
            },
            {
              property: 'more',
              name: 'more',
              version: 2,
              storedVersion: 1,
              values: 1,
              migrated: 1,
              failed: 0,
            },
          ],
          unclaimed: [{ name: 'old', values: 2 }],
        }),
      }),
    },
    [
      'problem',
      /1 of 5 values of @Stored\('jobs'\) cannot be read: .*'state\/jobs\/x'/,
      /framework check/,
    ],
    ['problem', /'tasks\/1' is not JSON/, /does not start/],
    ['note', /1 value of @Stored\('more'\) will be migrated from version 1 to 2/, /copy/],
    ['note', /'old' \(2 values\) belongs to no field/, /old name/],
  ],
];

describe('The doctor of frameworks', () => {
  for (const [title, change, ...expected] of CASES) {
    it(`says what is so and what to do when ${title}`, () => {
      const findings = diagnose(facts(change));
      expect(findings.map(({ severity, what }) => `${severity}: ${what}`)).to.have.length(
        expected.length,
      );
      for (const [index, [severity, what, remedy]] of expected.entries()) {
        expect(findings[index]?.severity, findings[index]?.what).to.equal(severity);
        expect(findings[index]?.what).to.match(what);
        expect(findings[index]?.remedy).to.match(remedy);
      }
    });
  }

  for (const reason of Object.keys(REFUSALS) as RefusalReason[]) {
    it(`has a remedy for ${reason}`, () => {
      const waiting = [waits('a', 1, { reason, detail: '', offers: 1 })];
      const [finding] = diagnose(facts(wanting({ waiting })));
      expect(finding?.what).to.contain(REFUSALS[reason]);
      expect(finding?.remedy).to.match(/^[A-Z].{20,}\.$/);
    });
  }
});
