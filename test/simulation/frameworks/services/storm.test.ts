/** Changes and faults in any order: no healthy instance that is needed is ended, and it comes out as asked. */
import { expect } from 'chai';
import type { Random } from '../../../../core/base/index.js';
import { VirtualWorld } from '../../../../core/base/index.js';
import { isHealthy } from '../../../../frameworks/services/decide/instances.js';
import { capacitiesOf } from '../../../../frameworks/services/decide/plan-app.js';
import type { Traffic } from '../../../../sdk/index.js';
import { type Answer, Rig } from './rig.js';

const AGENT = 'cpus:4;mem:4096;ports:[31000-31099]';
const CHECK = {
  protocol: 'COMMAND',
  command: { value: 'exit 0' },
  gracePeriodSeconds: 5,
  intervalSeconds: 2,
  delaySeconds: 1,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 2,
};
const IDS = ['/a', '/g/b'];
const SEEDS = 12;
const STEPS = 14;

class Storm {
  readonly rig: Rig;
  /** What was done, for the message when something is wrong. */
  readonly log: string[] = [];
  readonly wrongs: string[] = [];
  readonly #random: Random;
  /** Instances whose end was seen, or asked for by hand. */
  readonly #ending = new Set<string>();
  #version = 0;

  constructor(seed: number) {
    this.#random = new VirtualWorld({ seed: `storm ${seed}` }).random;
    const watch = (one: Traffic, next: (one: Traffic) => void): void => {
      if (one.direction === 'out' && one.call.kill !== undefined) {
        this.#judge(one.call.kill.task_id.value);
      }
      next(one);
    };
    const agents = [AGENT, AGENT, AGENT];
    this.rig = new Rig({ agents, seed: String(seed) }, { interceptors: [watch] });
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  #pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.#below(values.length)] ?? values[0];
  }

  /** An instance is to end: if it is well, enough that are well have to stay. */
  #judge(id: string): void {
    if (this.#ending.has(id)) return;
    this.#ending.add(id);
    const { instance: services, runtime, view } = this.rig.services;
    const task = view.tasks.get(id);
    const appId = String(Object(task?.data)['app']);
    const record = services.apps.get(appId);
    if (record === undefined || record.removedBy !== undefined || task === undefined) return;
    const checked = Object(task.data)['checked'] === true;
    const wasWell = task.state === 'RUNNING' && (checked ? task.healthy === true : true);
    if (!wasWell || task.healthy === false) return;
    const left = services.instancesOf(appId, runtime.context).filter((one) => isHealthy(one));
    const { minHealthy } = capacitiesOf(record.app);
    if (left.length >= minHealthy) return;
    this.wrongs.push(
      `${id} was well, and of ${minHealthy} that are needed ${left.length} are left`,
    );
  }

