import { expect } from 'chai';
import { isTerminalState } from '../../../core/api/index.js';
import { type Random, at } from '../../../core/base/index.js';
import { Host, frameworkInfo, taskInfo } from './host.js';

/** Seeds that are tried; a failure prints the one that failed. */
const SEEDS = 60;
const STEPS = 40;

/** What a master knows: it asks nothing of tasks whose end it has heard of. */
class TestMaster {
  readonly launched: string[] = [];
  readonly killed = new Set<string>();
  constructor(readonly host: Host) {}

  alive(): readonly string[] {
    return this.launched.filter((taskId) => !this.host.hasEnded(taskId));
  }
}

const STEP_KINDS: readonly ((master: TestMaster, random: Random) => Promise<void>)[] = [
  async (master, random) => {
    const tasks = [...Array(1 + random.below(3))].map((_, index) =>
      taskInfo(`t${master.launched.length + index}`),
    );
    // A master sends nothing to an agent that is not registered.
    if (!master.host.agent.isRegistered) return;
    master.launched.push(...tasks.map(({ task_id }) => task_id.value));
    await master.host.run(tasks, frameworkInfo(['PARTITION_AWARE', 'TASK_KILLING_STATE']));
  },
  async (master, random) => {
    const alive = master.alive();
    if (alive.length === 0) return;
    const taskId = at(alive, random.below(alive.length));
    const code = random.below(2);
    await master.host.end(taskId, { kind: 'exited', code });
  },
  async (master, random) => {
    const alive = master.alive();
    if (alive.length === 0 || !master.host.agent.isRegistered) return;
    const taskId = at(alive, random.below(alive.length));
    master.killed.add(taskId);
    await master.host.kill(taskId, random.below(2000));
  },
  async (master, random) => {
    master.host.crash(random.below(3));
    await master.host.advance(random.below(500));
    await master.host.start();
  },
  async (master) => master.host.disconnect(),
  async (master, random) => master.host.advance(random.below(3000)),
];

async function live(seed: string): Promise<TestMaster> {
  const host = new Host({ seed });
  const random = host.world.random.fork('steps');
  host.commitMs = 2;
  host.launchDelayMs = random.below(30);
  await host.start();
  await host.advance(50);
  const master = new TestMaster(host);
  for (let step = 0; step < STEPS; step++) {
    const kind = at(STEP_KINDS, random.below(STEP_KINDS.length));
    await kind(master, random);
    host.unknownTasks = master.launched;
    await host.world.advance(random.below(20));
  }
  // Calm: what still runs ends, and the master asks about the rest.
  await host.restart();
  await host.advance(5000);
  for (const taskId of master.alive()) await host.end(taskId);
  await host.advance(60_000);
  return master;
}

describe('Agent under random faults', () => {
  it('brings every task to one true end, in order, and starts none twice', async () => {
    let crashes = 0;
    for (let number = 0; number < SEEDS; number++) {
      const seed = `faults-${number}`;
      const { host, launched, killed } = await live(seed);
      for (const taskId of launched) {
        const label = `${seed} ${taskId}`;
        const states = host.states(taskId);
        const ends = states.filter((state) => isTerminalState(state as 'TASK_LOST'));
        expect(ends, label).to.have.length(1);
        expect(states.at(-1), label).to.equal(ends[0]);
        const [container, ...others] = host.containersOf(taskId);
        expect(others, label).to.have.length(0);
        expect(trueEnds(container?.end, killed.has(taskId)), label).to.include(ends[0]);
      }
      crashes += host.connects.length;
      for (const prefix of ['tasks/', 'updates/', 'executors/', 'frameworks/']) {
        expect(host.keys(prefix), seed).to.deep.equal([]);
      }
    }
    expect(crashes).to.be.greaterThan(SEEDS);
  });
});

/** What may be told of a task whose process ended like that; undefined: it never had one. */
function trueEnds(
  end: { readonly kind: string; readonly code?: number } | undefined,
  wasKilled: boolean,
): readonly string[] {
  const killed = wasKilled ? ['TASK_KILLED'] : [];
  if (end === undefined) return ['TASK_FAILED', 'TASK_LOST', 'TASK_DROPPED', ...killed];
  if (end.kind !== 'exited') return ['TASK_FAILED', ...killed];
  return [end.code === 0 ? 'TASK_FINISHED' : 'TASK_FAILED', ...killed];
}
