import { expect } from 'chai';
import {
  HELD_UP_AGENT_MS,
  MAX_COMMAND_PROBES,
  MAX_NETWORK_PROBES,
  MAX_WAITING_CHECK_UPDATES,
  type ProbeOutcome,
} from '../../../core/agent/index.js';
import type { CheckInfo, ExecutorInfo, HealthCheck, TaskStatus } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { FRAMEWORK, Host, frameworkInfo, taskInfo } from './host.js';

const HEALTH: HealthCheck = {
  type: 'HTTP',
  http: { port: 8080, path: '/health' },
  delay_seconds: 0,
  interval_seconds: 1,
  grace_period_seconds: 0,
};
const CHECK: CheckInfo = {
  type: 'COMMAND',
  command: { command: { value: 'look' } },
  delay_seconds: 0,
  interval_seconds: 1,
  timeout_seconds: 5,
};
const OK: ProbeOutcome = { kind: 'answered', status: 200 };
const BAD: ProbeOutcome = { kind: 'answered', status: 500 };
const exited = (code: number): ProbeOutcome => ({ kind: 'exited', code });
const DEFAULT_EXECUTOR: ExecutorInfo = {
  type: 'DEFAULT',
  executor_id: { value: 'pod' },
  framework_id: { value: FRAMEWORK },
};

/** Statuses without what was sent again. */
function told(host: Host, taskId: string): readonly TaskStatus[] {
  const seen = new Set<string>();
  return host.statuses(taskId).filter(({ uuid = '' }) => {
    const isNew = !seen.has(uuid);
    seen.add(uuid);
    return isNew;
  });
}

