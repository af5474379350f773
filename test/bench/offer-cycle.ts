/**
 * The allocation cycle with everything that follows from it in a master: the offers are entered in its
 * books, made into messages and put on the streams of the frameworks.
 */
import { setTimeout } from 'node:timers/promises';
import type { Allocation } from '../../core/allocator/index.js';
import type { Offer, SchedulerEvent } from '../../core/api/index.js';
import { type FrameworkId, id } from '../../core/base/index.js';
import { type ClusterView, OfferWriter } from '../../core/master/index.js';
import { type Bench, collectGarbage, timed } from './bench.js';
import { MasterRig } from './master-rig.js';
import { type BenchResult, summarise } from './result.js';

const ROUNDS = 7;
const WARM_UPS = 3;
/** Milliseconds after a collection of all garbage within which memory is given back. */
const SWEEPING_MS = 300;

interface Size {
  readonly agents: number;
  readonly frameworks: number;
  readonly published?: number;
  readonly mesos?: number;
}

const SIZES: readonly Size[] = [
  { agents: 1_000, frameworks: 100, published: 100 },
  { agents: 5_000, frameworks: 500, published: 400 },
  { agents: 10_000, frameworks: 1_000, published: 1_060, mesos: 420 },
  { agents: 20_000, frameworks: 2_000, published: 3_800 },
];

/** Cold cycle, cycle with 1 % churn, and idle cycle, by size, and how they grow. */
export const OFFER_CYCLE: Bench = {
  name: 'OfferCycle',
  async run({ agents }) {
    const sizes = agents === undefined ? SIZES : SIZES.filter((size) => size.agents === agents);
    const results: BenchResult[] = [];
    const cold: { readonly agents: number; readonly ms: number }[] = [];
    for (const size of sizes) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
      const figures = await measure(size);
      results.push(...figures);
      // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
      results.push(await measureAnew(size));
      // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
      results.push(...(await measureBuilt(size)));
      cold.push({ agents: size.agents, ms: figures[0]?.value ?? Number.NaN });
    }
    const [first, last] = [cold[0], cold.at(-1)];
    if (first !== undefined && last !== undefined && last !== first) {
      const value = last.ms / last.agents / (first.ms / first.agents);
      const note = `per agent, ${last.agents} agents against ${first.agents}; 1: linear`;
      results.push({ name: 'cold cycle, growth', value, unit: '×', note });
    }
    return results;
  },
};

async function measure(size: Size): Promise<readonly BenchResult[]> {
  const { agents, frameworks, published, mesos } = size;
  const text = `${agents} agents x ${frameworks} frameworks`;
  const cold: number[] = [];
  const churn: number[] = [];
  const idle: number[] = [];
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const offers: OfferRef[] = [];
    // oxlint-disable-next-line no-await-in-loop -- see above
    const rig = await MasterRig.start({ isTimeStill: true });
    // oxlint-disable-next-line no-await-in-loop -- see above
    await rig.subscribe(frameworks, (index, event) => note(offers, index, event));
    // oxlint-disable-next-line no-await-in-loop -- see above
    await rig.registerAgents(agents);
    // The agents of a master have been there for a while.
    collectGarbage('young');
    const coldMs = timed(() => rig.allocator.runNow());
    if (offers.length !== agents) throw new Error(`${offers.length} offers of ${agents} agents`);
    const churnMs = [0, 1, 2].map(() => {
      for (const { index, offerId } of offers.splice(0, agents / 100)) {
        decline(rig, index, offerId);
      }
      return timed(() => rig.allocator.runNow());
    });
    const idleMs = timed(() => rig.allocator.runNow());
    rig.stop();
    if (round < 0) continue;
    cold.push(coldMs);
    churn.push(...churnMs);
    idle.push(idleMs);
  }
  return [
    summarise(`cold cycle, ${text}`, cold, {
      published,
      mesos,
      note: 'through the books and streams of the master',
    }),
    summarise(`cycle with 1 % of agents freed, ${text}`, churn, {
      note: 'through the books and streams of the master',
    }),
    summarise(`cycle with nothing new, ${text}`, idle),
  ];
}

