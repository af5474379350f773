import { expect } from 'chai';
import { VirtualWorld } from '../../../core/base/index.js';
import { AgentModel } from '../model/agent-model.js';
import {
  CPU_FAIR,
  DRF,
  PAGING_FACTOR,
  PAGING_TOLERANCE,
  overcommitSpeed,
  slots,
} from './baselines.js';
import { drfViolations, runAllPolicies } from './experiment.js';
import { AGENT, KINDS, PUBLISHED_SCALE, type PolicyResult, runPolicy } from './policies-run.js';

const SMALL = KINDS.small.usage;
const LARGE = KINDS.large.usage;
const SMALLER_SCALE = { agents: 12, tasksPerJob: 20, durationMs: 150_000 };

describe('The model of overcommitted agents', () => {
  it('leaves tasks alone that fit', () => {
    expect(overcommitSpeed(LARGE, { cpus: 8, mem: 6144 }, AGENT)).to.equal(1);
  });

  it('shares processors evenly', () => {
    expect(overcommitSpeed(SMALL, { cpus: 10, mem: 4096 }, AGENT)).to.equal(0.8);
  });

  it('slows down large tasks more than small ones where memory is short', () => {
    // Four large tasks: 8 GiB of 6.
    const load = { cpus: 8, mem: 8192 };
    const excess = 8 / 6 - 1 - PAGING_TOLERANCE;
    expect(overcommitSpeed(LARGE, load, AGENT)).to.be.closeTo(
      1 / (1 + PAGING_FACTOR * 2 * excess),
      1e-9,
    );
    expect(overcommitSpeed(SMALL, load, AGENT)).to.be.closeTo(
      1 / (1 + PAGING_FACTOR * 0.5 * excess),
      1e-9,
    );
  });

  it('takes a task on at its new speed from where it was', async () => {
    const { clock } = new VirtualWorld();
    const halfOfTwo = (_usage: unknown, load: Readonly<Record<string, number>>): number =>
      1 / (load['cpus'] ?? 1);
    const agent = new AgentModel(clock, { cpus: 1 }, halfOfTwo);
    const ends: number[] = [];
    agent.start({ cpus: 1 }, 10_000, () => ends.push(clock.elapsed()));
    await clock.advance(4_000);
    agent.start({ cpus: 1 }, 2_000, () => ends.push(clock.elapsed()));
    await clock.advance(60_000);
    // The second takes 4 s at half speed; the first has 4 s left of its 6 then.
    expect(ends).to.deep.equal([8_000, 12_000]);
  });
});

describe('The policies', () => {
  it('tell the allocator of slots, of cpus, or of everything', () => {
    expect(slots(3).offered(AGENT)).to.deep.equal({ slots: 3 });
    expect(slots(3).demandOf(LARGE)).to.deep.equal({ slots: 1 });
    expect(CPU_FAIR.offered(AGENT)).to.deep.equal({ cpus: 8 });
    expect(CPU_FAIR.demandOf(LARGE)).to.deep.equal({ cpus: 2 });
    expect(DRF.demandOf(LARGE)).to.deep.equal(LARGE);
  });

  it('come out in the published order', async () => {
    const results = await runAllPolicies('test', PUBLISHED_SCALE);
    expect(drfViolations(results)).to.deep.equal([]);
  });

  it('are told apart by what must hold: of the published rows one rule is too strict', () => {
    const row = (policy: string, [large, small]: readonly [number, number]): PolicyResult => ({
      policy,
      large: { jobsDone: large, meanResponseMs: 0 },
      small: { jobsDone: small, meanResponseMs: 0 },
      host: 'published',
    });
    const rest = [
      row('3 slots', [33, 37]),
      row('4 slots', [30, 61]),
      row('5 slots', [17, 66]),
      row('6 slots', [8, 35]),
      row('CPU-fair', [13, 94]),
    ];
    // 91 of 94 is a little less than 0.97.
    expect(drfViolations([row('DRF', [35, 91]), ...rest])).to.deep.equal([
      'DRF does at least 0.97 of the small jobs of CPU-fair',
    ]);
    expect(drfViolations([row('DRF', [32, 92]), ...rest])).to.deep.equal([
      'DRF does at least as many large jobs as 3 slots',
    ]);
  });

  it('give the same figures for the same seed, others for another', async () => {
    const run = async (seed: string): Promise<string> =>
      JSON.stringify(await runPolicy({ policy: DRF, seed, scale: SMALLER_SCALE, on: 'allocator' }));
    const first = await run('one');
    expect(await run('one')).to.equal(first);
    expect(await run('two')).not.to.equal(first);
  });

  it('do the same on the whole simulator as on the model, within a few jobs', async () => {
    const options = { policy: DRF, seed: 'test', scale: SMALLER_SCALE };
    const model = await runPolicy({ ...options, on: 'allocator' });
    const simulator = await runPolicy({ ...options, on: 'simulator' });
    for (const kind of ['small', 'large'] as const) {
      expect(simulator[kind].jobsDone).to.be.greaterThan(5);
      const ratio = simulator[kind].meanResponseMs / model[kind].meanResponseMs;
      expect(ratio, kind).to.be.within(0.85, 1.15);
    }
  });
});
