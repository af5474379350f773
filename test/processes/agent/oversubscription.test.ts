/** Agents that lend what they have a second time, with the estimators that operators can name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Offer, Resource } from '../../../core/api/index.js';
import { repositoryFile } from '../../checks/reference.js';
import { TestCluster } from './cluster.js';
import { type TestScheduler, eventually, taskInfo } from './scheduler.js';

const CAPABILITIES = [
  { type: 'MULTI_ROLE' as const },
  { type: 'RESERVATION_REFINEMENT' as const },
  { type: 'PARTITION_AWARE' as const },
];
const FAST = '--oversubscribed_resources_interval=100ms';
const FIXED = [FAST, '--resource_estimator=fixed', '--oversubscribed_resources=cpus:2;mem:256'];

function scalar(name: string, value: number, more: Partial<Resource> = {}): Resource {
  return { name, type: 'SCALAR', scalar: { value }, ...more };
}

function revocableCpus(offer: Offer): number {
  return (offer.resources ?? [])
    .filter(({ name, revocable }) => name === 'cpus' && revocable !== undefined)
    .reduce((sum, { scalar: amount }) => sum + (amount?.value ?? 0), 0);
}

describe('Oversubscribed agents', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start({ agentFlags: FIXED });
    scheduler = await cluster.scheduler({
      framework: { capabilities: [...CAPABILITIES, { type: 'REVOCABLE_RESOURCES' }] },
    });
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function metric(name: string): Promise<unknown> {
    return (await cluster.master.page('/metrics/snapshot'))[`master/${name}`];
  }

  async function restartWith(flags: readonly string[]): Promise<void> {
    await cluster.agent.end('SIGKILL');
    cluster.agent = cluster.agentWith(flags);
    await cluster.agent.start();
    await cluster.untilRegistered();
  }

  it('run tasks on what the fixed estimator gives', async () => {
    const offer = await scheduler.takeOffer((one) => revocableCpus(one) === 2);
    const resources = [scalar('cpus', 2, { revocable: {} }), scalar('mem', 32)];
    const task = taskInfo(offer, { id: 'lent', command: { value: 'sleep 1000' } }, resources);
    await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos: [task] } }]);
    await scheduler.until('lent', 'TASK_RUNNING');
    expect(await metric('cpus_revocable_used')).to.equal(2);
    expect(await metric('cpus_used')).to.equal(0);
    const rest = await scheduler.takeOffer((one) => revocableCpus(one) === 0);
    await scheduler.client.decline([rest.id], { refuse_seconds: 0 });
  });

  it('count the same after they were killed, and under a new master', async () => {
    await cluster.restartAgent();
    expect(await metric('cpus_revocable_total')).to.equal(2);
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
    await cluster.untilRegistered();
    await eventually('the books are as before', async () => {
      const [total, used] = [
        await metric('cpus_revocable_total'),
        await metric('cpus_revocable_used'),
      ];
      return total === 2 && used === 2;
    });
    await scheduler.kill('lent');
    await scheduler.until('lent', 'TASK_KILLED');
    const offer = await scheduler.takeOffer((one) => revocableCpus(one) === 2);
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
  });

  it('show frameworks that cannot use it nothing of it', async () => {
    const held = await scheduler.takeOffer();
    await scheduler.client.call({ type: 'SUPPRESS', suppress: {} });
    await scheduler.client.decline([held.id], { refuse_seconds: 0 });
    const plain = await cluster.scheduler({ framework: { capabilities: CAPABILITIES } });
    const offer = await plain.takeOffer();
    expect((offer.resources ?? []).every(({ revocable }) => revocable === undefined)).to.equal(
      true,
    );
    await plain.end();
    await scheduler.client.call({ type: 'REVIVE', revive: {} });
  });

  it('follow a module: the one that the page on resources shows', async () => {
    const page = readFileSync(repositoryFile('docs/resources.md'), 'utf8');
    const [, program = ''] = /^```js\n([^]*?)^```$/m.exec(page) ?? [];
    const file = join(cluster.folder, 'estimator.mjs');
    writeFileSync(file, program);
    await restartWith([FAST, `--resource_estimator=${file}`]);
    const offer = await scheduler.takeOffer((one) => revocableCpus(one) === 2);
    const task = taskInfo(offer, { id: 'plain', command: { value: 'sleep 1000' } }, [
      scalar('cpus', 1.9),
      scalar('mem', 32),
    ]);
    await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos: [task] } }]);
    await scheduler.until('plain', 'TASK_RUNNING');
    await eventually(
      'the estimate follows',
      async () => (await metric('cpus_revocable_total')) === 1,
    );
    await scheduler.kill('plain');
    await scheduler.until('plain', 'TASK_KILLED');
  });

  it('do not start with an estimator that cannot be had, and say why', async () => {
    const bad = join(cluster.folder, 'bad.mjs');
    writeFileSync(bad, 'export const createResourceEstimator = () => ({});\n');
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--resource_estimator=fixed'], /'fixed' needs --oversubscribed_resources/],
      [
        ['--oversubscribed_resources=cpus:1'],
        /--oversubscribed_resources: .*add --resource_estimator/,
      ],
      [['--resource_estimator=./no-such.mjs'], /'.\/no-such.mjs' cannot be loaded/],
      [[`--resource_estimator=${bad}`], /has no 'oversubscribable'/],
      [['--resource_estimator=fixed', '--oversubscribed_resources=gpus:0.5'], /whole numbers/],
      [
        ['--resource_estimator=fixed', '--oversubscribed_resources=cpus(web):1'],
        /neither reserved/,
      ],
      [['--qos_controller=load'], /--qos_load_threshold_5min/],
      [['--qos_load_threshold_5min=1'], /are for --qos_controller=load/],
      [[`--qos_controller=${bad}`], /no function 'createQosController'/],
      [['--resources=gpus:1.5'], /gpus come as whole numbers/],
    ];
    for (const [flags, reason] of cases) {
      const agent = cluster.agentWith([`--work_dir=${join(cluster.folder, 'unused')}`, ...flags]);
      // oxlint-disable-next-line no-await-in-loop -- they would take each other's port
      const error: unknown = await agent.start().catch((caught: unknown) => caught);
      expect(String(error)).to.match(reason);
    }
  });
});
