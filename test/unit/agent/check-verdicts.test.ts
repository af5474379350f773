import { expect } from 'chai';
import {
  HealthJudge,
  MAX_CHECK_TIMEOUT_MS,
  MIN_CHECK_INTERVAL_MS,
  type ProbeResult,
  checkStatusOf,
  checkTiming,
  healthTiming,
  healthTolerance,
  healthVerdict,
} from '../../../core/agent/index.js';
import type { CheckInfo, HealthCheck } from '../../../core/api/index.js';

const COMMAND: CheckInfo = { type: 'COMMAND', command: { command: { value: 'true' } } };
const HTTP: CheckInfo = { type: 'HTTP', http: { port: 80 } };
const TCP: CheckInfo = { type: 'TCP', tcp: { port: 80 } };
const TIMED_OUT: ProbeResult = { kind: 'timed-out', timeoutMs: 1000 };
const FAILED: ProbeResult = { kind: 'failed', message: 'refused' };
const UNKNOWN: ProbeResult = { kind: 'unknown', message: 'no launcher' };

describe('Settings of checks', () => {
  it('are those of Mesos where the task says nothing', () => {
    const times = { delayMs: 15_000, intervalMs: 10_000, timeoutMs: 20_000 };
    expect(healthTiming({})).to.deep.equal(times);
    expect(checkTiming({})).to.deep.equal(times);
    expect(healthTolerance({})).to.deep.equal({ gracePeriodMs: 10_000, maxFailures: 3 });
  });

  it('are what the task says', () => {
    const seconds = { delay_seconds: 0.5, interval_seconds: 2, timeout_seconds: 0.25 };
    const times = { delayMs: 500, intervalMs: 2000, timeoutMs: 250 };
    expect(healthTiming(seconds)).to.deep.equal(times);
    expect(checkTiming(seconds)).to.deep.equal(times);
    const tolerance = healthTolerance({ grace_period_seconds: 0, consecutive_failures: 7 });
    expect(tolerance).to.deep.equal({ gracePeriodMs: 0, maxFailures: 7 });
  });

  it('leave the host alive, whatever the task says', () => {
    const none = { delay_seconds: 0, interval_seconds: 0, timeout_seconds: 0 };
    const bounded = {
      delayMs: 0,
      intervalMs: MIN_CHECK_INTERVAL_MS,
      timeoutMs: MAX_CHECK_TIMEOUT_MS,
    };
    expect(healthTiming(none)).to.deep.equal(bounded);
    for (const wild of [Number.NaN, Number.NEGATIVE_INFINITY, -1]) {
      const seconds = { delay_seconds: wild, interval_seconds: wild, timeout_seconds: wild };
      expect(healthTiming(seconds), String(wild)).to.deep.equal(bounded);
    }
    const endless = healthTiming({ delay_seconds: Infinity, timeout_seconds: Infinity });
    expect(endless.delayMs).to.be.finite;
    expect(endless.timeoutMs).to.equal(MAX_CHECK_TIMEOUT_MS);
  });
});

describe('Verdicts of health checks', () => {
  const http: HealthCheck = { type: 'HTTP', http: { port: 80 } };
  const listed: HealthCheck = { type: 'HTTP', http: { port: 80, statuses: [204, 503] } };
  const command: HealthCheck = { type: 'COMMAND', command: { value: 'true' } };
  const tcp: HealthCheck = { type: 'TCP', tcp: { port: 80 } };
  const answered = (status: number): ProbeResult => ({ kind: 'answered', status });
  const cases: readonly (readonly [HealthCheck, ProbeResult, string])[] = [
    [command, { kind: 'exited', code: 0 }, 'healthy'],
    [command, { kind: 'exited', code: 1 }, 'unhealthy'],
    [command, FAILED, 'unhealthy'],
    [command, TIMED_OUT, 'unhealthy'],
    [command, UNKNOWN, 'unknown'],
    [http, answered(199), 'unhealthy'],
    [http, answered(200), 'healthy'],
    [http, answered(399), 'healthy'],
    [http, answered(400), 'unhealthy'],
    [http, FAILED, 'unhealthy'],
    [listed, answered(200), 'unhealthy'],
    [listed, answered(503), 'healthy'],
    [tcp, { kind: 'connected' }, 'healthy'],
    [tcp, FAILED, 'unhealthy'],
    [tcp, TIMED_OUT, 'unhealthy'],
  ];
  for (const [check, result, kind] of cases) {
    it(`takes ${JSON.stringify(result)} for ${kind} where ${JSON.stringify(check)}`, () => {
      expect(healthVerdict(check, result).kind).to.equal(kind);
    });
  }

  it('say why, within bounds', () => {
    const long: ProbeResult = { kind: 'failed', message: 'x'.repeat(100_000) };
    const verdict = healthVerdict(http, long);
    const text = verdict.kind === 'unhealthy' ? verdict.message : '';
    expect(text).to.match(/^HTTP health check failed: xxx/);
    expect(text.length).to.be.below(1000);
  });
});

