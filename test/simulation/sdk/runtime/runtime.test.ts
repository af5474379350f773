import { expect } from 'chai';
import type { VirtualWorld, World } from '../../../../core/base/index.js';
import {
  SimulatedCluster,
  type SimulatedClusterOptions,
} from '../../../../core/simulation/index.js';
import { MemoryMedium, MemoryStore } from '../../../../core/store/index.js';
import { type TaskStateName, isEnded, task } from '../../../../sdk/decisions/index.js';
import type { TaskUpdate } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { FrameworkRuntime } from '../../../../sdk/runtime/index.js';
import { SETTINGS, handler } from '../../../unit/sdk/runtime/support.js';
import { LinkedTransport } from '../linked-transport.js';

const WEB = task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'sleep 100000' });

/** A framework that keeps tasks running, on the real master. */
class Framework {
  readonly cluster: SimulatedCluster;
  readonly updates: string[] = [];
  readonly medium = new MemoryMedium();
  runtime: FrameworkRuntime;
  outcome: unknown = 'running';
  readonly #count: number;
  #starts = 0;
  #store: MemoryStore;

  constructor(count: number, options: SimulatedClusterOptions = {}) {
    this.#count = count;
    this.cluster = new SimulatedCluster({ agents: 3, ...options });
    this.cluster.start();
    this.#store = new MemoryStore({ medium: this.medium });
    this.runtime = this.start();
  }

  start(): FrameworkRuntime {
    this.#starts++;
    const { world, network } = this.cluster;
    this.#store = new MemoryStore({ medium: this.medium });
    const node = `framework-${this.#starts}`;
    const own: World = { ...worldOf(world), random: world.random.fork(node) };
    this.runtime = new FrameworkRuntime({
      world: own,
      framework: {},
      definition: {
        settings: { ...SETTINGS, reconcileEveryMs: 60_000 },
        stored: [],
        handlers: [
          handler('offers', (offers: Offers) => offers.keep(this.#count, WEB, { backoff: 0 })),
          handler('status', ({ task: { id }, state }: TaskUpdate) => {
            this.updates.push(`${id} ${state}`);
          }),
        ],
      },
      transport: new LinkedTransport(network, node),
      store: this.#store,
    });
    this.runtime.run().then(
      () => (this.outcome = 'closed'),
      (error: unknown) => (this.outcome = error),
    );
    return this.runtime;
  }

  states(): readonly TaskStateName[] {
    return this.runtime.view.tasks.live().map(({ state }) => state);
  }

  async running(count: number, withinMs = 120_000): Promise<void> {
    const isThere = (): boolean =>
      this.states().filter((state) => state === 'RUNNING').length === count &&
      this.states().length === count;
    await this.cluster.advanceUntil(isThere, withinMs);
    expect(this.states()).to.deep.equal(Array.from({ length: count }, () => 'RUNNING'));
  }

  /** Tasks that really run. */
  actual(): number {
    return this.runtime.view.tasks.live().length;
  }
}

function worldOf(world: VirtualWorld): World {
  const { clock, random, ids, log } = world;
  return { clock, random, ids, log };
}

describe('A framework on a simulated cluster', () => {
  it('keeps its tasks running, suppressed, with no offer unanswered', async () => {
    const framework = new Framework(5);
    await framework.running(5);
    await framework.cluster.advance(5_000);
    const { counters, wants, heldOffers } = framework.runtime.view;
    expect(wants).to.deep.equal([]);
    expect(heldOffers).to.deep.equal([]);
    const answered =
      (counters['offers_accepted'] ?? 0) +
      Object.entries(counters)
        .filter(([name]) => name.startsWith('offers_declined'))
        .reduce((sum, [, count]) => sum + count, 0);
    expect(answered).to.equal(counters['offers_received']);
    const received = counters['offers_received'];
    await framework.cluster.advance(120_000);
    expect(framework.runtime.view.counters['offers_received']).to.equal(received);
    await framework.runtime.close();
    expect(framework.outcome).to.equal('closed');
  });

  it('survives the loss of a master, of an agent, and of itself', async () => {
    const framework = new Framework(6, { seed: 'survivor' });
    await framework.running(6);
    framework.cluster.crashMaster();
    await framework.cluster.advance(20_000);
    expect(framework.runtime.view.connection).to.not.equal('subscribed');
    framework.cluster.restartMaster();
    await framework.running(6);
    framework.cluster.rebootAgent(0);
    await framework.cluster.advance(1_000);
    await framework.running(6, 300_000);
    const before = framework.runtime.view.frameworkId;
    await framework.runtime.close();
    framework.start();
    await framework.running(6);
    expect(framework.runtime.view.frameworkId).to.equal(before);
    await framework.cluster.advance(120_000);
    await framework.running(6);
    await framework.runtime.close();
  });

  it('runs a task elsewhere when its agent is cut off, and ends the one that comes back', async () => {
    const framework = new Framework(3, { seed: 'partition' });
    await framework.running(3);
    const agent = framework.runtime.view.tasks.live()[0]?.hostname ?? '';
    const index = framework.cluster.agents.findIndex(({ name }) => name === agent);
    expect(index).to.be.at.least(0);
    framework.cluster.partition('master', agent);
    await framework.cluster.advance(180_000);
    expect(framework.states().filter((state) => state === 'RUNNING')).to.have.length(3);
    framework.cluster.heal();
    await framework.running(3, 300_000);
    expect(framework.runtime.view.openKills).to.equal(0);
    await framework.runtime.close();
  });

  it('comes through random faults under many seeds', async function () {
    this.timeout(60_000);
    for (let seed = 0; seed < 20; seed++) {
      const framework = new Framework(6, { seed: `runtime-${seed}` });
      const random = framework.cluster.world.random.fork('faults');
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await framework.running(6);
      for (let step = 0; step < 6; step++) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await fault(framework, random.below(5));
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await framework.cluster.advance(random.below(30_000));
      }
      framework.cluster.heal();
      if (framework.cluster.master === undefined) framework.cluster.restartMaster();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await framework.running(6, 900_000);
      expect(framework.outcome).to.equal('running');
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await framework.runtime.close();
      const { tasks } = framework.runtime.view;
      expect(tasks.all().filter(({ state }) => !isEnded(state))).to.have.length(6);
    }
  });
});

async function fault(framework: Framework, kind: number): Promise<void> {
  const { cluster } = framework;
  if (kind === 0) cluster.cut('master', `framework-1`);
  if (kind === 1) cluster.rebootAgent(1);
  if (kind === 2) cluster.partition('master', 'agent-2');
  if (kind === 3 && cluster.master !== undefined) {
    cluster.crashMaster();
    await cluster.advance(3_000);
    cluster.restartMaster();
  }
  if (kind === 4) cluster.jumpClock(-5_000);
}