/** One cluster all of which is declined, and offered again after all garbage was collected. */
async function measureAnew({ agents, frameworks }: Size): Promise<BenchResult> {
  const samples: number[] = [];
  let offers: OfferRef[] = [];
  const rig = await MasterRig.start({ isTimeStill: true });
  await rig.subscribe(frameworks, (index, event) => note(offers, index, event));
  await rig.registerAgents(agents);
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    collectGarbage();
    // oxlint-disable-next-line no-await-in-loop -- the engine still sweeps, beside the program
    await setTimeout(SWEEPING_MS);
    const ms = timed(() => rig.allocator.runNow());
    if (offers.length !== agents) throw new Error(`${offers.length} offers of ${agents} agents`);
    const declined = offers;
    offers = [];
    for (const { index, offerId } of declined) decline(rig, index, offerId);
    if (round >= 0) samples.push(ms);
  }
  rig.stop();
  const name = `all offered anew, ${agents} agents x ${frameworks} frameworks`;
  return summarise(name, samples, { note: 'through the books and streams of the master' });
}

function decline(rig: MasterRig, index: number, offerId: string): void {
  rig.call(index, {
    type: 'DECLINE',
    decline: { offer_ids: [{ value: offerId }], filters: { refuse_seconds: 0 } },
  });
}

/** The allocator, and a v1 message of each offer, without a master that keeps account of them. */
async function measureBuilt(size: Size): Promise<readonly BenchResult[]> {
  const { agents, frameworks, ...beside } = size;
  const first: number[] = [];
  const anew: number[] = [];
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const given: Allocation[] = [];
    let messages: Offer[] = [];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const rig: MasterRig = await MasterRig.start({
      isTimeStill: true,
      onAllocations: (allocations) => {
        for (const allocation of allocations) given.push(allocation);
        messages = writeAll(rig.master.cluster, allocations);
      },
    });
    // oxlint-disable-next-line no-await-in-loop -- see above
    await rig.subscribe(frameworks, () => {});
    // oxlint-disable-next-line no-await-in-loop -- see above
    await rig.registerAgents(agents);
    collectGarbage('young');
    const cycle = (): number => {
      messages = [];
      const ms = timed(() => rig.allocator.runNow());
      if (messages.length !== agents) throw new Error(`${messages.length} of ${agents} offers`);
      return ms;
    };
    const firstMs = cycle();
    for (const { frameworkId, agentId, resources } of given.splice(0)) {
      rig.allocator.recoverResources(frameworkId, agentId, resources, undefined, 'batch');
    }
    const anewMs = cycle();
    rig.stop();
    if (round < 0) continue;
    first.push(firstMs);
    anew.push(anewMs);
  }
  const text = `${agents} agents x ${frameworks} frameworks`;
  const note = 'a message of each offer, no books';
  return [
    summarise(`first cycle, offers built, ${text}`, first, { note }),
    summarise(`all offered anew, offers built, ${text}`, anew, { ...beside, note }),
  ];
}

function writeAll(
  { frameworks, agents }: ClusterView,
  allocations: readonly Allocation[],
): Offer[] {
  const messages: Offer[] = [];
  const writers = new Map<FrameworkId, OfferWriter>();
  for (const allocation of allocations) {
    const framework = frameworks.get(allocation.frameworkId);
    const agent = agents.get(allocation.agentId);
    if (framework === undefined || agent === undefined) continue;
    const writer = writers.get(framework.id) ?? new OfferWriter(framework);
    writers.set(framework.id, writer);
    const offerId = id<'OfferId'>(`offer-${messages.length}`);
    const { frameworkId, agentId, role, resources } = allocation;
    // Written out: spread objects would have a shape of their own each, which is slow to read.
    messages.push(
      writer.write(agent, {
        id: offerId,
        number: messages.length,
        frameworkId,
        agentId,
        role,
        resources,
        timer: undefined,
        before: undefined,
        after: undefined,
      }),
    );
  }
  return messages;
}

interface OfferRef {
  readonly index: number;
  readonly offerId: string;
}

function note(offers: OfferRef[], index: number, event: SchedulerEvent): void {
  for (const { id } of event.offers?.offers ?? []) offers.push({ index, offerId: id.value });
}
