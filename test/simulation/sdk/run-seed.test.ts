import { expect } from 'chai';
import { shrinkFaults } from '../../../core/simulation/index.js';
import { type Scenario, type Story, runSeed } from '../../../sdk/testing/index.js';
import { scenarioIn } from '../../../sdk/testing/scenario.js';
import { Forgetful, scenario as forgetful } from './scenarios/forgetful.js';
import { Sound } from './scenarios/sound.js';

const sound: Scenario<Sound> = { framework: Sound };

describe('runSeed', () => {
  it('finds nothing wrong with a framework that is right, by the checks that every one has', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { failed, faults, virtualMs } = await runSeed(sound, seed);
      expect(failed?.message, `seed ${seed}`).to.equal(undefined);
      expect(faults).not.to.deep.equal([]);
      expect(virtualMs).to.be.greaterThan(20_000);
    }
  });

  it('tells what failed, when, and the faults; again it is the same, without them it is well', async () => {
    const bad = await firstFailure(forgetful);
    expect(bad.failed?.message).to.match(
      /^60s after healing: forgetful: expected that 4 tasks in state RUNNING, but found [0-3]\./,
    );
    expect(bad.failed?.atMs).to.be.within(60_000, 400_000);
    expect(bad.failed).not.to.have.property('trace');
    expect(await runSeed(forgetful, bad.seed)).to.deep.equal(bad);
    expect(await runSeed(forgetful, bad.seed, bad.faults)).to.deep.equal(bad);
    expect((await runSeed(forgetful, bad.seed, [])).failed).to.equal(undefined);
    const { failed } = await runSeed(forgetful, bad.seed, bad.faults, { keepsTrace: true });
    expect(failed?.trace).to.contain('from forgetful');
  });

  it('can be made to fail with one fault', async () => {
    const { seed, faults } = await firstFailure(forgetful);
    const fails = async (plan: typeof faults): Promise<boolean> =>
      (await runSeed(forgetful, seed, plan)).failed !== undefined;
    const { plan } = await shrinkFaults(faults, fails, 100);
    expect(plan).to.have.lengthOf(1);
    expect(['crash-task', 'reboot', 'lose']).to.include(plan[0]?.kind);
  });

  it('runs what happens beside the faults, and what comes true later', async () => {
    const order: string[] = [];
    const note =
      (what: string) =>
      ({ cluster }: Story): void => {
        order.push(`${what} ${cluster.faults?.isHealed === true ? 'healed' : 'disturbed'}`);
      };
    const { failed } = await runSeed(
      {
        ...sound,
        during: async (story) => {
          note('during')(story);
          story.cluster.addAgent();
          await story.cluster.advance('10s');
        },
        check: note('check'),
        afterwards: note('afterwards'),
      },
      1,
    );
    expect(failed).to.equal(undefined);
    expect(order).to.deep.equal(['during disturbed', 'check healed', 'afterwards healed']);
  });

  it('waits for a check that holds a little later, but not for ever', async () => {
    const since = (ms: number): NonNullable<Scenario<Sound>['check']> => {
      return ({ cluster }) => {
        if (cluster.elapsedMs < (cluster.faults?.endMs ?? 0) + ms) throw new Error('not yet');
      };
    };
    expect((await runSeed({ ...sound, check: since(20_000) }, 1, [])).failed).to.equal(undefined);
    const late = { ...sound, healWithin: '10s' as const, check: since(20_000) };
    expect((await runSeed(late, 1, [])).failed?.message).to.equal('10s after healing: not yet');
  });

  it('has what ends the framework as a failure', async () => {
    const { failed } = await runSeed(
      {
        ...sound,
        overrides: { name: 'other' },
        during: ({ framework }) => {
          void framework.runtime;
        },
      },
      1,
      [],
    );
    expect(failed?.message).to.match(/^other is not active/);
  });

  it('runs copies, of which one is active', async () => {
    const targets = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const copies: Scenario<Sound> = {
        ...sound,
        copies: 2,
        during: async ({ cluster, framework }) => {
          await cluster.advance('40s');
          framework.loseLease();
        },
      };
      const { failed, faults } = await runSeed(copies, seed);
      expect(failed?.message, `seed ${seed}`).to.equal(undefined);
      for (const { target } of faults) targets.add(target);
    }
    expect([...targets]).to.include.members(['sound-1', 'sound-2']);
  });
});

describe('A framework that is not valid', () => {
  it('is a failure of the seed with what is wrong', async () => {
    const { failed, faults } = await runSeed({ framework: Sound, overrides: { name: '' } }, 1);
    expect(failed?.message).to.contain('Sound is not valid').and.to.contain('name');
    expect(faults).to.deep.equal([]);
  });
});

async function firstFailure(scenario: Scenario): ReturnType<typeof runSeed> {
  for (let seed = 1; seed <= 50; seed++) {
    const result = await runSeed(scenario, seed);
    if (result.failed !== undefined) return result;
  }
  throw new Error('no seed fails');
}

describe('A module to simulate', () => {
  const pick = (exported: Readonly<Record<string, unknown>>, name?: string): Scenario =>
    scenarioIn(exported, { module: './m.js', name });

  it('exports a scenario by default, by name, or as the only thing', () => {
    expect(pick({ default: sound, scenario: forgetful })).to.equal(sound);
    expect(pick({ scenario: forgetful, Sound })).to.equal(forgetful);
    expect(pick({ anything: sound, other: 1 })).to.equal(sound);
    expect(pick({ scenario: forgetful, Sound }, 'Sound')).to.deep.equal({ framework: Sound });
    expect(pick({ Sound, again: Sound })).to.deep.equal({ framework: Sound });
  });

  it('says what it found instead', () => {
    expect(() => pick({})).to.throw("module './m.js' exports nothing to simulate");
    expect(() => pick({ Sound, Forgetful })).to.throw(
      'exports several scenarios and frameworks: name one, as in FILE.js#Forgetful (Forgetful, Sound)',
    );
    expect(() => pick({ Sound }, 'Other')).to.throw(
      "exports no scenario or framework 'Other'; it exports Sound",
    );
  });
});
