/**
 * Any sequence of calls of the interface, beside a model that knows nothing of how the allocator works.
 * After each call, and whenever something is given out: nothing is given twice or to anybody who must
 * not have it, limits and guarantees are kept, and every figure is that of the model.
 */
import * as fc from 'fast-check';
import type { SorterKind } from '../../../core/allocator/index.js';
import { AGENT_ACTIONS } from './model/agent-actions.js';
import { Bench } from './model/bench.js';
import { FRAMEWORK_ACTIONS } from './model/framework-actions.js';
import { sequencesOf } from './model/step.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const SORTERS: readonly SorterKind[] = ['drf', 'random'];

const { updateQuota: _, recover: __, ...WITHOUT_QUOTA } = AGENT_ACTIONS;

/** With quota, and without: then a batch leaves nothing that anybody could have. */
const KINDS = {
  'calls of all kinds': { ...AGENT_ACTIONS, ...FRAMEWORK_ACTIONS },
  'calls without quota': { ...WITHOUT_QUOTA, ...FRAMEWORK_ACTIONS },
};

describe('HierarchicalAllocator: any sequence of calls', function () {
  this.timeout(TEST_TIMEOUT_MS);

  for (const sorter of SORTERS) {
    for (const [kind, actions] of Object.entries(KINDS)) {
      it(`does what the model allows after ${kind}, with the ${sorter} sorter`, async () => {
        const settings = fc.record({
          seed: fc.nat(),
          sorter: fc.constant(sorter),
          minimum: fc.constantFrom('', 'cpus:0.5|mem:64', 'cpus:1;mem:32'),
          early: fc.boolean(),
        });
        await fc.assert(
          fc.asyncProperty(
            settings,
            sequencesOf(actions, { maxCommands: 150 }),
            async (options, steps) => {
              const bench = new Bench(options);
              await fc.asyncModelRun(() => ({ model: bench.model, real: bench }), steps);
              bench.dispose();
            },
          ),
          runs(100),
        );
      });
    }
  }
});