/** What was told of the health of a task, as letters. */
function health(host: Host, taskId = 'a'): string {
  return told(host, taskId)
    .filter(({ reason }) => reason === 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED')
    .map(({ healthy }) => (healthy === true ? '+' : '-'))
    .join('');
}

async function started(
  checks: { readonly health_check?: HealthCheck; readonly check?: CheckInfo },
  answer: Host['answer'] = () => OK,
): Promise<Host> {
  const host = new Host();
  host.answer = answer;
  await host.start();
  await host.run([taskInfo('a', checks)]);
  return host;
}

describe('Checks of tasks', () => {
  it('begin after their delay and go on an interval after each result', async () => {
    const health_check: HealthCheck = { type: 'TCP', tcp: { port: 80 } };
    const host = await started({ health_check }, () => ({
      afterMs: 3000,
      outcome: { kind: 'connected' },
    }));
    const startMs = host.world.clock.elapsed();
    await host.advance(60_000);
    const times = host.probes.map(({ atMs }) => atMs - startMs);
    expect(times).to.deep.equal([15_000, 28_000, 41_000, 54_000]);
    expect(health(host)).to.equal('+');
  });

  it('never overlap, and give up what takes too long', async () => {
    const host = await started(
      { health_check: { ...HEALTH, timeout_seconds: 4 } },
      () => undefined,
    );
    await host.advance(3999);
    expect(host.probes).to.have.length(1);
    expect(at(host.probes, 0).isOpen).to.equal(true);
    await host.advance(1);
    expect(at(host.probes, 0).isOpen).to.equal(false);
    expect(health(host)).to.equal('-');
    expect(host.last('a').message).to.equal('HTTP health check failed: no result within 4000 ms');
    await host.advance(1000);
    expect(host.probes).to.have.length(2);
    expect(host.probes.filter(({ isOpen }) => isOpen)).to.have.length(1);
  });

  it('do not blame the task for what the agent was late to notice', async () => {
    const host = await started(
      { health_check: { ...HEALTH, timeout_seconds: 4 } },
      () => undefined,
    );
    const { clock } = host.world;
    const elapsed = clock.elapsed.bind(clock);
    clock.elapsed = () => elapsed() + 2 * HELD_UP_AGENT_MS;
    await host.advance(4000);
    clock.elapsed = elapsed;
    expect(health(host)).to.equal('');
    await host.advance(4500);
    expect(health(host)).to.equal('-');
  });

  it('probe what the task names', async () => {
    const both = await started({
      health_check: { ...HEALTH, http: { scheme: 'https', port: 443, protocol: 'IPv6' } },
      check: { type: 'HTTP', http: { port: 81, path: '/x' }, delay_seconds: 0 },
    });
    await both.settle();
    expect(both.probes.map(({ spec }) => spec)).to.have.deep.members([
      { type: 'HTTP', scheme: 'https', address: '::1', port: 443, path: '/' },
      { type: 'HTTP', scheme: 'http', address: '127.0.0.1', port: 81, path: '/x' },
    ]);
  });

  it('run commands in the sandbox, as the user, in the environment of the task', async () => {
    const own = { name: 'OWN', value: 'check' };
    const command = { value: 'look', environment: { variables: [own] } };
    const host = new Host();
    host.answer = () => exited(0);
    await host.start();
    const task = taskInfo('a', {
      check: { ...CHECK, command: { command } },
      command: {
        value: 'run',
        user: 'web',
        environment: { variables: [{ name: 'T', value: 't' }] },
      },
    });
    await host.run([task]);
    const inspect = (number: number): void => {
      const { spec } = at(host.probes, number);
      const container = at(host.containersOf('a'), 0).spec;
      if (spec.type !== 'COMMAND') throw new Error('no command');
      expect(spec.sandbox).to.equal(container.sandbox);
      expect(spec.user).to.equal('web');
      expect(spec.command.value).to.equal('look');
      const variables = (spec.command.environment?.variables ?? []).map(
        ({ name, value }) => [name, value] as const,
      );
      expect(Object.fromEntries(variables)).to.deep.equal({
        ...container.environment,
        T: 't',
        OWN: 'check',
      });
    };
    await host.settle();
    inspect(0);
    await host.restart();
    await host.advance(2000);
    inspect(host.probes.length - 1);
  });

  it('tell changes of health once each, with their reason', async () => {
    const answers = [OK, OK, BAD, OK, OK, BAD];
    const host = await started({ health_check: HEALTH }, (_spec, number) => answers[number - 1]);
    await host.advance(5500);
    expect(health(host)).to.equal('+-+-');
    expect(host.last('a')).to.include({
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      healthy: false,
      message: 'HTTP health check failed: the answer has status 500',
    });
    expect(at(told(host, 'a'), 1)).to.not.have.property('healthy');
  });

  it('end a task after failures in a row, with healthy false', async () => {
    const host = await started({ health_check: HEALTH }, (_spec, number) =>
      number === 1 ? OK : BAD,
    );
    await host.advance(10_000);
    expect(health(host)).to.equal('+---');
    const end = host.last('a');
    expect(end).to.include({ state: 'TASK_KILLED', source: 'SOURCE_EXECUTOR', healthy: false });
    expect(end).to.not.have.property('reason');
    expect(end.message).to.contain('health check failed 3 times in a row');
    expect(host.signals.map(({ signal }) => signal)).to.deep.equal(['SIGTERM']);
    expect(host.probes).to.have.length(4);
  });

  it('say TASK_KILLING to frameworks that know it', async () => {
    const host = new Host();
    host.answer = () => BAD;
    await host.start();
    const tasks = [taskInfo('a', { health_check: { ...HEALTH, consecutive_failures: 1 } })];
    await host.run(tasks, frameworkInfo(['TASK_KILLING_STATE']));
    await host.advance(10);
    const states = told(host, 'a').map(({ state, healthy }) => [state, healthy]);
    expect(states.slice(-3)).to.deep.equal([
      ['TASK_RUNNING', false],
      ['TASK_KILLING', undefined],
      ['TASK_KILLED', false],
    ]);
  });

  it('pass over failures in the grace period, until the first success', async () => {
    const graceful = { ...HEALTH, grace_period_seconds: 10 };
    const failing = await started({ health_check: graceful }, () => BAD);
    await failing.advance(10_500);
    expect(health(failing)).to.equal('');
    await failing.advance(3000);
    expect(health(failing)).to.equal('---');
    expect(failing.hasEnded('a')).to.equal(true);
    const proven = await started({ health_check: graceful }, (_spec, number) =>
      number === 2 ? OK : BAD,
    );
    await proven.advance(3500);
    expect(health(proven)).to.equal('+--');
  });

  it('tell results of a check when they change, and never end the task', async () => {
    const codes = [7, 7, 0, 0, 7];
    const host = await started({ check: CHECK }, (_spec, number) => exited(codes[number - 1] ?? 7));
    await host.advance(60_000);
    const statuses = told(host, 'a');
    const empty = { type: 'COMMAND', command: {} };
    const found = statuses.map(({ check_status }) => check_status);
    const result = (exit_code: number) => ({ type: 'COMMAND', command: { exit_code } });
    expect(found).to.deep.equal([empty, empty, result(7), result(0), result(7)]);
    expect(host.last('a').reason).to.equal('REASON_TASK_CHECK_STATUS_UPDATED');
    expect(host.hasEnded('a')).to.equal(false);
    await host.end('a');
    expect(host.last('a')).to.deep.include({ state: 'TASK_FINISHED', check_status: empty });
  });

  it('tell that a check came to nothing any more', async () => {
    const host = await started({ check: CHECK }, (_spec, number) =>
      number === 1 ? exited(0) : undefined,
    );
    await host.advance(7000);
    expect(host.last('a').check_status).to.deep.equal({ type: 'COMMAND', command: {} });
    expect(told(host, 'a')).to.have.length(4);
  });

  it('carry both results in each update', async () => {
    const host = await started({ health_check: HEALTH, check: CHECK }, (spec) =>
      spec.type === 'HTTP' ? OK : exited(3),
    );
    await host.advance(10);
    expect(host.last('a')).to.deep.include({
      healthy: true,
      check_status: { type: 'COMMAND', command: { exit_code: 3 } },
    });
  });

  it('take no result for one that could not be had', async () => {
    const host = await started({ health_check: HEALTH, check: CHECK }, () => ({
      kind: 'unknown',
      message: 'the launcher is away',
    }));
    await host.advance(30_000);
    expect(told(host, 'a')).to.have.length(2);
    expect(host.probes.length).to.be.above(40);
  });

  it('end with the task, and when it is to end', async () => {
    const host = new Host();
    host.stubborn.add('a');
    await host.start();
    await host.run([taskInfo('a', { health_check: { ...HEALTH, timeout_seconds: 60 } })]);
    await host.settle();
    expect(host.probes.map(({ isOpen }) => isOpen)).to.deep.equal([true]);
    await host.kill('a', 30_000);
    expect(host.probes.map(({ isOpen }) => isOpen)).to.deep.equal([false]);
    await host.advance(20_000);
    expect(host.probes).to.have.length(1);
    const ended = await started({ health_check: HEALTH });
    await ended.end('a');
    await ended.advance(10_000);
    expect(ended.probes).to.have.length(1);
    expect(ended.world.clock.pendingTimers).to.equal(host.world.clock.pendingTimers - 1);
  });

  it('follow each task of a group, and end the group with it', async () => {
    const host = new Host();
    host.answer = (spec) => (spec.type === 'HTTP' && spec.port === 1 ? BAD : OK);
    await host.start();
    const check = (port: number): HealthCheck => ({ ...HEALTH, http: { port } });
    await host.tell({
      type: 'RUN_TASKS',
      run_tasks: {
        framework_info: frameworkInfo(),
        executor_info: DEFAULT_EXECUTOR,
        tasks: [
          taskInfo('a', { health_check: check(1) }),
          taskInfo('b', { health_check: check(2) }),
        ],
        group: true,
      },
    });
    await host.advance(10_000);
    expect(health(host, 'a')).to.equal('---');
    expect(health(host, 'b')).to.equal('+');
    expect(host.last('a')).to.include({ state: 'TASK_KILLED', healthy: false });
    expect(host.last('b')).to.include({ state: 'TASK_KILLED' });
    expect(host.last('b')).to.not.have.property('healthy');
  });

  it('leave tasks of custom executors alone', async () => {
    const host = new Host();
    await host.start();
    const executor: ExecutorInfo = {
      executor_id: { value: 'e' },
      framework_id: { value: FRAMEWORK },
      command: { value: 'executor' },
    };
    await host.run([taskInfo('a', { executor, command: undefined, health_check: HEALTH })]);
    await host.advance(10_000);
    expect(host.probes).to.deep.equal([]);
  });
});

describe('Checks after a restart of the agent', () => {
  it('go on where they were, and tell nothing twice', async () => {
    const host = await started({ health_check: HEALTH, check: CHECK }, (spec) =>
      spec.type === 'HTTP' ? OK : exited(0),
    );
    await host.advance(2000);
    const before = told(host, 'a').length;
    await host.restart();
    const probesBefore = host.probes.length;
    await host.advance(5000);
    expect(told(host, 'a')).to.have.length(before);
    expect(host.probes.length).to.be.above(probesBefore + 6);
    host.answer = (spec) => (spec.type === 'HTTP' ? BAD : exited(1));
    await host.advance(1000);
    expect(health(host)).to.equal('+-');
  });

  it('count failures anew, so that the time without an agent kills nobody', async () => {
    const host = await started({ health_check: HEALTH }, () => BAD);
    await host.advance(1500);
    expect(health(host)).to.equal('--');
    host.crash();
    await host.advance(3_600_000);
    await host.start();
    await host.advance(2000);
    expect(host.hasEnded('a')).to.equal(false);
    await host.advance(1000);
    expect(host.hasEnded('a')).to.equal(true);
  });

  it('tell a recovery that happened meanwhile', async () => {
    const host = await started({ health_check: HEALTH }, () => BAD);
    await host.advance(100);
    await host.restart();
    host.answer = () => OK;
    await host.advance(2000);
    expect(health(host)).to.equal('-+');
  });

  it('wait for what is left of their delay, and keep the grace period', async () => {
    const slow = { ...HEALTH, delay_seconds: 60, grace_period_seconds: 100 };
    const host = await started({ health_check: slow }, () => BAD);
    const startMs = host.world.clock.elapsed();
    await host.advance(20_000);
    await host.restart();
    await host.advance(39_000);
    expect(host.probes).to.deep.equal([]);
    await host.advance(2000);
    expect(at(host.probes, 0).atMs - startMs).to.be.closeTo(60_000, 1);
    await host.advance(38_000);
    expect(health(host)).to.equal('');
    await host.advance(5000);
    expect(host.hasEnded('a')).to.equal(true);
  });

  it('do not probe all tasks at one moment', async () => {
    const host = new Host();
    host.answer = () => OK;
    await host.start();
    const health_check = { ...HEALTH, interval_seconds: 10 };
    await host.run(
      Array.from({ length: 50 }, (_, index) => taskInfo(`t${index}`, { health_check })),
    );
    await host.restart();
    const before = host.probes.length;
    await host.advance(10_000);
    const moments = new Set(host.probes.slice(before).map(({ atMs }) => Math.floor(atMs / 100)));
    expect(moments.size).to.be.above(20);
  });

  it('goes on to end a task that was to end for its health', async () => {
    const host = await started({ health_check: HEALTH }, () => BAD);
    host.stubborn.add('a');
    await host.advance(2500);
    await host.restart();
    await host.advance(10_000);
    expect(host.last('a')).to.include({ state: 'TASK_KILLED', healthy: false });
  });
});

describe('Bounds of checks', () => {
  it('let so many probes of each kind begin at once, and hold no wait against a task', async () => {
    const host = new Host();
    await host.start();
    const tcp: HealthCheck = { ...HEALTH, type: 'TCP', tcp: { port: 1 }, timeout_seconds: 5 };
    const command: CheckInfo = { ...CHECK, timeout_seconds: 5 };
    const count = MAX_NETWORK_PROBES + 50;
    for (let first = 0; first < count; first += 50) {
      await host.run(
        Array.from({ length: 50 }, (_, index) =>
          taskInfo(`t${first + index}`, { health_check: tcp, check: command }),
        ),
      );
    }
    const open = (type: string): number =>
      host.probes.filter(({ spec, isOpen }) => isOpen && spec.type === type).length;
    expect(open('TCP')).to.equal(MAX_NETWORK_PROBES);
    expect(open('COMMAND')).to.equal(MAX_COMMAND_PROBES);
    host.answer = (spec) => (spec.type === 'TCP' ? { kind: 'connected' } : undefined);
    await host.advance(5500);
    // Those that had to wait are healthy; those that nobody answered are not.
    expect(health(host, `t${count - 1}`)).to.equal('+');
    expect(health(host, 't0')).to.match(/^-/);
    expect(open('COMMAND')).to.equal(MAX_COMMAND_PROBES);
  }).timeout(60_000);

  it('hold results back while nobody acknowledges, and tell the newest afterwards', async () => {
    const host = new Host({ isAcknowledging: false });
    const patient = { ...HEALTH, consecutive_failures: 1_000_000 };
    host.answer = (spec, number) => (spec.type === 'HTTP' ? BAD : exited(number % 2));
    await host.start();
    await host.run([taskInfo('a', { health_check: patient, check: CHECK })]);
    await host.advance(60_000);
    expect(host.keys('updates/').length).to.be.at.most(MAX_WAITING_CHECK_UPDATES + 1);
    host.answer = (spec) => (spec.type === 'HTTP' ? OK : exited(42));
    await host.advance(5000);
    host.isAcknowledging = true;
    await host.disconnect();
    await host.advance(30_000);
    expect(host.last('a')).to.deep.include({
      healthy: true,
      check_status: { type: 'COMMAND', command: { exit_code: 42 } },
    });
  });

  it('keep many failures of a task short', async () => {
    const patient = { ...HEALTH, consecutive_failures: 1_000_000 };
    const host = await started({ health_check: patient }, () => BAD);
    await host.advance(300_000);
    expect(health(host)).to.have.length(301);
    const framework = host.agent.state.frameworks.values().next().value;
    const [executor] = framework?.executors.values() ?? [];
    const [task] = executor?.active.values() ?? [];
    expect(task?.task.statuses).to.have.length(2);
    expect(host.keys('updates/').length).to.be.below(5);
  });
});
