import { expect } from 'chai';
import {
  type ResourceEstimator,
  type ResourceUsage,
  fixedEstimator,
} from '../../../core/agent/index.js';
import type { Resource } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { Host, scalar, taskInfo } from './host.js';

const INTERVAL_MS = 15_000;

/** Of a task: revocable cpus, bound to a role as the master sends them. */
function revocable(cpus: number): Resource {
  return { ...scalar('cpus', cpus), revocable: {}, allocation_info: { role: 'web' } };
}

function task(id: string, cpus: number): ReturnType<typeof taskInfo> {
  return taskInfo(id, { resources: [revocable(cpus), scalar('mem', 32)] });
}

function plain(cpus: number): Resource {
  return { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } };
}

/** What the master was told by messages of their own, in order. */
function told(host: Host): readonly string[] {
  return host
    .messages('OVERSUBSCRIBED')
    .map(({ oversubscribed }) => text(oversubscribed?.resources));
}

/** What it was told with the registrations. */
function introduced(host: Host): readonly string[] {
  const lists = [
    ...host.messages('REGISTER').map(({ register }) => register?.oversubscribed_resources),
    ...host.messages('REREGISTER').map(({ reregister }) => reregister?.oversubscribed_resources),
  ];
  return lists.map(text);
}

function text(list: readonly Resource[] | undefined): string {
  return Resources.fromWire(list ?? []).toString();
}

async function started(estimator: ResourceEstimator | undefined): Promise<Host> {
  const host = new Host();
  host.estimator = estimator;
  await host.start();
  return host;
}

describe('Oversubscription of an agent', () => {
  it('is told with the registration, and again when it changes', async () => {
    let cpus = 2;
    const host = await started({ oversubscribable: () => [plain(cpus)] });
    expect(introduced(host)).to.deep.equal(['cpus[revocable]:2']);
    expect(told(host)).to.deep.equal([]);
    await host.advance(INTERVAL_MS);
    expect(told(host), 'nothing has changed').to.deep.equal([]);
    cpus = 5;
    await host.advance(INTERVAL_MS);
    cpus = 0;
    await host.advance(INTERVAL_MS);
    expect(told(host)).to.deep.equal(['cpus[revocable]:5', '']);
    expect(host.agent.metrics()['slave/cpus_revocable_total']).to.equal(0);
    expect(host.agent.metrics()['slave/cpus_total']).to.equal(4);
  });

  it('is told again with every registration, also when it has not changed', async () => {
    const host = await started(fixedEstimator([plain(2)]));
    await host.disconnect();
    await host.advance(5000);
    await host.restart();
    expect(introduced(host)).to.deep.equal(Array.from({ length: 3 }, () => 'cpus[revocable]:2'));
    expect(told(host)).to.deep.equal([]);
  });

  it('is told when the estimate comes after the registration', async () => {
    let answer = (_resources: readonly Resource[]): void => {};
    const host = await started({
      oversubscribable: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    expect(introduced(host)).to.deep.equal(['']);
    const first = answer;
    await host.advance(2 * INTERVAL_MS);
    expect(answer, 'one question at a time').to.equal(first);
    answer([plain(1)]);
    await host.settle();
    expect(told(host)).to.deep.equal(['cpus[revocable]:1']);
    await host.advance(INTERVAL_MS);
    expect(answer).to.not.equal(first);
  });

  it('counts what revocable tasks hold: the fixed total stays while one runs', async () => {
    const host = await started(fixedEstimator([plain(2)]));
    await host.run([task('t1', 2)]);
    await host.advance(2 * INTERVAL_MS);
    expect(told(host)).to.deep.equal([]);
    const metrics = host.agent.metrics();
    expect(metrics['slave/cpus_revocable_total']).to.equal(2);
    expect(metrics['slave/cpus_revocable_used']).to.equal(2);
    expect(metrics['slave/cpus_revocable_percent']).to.equal(1);
    await host.end('t1');
    await host.advance(INTERVAL_MS);
    expect(told(host)).to.deep.equal([]);
    expect(host.agent.metrics()['slave/cpus_revocable_used']).to.equal(0);
  });

  it('does not fall below what tasks hold, over restarts without estimator too', async () => {
    const host = await started(fixedEstimator([plain(2)]));
    await host.run([task('t1', 2)]);
    host.estimator = undefined;
    await host.restart();
    expect(introduced(host)).to.deep.equal(['cpus[revocable]:2', 'cpus[revocable]:2']);
    await host.advance(INTERVAL_MS);
    expect(told(host)).to.deep.equal([]);
    await host.end('t1');
    await host.advance(INTERVAL_MS);
    expect(told(host)).to.deep.equal(['']);
  });

  it('keeps the last estimate when the estimator fails', async () => {
    const answers: readonly (() => readonly Resource[])[] = [
      () => [plain(2)],
      () => {
        throw new Error('no idea');
      },
      () => [plain(-1)],
      () => [{ ...plain(1), reservations: [{ type: 'STATIC', role: 'web' }] }],
      () => [{ name: 'gpus', type: 'SCALAR', scalar: { value: 0.5 } }],
      () => [plain(3)],
    ];
    let round = 0;
    const host = await started({ oversubscribable: () => at(answers, round++)() });
    await host.advance(5 * INTERVAL_MS);
    expect(round).to.equal(6);
    expect(introduced(host)).to.deep.equal(['cpus[revocable]:2']);
    expect(told(host)).to.deep.equal(['cpus[revocable]:3']);
    expect(host.fatal).to.deep.equal([]);
  });

  it('tells the estimator what the agent has and who holds what', async () => {
    const usages: ResourceUsage[] = [];
    const host = await started({
      oversubscribable: (usage) => {
        usages.push(usage);
        return [];
      },
    });
    expect(text(usages[0]?.total)).to.equal('cpus:4; mem:4096');
    expect(usages[0]?.executors).to.deep.equal([]);
    await host.run([task('t1', 2)]);
    await host.advance(INTERVAL_MS);
    const usage = at(usages, 1);
    expect(text(usage.used)).to.match(/^cpus:0.1; cpus\[revocable\]:2; mem:64$/);
    const [executor] = usage.executors;
    expect(executor).to.include({ executorId: 't1' });
    expect(executor?.taskIds).to.deep.equal(['t1']);
    expect(executor?.pids).to.deep.equal([host.containersOf('t1')[0]?.pid]);
  });

  it('is nothing without an estimator', async () => {
    const host = await started(undefined);
    await host.advance(10 * INTERVAL_MS);
    expect(introduced(host).join('')).to.equal('');
    expect(told(host)).to.deep.equal([]);
  });
});

describe('fixedEstimator', () => {
  it('refuses what cannot be oversubscribed', () => {
    for (const resource of [
      { ...plain(1), reservations: [{ type: 'STATIC' as const, role: 'web' }] },
      { ...plain(1), allocation_info: { role: 'web' } },
      { ...plain(1), name: 'gpus', scalar: { value: 0.5 } },
    ]) {
      expect(() => fixedEstimator([resource])).to.throw(/oversubscribed resources/);
    }
  });
});
