/** What explanations cost: when nobody asks, and to answer one. */
import { type Bench, sampled } from './bench.js';
import { type BenchResult, summarise } from './result.js';
import { Rig, amounts } from './rig.js';

const AGENTS = 10_000;
const FRAMEWORKS = 100;
/** Agents whose offers go back before each cycle. */
const FREED = 1_000;

export const WHY: Bench = {
  name: 'Why',
  run({ agents = AGENTS }) {
    const size = `${agents} agents x ${FRAMEWORKS} frameworks`;
    const results: BenchResult[] = [];
    for (const decisionLog of [true, false]) {
      const rig = filled(agents, decisionLog);
      const cycle = sampled(
        () => {
          rig.recover(FREED);
          return rig.run();
        },
        { warmUps: 10, rounds: 30 },
      );
      const log = decisionLog ? 'decisions logged' : 'no log of decisions';
      const note = `${FREED} agents offered anew`;
      results.push(summarise(`cycle, ${log}, ${size}`, cycle, { note }));
      if (decisionLog) results.push(explained(rig, size));
      rig.dispose();
    }
    return results;
  },
};

function filled(agents: number, decisionLog: boolean): Rig {
  const rig = new Rig({ decisionLog });
  for (let index = 0; index < FRAMEWORKS; index++) rig.addFramework(`role-${index % 10}`);
  for (let index = 0; index < agents; index++) {
    rig.addAgent({ total: amounts({ cpus: 24, mem: 4096, disk: 4096 }, '31000-32000') });
  }
  rig.run();
  return rig;
}

function explained(rig: Rig, size: string): BenchResult {
  rig.recover(FREED, 3600);
  const samples = sampled(() => {
    const startMs = performance.now();
    const [framework] = rig.frameworks;
    if (framework === undefined || rig.allocator.explain(framework) === undefined) {
      throw new Error('there is nothing to explain');
    }
    return performance.now() - startMs;
  });
  return summarise(`one explanation, ${size}`, samples);
}