  async begin(): Promise<void> {
    await this.rig.cluster.advance('2s');
    for (const id of IDS) {
      await this.rig.good('POST', '/v2/apps', {
        id,
        cmd: 'hang',
        cpus: 0.1,
        mem: 32,
        instances: 1 + this.#below(5),
        healthChecks: this.#pick([[], [CHECK]]),
        unreachableStrategy: this.#pick<unknown>([
          'disabled',
          { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
          { inactiveAfterSeconds: 60, expungeAfterSeconds: 120 },
        ]),
        upgradeStrategy: {
          minimumHealthCapacity: this.#pick([0, 0.5, 1]),
          maximumOverCapacity: this.#pick([0, 0.3, 1]),
          minHealthySeconds: this.#pick([0, 2]),
          progressDeadlineSeconds: 60,
        },
      });
    }
  }

  async step(): Promise<void> {
    const what = this.#pick(['change', 'change', 'change', 'fault'] as const);
    if (what === 'fault') await this.#fault();
    else await this.#change(this.#pick(['/a', '/g/b']));
    await this.rig.cluster.advance(this.#below(1 + this.#below(40_000)));
  }

  async #fault(): Promise<void> {
    const { cluster, services } = this.rig;
    const agent = `agent-${this.#below(3)}`;
    const fault = this.#pick(['partition', 'heal', 'crash', 'master', 'reboot', 'cut'] as const);
    this.log.push(`${fault} ${agent}`);
    if (fault === 'partition') cluster.partition(agent);
    if (fault === 'heal') cluster.heal();
    if (fault === 'master') cluster.restartMaster();
    if (fault === 'reboot') cluster.reboot(agent);
    if (fault === 'cut') cluster.cut(services);
    if (fault !== 'crash') return;
    cluster.crash(services);
    await cluster.advance(this.#below(20_000));
    cluster.restart(services);
    await cluster.advance(50);
  }

  async #change(id: string): Promise<void> {
    const path = `/v2/apps${id}`;
    const app = { cmd: 'hang', cpus: 0.1, mem: 32 };
    const force = this.#pick(['', '?force=true']);
    const kinds = ['env', 'env', 'scale', 'restart', 'delete', 'bad', 'back', 'kill'] as const;
    const kind = this.#pick(kinds);
    const env = { V: String(++this.#version) };
    const answer = await ((): Promise<Answer | undefined> => {
      const { rig } = this;
      switch (kind) {
        case 'env':
          return rig.ask('PUT', path + force, { ...app, env });
        case 'scale':
          return rig.ask('PUT', path + force, { ...app, instances: this.#below(6) });
        case 'restart':
          return rig.ask('POST', `${path}/restart${force}`);
        case 'delete':
          return rig.ask('DELETE', `${path}${this.#pick(['', '?force=false'])}`);
        case 'bad':
          return rig.ask('PUT', path + force, { ...app, cmd: 'run 1s then exit 1', env });
        case 'back':
          return this.#goBack();
        default:
          return this.#killOne();
      }
    })();
    this.log.push(`${kind} ${id}${force} ${answer?.status ?? '-'}`);
    expect(answer?.status ?? 200).to.be.within(200, 499);
  }

  async #goBack(): Promise<Answer | undefined> {
    const [deployment] = await this.rig.good('GET', '/v2/deployments');
    if (deployment === undefined) return undefined;
    return await this.rig.ask(
      'DELETE',
      `/v2/deployments/${deployment.id}${this.#pick(['', '?force=true'])}`,
    );
  }

  async #killOne(): Promise<Answer | undefined> {
    const { tasks } = await this.rig.good('GET', '/v2/tasks');
    const task = tasks[this.#below(tasks.length)];
    if (task === undefined) return undefined;
    this.#ending.add(task.id);
    return await this.rig.ask('POST', `/v2/tasks/delete${this.#pick(['', '?scale=true'])}`, {
      ids: [task.id],
    });
  }

  /** All is well again: what is there has to be what was asked for last. */
  async judge(): Promise<void> {
    const { cluster, services } = this.rig;
    cluster.heal();
    await cluster.until(() => services.instance.deployments.size === 0, { within: '30m' });
    await cluster.advance('12m');
    expect(this.wrongs).to.deep.equal([]);
    const { apps } = await this.rig.good('GET', '/v2/apps');
    for (const app of apps) {
      if (app.cmd !== 'hang') continue;
      const live = services.instance.instancesOf(app.id, services.runtime.context);
      expect(live, app.id).to.have.length(app.instances);
      expect(live.every((one) => isHealthy(one))).to.equal(true);
    }
    const known = new Set(apps.map(({ id }: { id: string }) => id));
    const strays = services.view.tasks.live().filter(({ data }) => !known.has(Object(data)['app']));
    expect(strays).to.deep.equal([]);
    const { plans, progress, changes, versions } = services.instance;
    expect([plans.size, progress.size, changes.size]).to.deep.equal([0, 0, 0]);
    for (const { id } of versions.values()) expect(known.has(id)).to.equal(true);
    await cluster.close();
  }
}

describe('Services: changes and faults in any order', function () {
  this.timeout(60_000);

  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`come out as asked, and end none that is needed (seed ${seed})`, async () => {
      const storm = new Storm(seed);
      try {
        await storm.begin();
        for (let step = 0; step < STEPS; step++) await storm.step();
        await storm.judge();
      } catch (error) {
        throw new Error(`after ${storm.log.join('; ')}`, { cause: error });
      }
    });
  }
});
