/**
 * How much faster than real time a framework on the SDK goes in the test kit: 100 agents and 200 tasks, the
 * real master, allocator, agents and runtime, with the messages as objects. What costs is what happens: so
 * tasks that stay are measured, and tasks that end and are replaced. The warm-up is as long as the engine takes
 * to compile what is measured: before, the same goes at half the speed.
 */
import { Framework, OnOffers, type Offers, task } from '../../sdk/index.js';
import { Simulation } from '../../sdk/testing/index.js';
import { type Bench, collectGarbage } from './bench.js';
import type { BenchResult } from './result.js';

const AGENTS = 100;
const TASKS = 200;
const WARM_UP = '2h';

/** The lives of the tasks, and for how many minutes of virtual time they are looked at. */
const LOADS = [
  { lives: 'that stay', command: 'hang', minutes: 60 },
  { lives: 'of about 5 min', command: 'run about 5m then exit 0', minutes: 30 },
] as const;

@Framework({ name: 'bench' })
class Keeper {
  readonly #command: string;

  constructor(command: string) {
    this.#command = command;
  }

  @OnOffers() place(offers: Offers) {
    const web = task({ name: 'web', cpus: 0.5, memMiB: 64, command: this.#command });
    return offers.keep(TASKS, web, { backoff: 0 });
  }
}

async function measure({ lives, command, minutes }: (typeof LOADS)[number]): Promise<BenchResult> {
  collectGarbage();
  const cluster = new Simulation({ seed: 'bench', agents: AGENTS, wire: 'objects' });
  const framework = cluster.run(() => new Keeper(command));
  await cluster.advance(WARM_UP);
  const { events } = cluster.cluster.summary();
  const before = process.cpuUsage();
  await cluster.advance(`${minutes}m`);
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  framework.expect.connected();
  const perSecond = Math.round((cluster.cluster.summary().events - events) / cpuSeconds / 1000);
  await cluster.close();
  return {
    name: `a framework of ${TASKS} tasks ${lives}, ${AGENTS} agents`,
    value: (minutes * 60) / cpuSeconds,
    unit: 's/s',
    note: `virtual seconds per second of processor time; ${perSecond},000 events a second`,
  };
}

export const SDK_SIMULATION: Bench = {
  name: 'sdk-simulation',
  async run() {
    const results: BenchResult[] = [];
    for (const load of LOADS) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
      results.push(await measure(load));
    }
    return results;
  },
};