describe('HealthJudge', () => {
  /** One letter a probe: `+` healthy, `-` not, `?` nothing known; one probe each 4 seconds. */
  function told(probes: string, judge: HealthJudge): string {
    return probes
      .split('')
      .map((letter, index) => {
        const kind = letter === '+' ? 'healthy' : letter === '-' ? 'unhealthy' : 'unknown';
        const news = judge.take({ kind, message: 'why' }, index * 4000);
        if (news === undefined) return '.';
        if (news.hasToEnd) return 'X';
        return news.healthy ? '+' : '-';
      })
      .join('');
  }
  const cases: readonly {
    readonly it: string;
    readonly probes: string;
    readonly told: string;
    readonly grace?: number;
    readonly failures?: number;
    readonly before?: boolean;
  }[] = [
    { it: 'the first success alone', probes: '++++', told: '+...' },
    { it: 'each failure, and the end after three in a row', probes: '---', told: '--X' },
    { it: 'the success after a failure', probes: '+-+-+', told: '+-+-+' },
    { it: 'no end while failures are not in a row', probes: '--+--+', told: '--+--+' },
    { it: 'nothing of failures in the grace period', probes: '----', told: '...-', grace: 10_000 },
    {
      it: 'failures at the very end of the grace period not',
      probes: '--',
      told: '..',
      grace: 4000,
    },
    { it: 'failures after the first success', probes: '+--', told: '+--', grace: 100_000 },
    { it: 'the end at the first failure', probes: '+-', told: '+X', failures: 1 },
    {
      it: 'the end at the first failure where none is allowed',
      probes: '-',
      told: 'X',
      failures: 0,
    },
    { it: 'nothing of what is not known', probes: '?+?-?-', told: '.+.-.-' },
    { it: 'nothing anew after a restart', probes: '++', told: '..', before: true },
    { it: 'a recovery after a restart', probes: '+', told: '+', before: false },
    { it: 'failures counted anew after a restart', probes: '---', told: '--X', before: false },
  ];
  for (const row of cases) {
    it(`tells ${row.it}`, () => {
      const { grace: gracePeriodMs = 0, failures: maxFailures = 3 } = row;
      const judge = new HealthJudge({ gracePeriodMs, maxFailures }, row.before);
      expect(told(row.probes, judge)).to.equal(row.told);
    });
  }
});

describe('Results of checks', () => {
  const cases: readonly (readonly [CheckInfo, ProbeResult, unknown])[] = [
    [COMMAND, { kind: 'exited', code: 7 }, { type: 'COMMAND', command: { exit_code: 7 } }],
    [COMMAND, FAILED, { type: 'COMMAND', command: {} }],
    [COMMAND, TIMED_OUT, { type: 'COMMAND', command: {} }],
    [HTTP, { kind: 'answered', status: 500 }, { type: 'HTTP', http: { status_code: 500 } }],
    [HTTP, FAILED, { type: 'HTTP', http: {} }],
    [TCP, { kind: 'connected' }, { type: 'TCP', tcp: { succeeded: true } }],
    [TCP, FAILED, { type: 'TCP', tcp: { succeeded: false } }],
    [TCP, TIMED_OUT, { type: 'TCP', tcp: {} }],
    [TCP, UNKNOWN, undefined],
  ];
  for (const [check, result, status] of cases) {
    it(`are ${JSON.stringify(status)} where ${String(check.type)} has ${result.kind}`, () => {
      expect(checkStatusOf(check, result)).to.deep.equal(status);
    });
  }
});
