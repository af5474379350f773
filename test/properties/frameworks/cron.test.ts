import { expect } from 'chai';
import * as fc from 'fast-check';
import { cronLimits } from '../../../frameworks/cron/index.js';
import { Rig } from '../../unit/frameworks/cron/support.js';

const MINUTE_MS = 60_000;
const START = '2030-01-01T00:00:30Z';

type Step =
  | { readonly kind: 'advance' | 'jump' | 'back'; readonly ms: number }
  | { readonly kind: 'restart' | 'finish' | 'edit' | 'demand' };

/** Time passes, the wall clock jumps, the scheduler dies, runs end, somebody edits the job. */
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('advance' as const, 'jump' as const, 'back' as const),
      ms: fc.integer({ min: 0, max: 90 * MINUTE_MS }),
    }),
    fc.record({ kind: fc.constantFrom('restart', 'finish', 'edit', 'demand') }),
  ),
  { maxLength: 40 },
);

function take(rig: Rig, step: Step, index: number): void {
  const { nowMs } = rig;
  switch (step.kind) {
    case 'advance':
      return rig.advanceTo(nowMs + step.ms);
    case 'jump':
      return rig.jumpTo(new Date(nowMs + step.ms).toISOString());
    case 'back':
      return rig.jumpTo(new Date(nowMs - step.ms).toISOString());
    case 'restart':
      return rig.restart();
    case 'finish':
      return rig.finishAll('job');
    case 'edit': {
      const { spec } = rig.engine.job('job');
      rig.engine.update({ ...spec, description: `edit ${index}` }, {}, nowMs);
      return;
    }
    default:
      // Beyond the bound it is refused.
      if (rig.engine.activeRuns('job').length < cronLimits.MAX_ACTIVE_RUNS) {
        rig.engine.runNow('job', {}, { nowMs, token: `t${index}` });
      }
  }
}

describe('Cron', () => {
  for (const concurrencyPolicy of ['Forbid', 'Allow', 'Replace'] as const) {
    it(`deals with each due time once, whatever happens, with ${concurrencyPolicy}`, () => {
      fc.assert(
        fc.property(steps, (given) => {
          const rig = new Rig(START);
          rig.create({ id: 'job', cron: '* * * * *', schedule: { concurrencyPolicy } });
          let latestMs = rig.nowMs;
          for (const [index, step] of given.entries()) {
            take(rig, step, index);
            latestMs = Math.max(latestMs, rig.nowMs);
          }
          rig.engine.tick(rig.nowMs);
          const due = Math.floor(latestMs / MINUTE_MS) - Math.floor(Date.parse(START) / MINUTE_MS);
          const { skipped, missed } = rig.engine.tally('job');
          const claimed = rig.state.cursors.get('job/main')?.claimed ?? 0;
          expect(claimed + skipped + missed).to.equal(due);
          expect(rig.port.repeated).to.equal(0);
          if (concurrencyPolicy !== 'Replace') {
            // Those that wait to replace another may never be submitted.
            const scheduled = [...rig.port.documents.keys()].filter((name) =>
              name.endsWith('-main'),
            );
            expect(scheduled.length).to.equal(claimed);
          }
          const active = rig.engine.activeRuns('job').filter((run) => run.scheduleId !== undefined);
          if (concurrencyPolicy === 'Forbid') expect(active.length).to.be.at.most(1);
        }),
        { numRuns: 150 },
      );
    });
  }
});
