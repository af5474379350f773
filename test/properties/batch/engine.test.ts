import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  BatchEngine,
  type BatchState,
  type JobView,
  jobViewOf,
} from '../../../frameworks/batch/index.js';
import { MemoryRepository } from '../../../sdk/index.js';
import { FakeCluster, documentOf } from '../../unit/batch/support.js';

/** How an attempt ends. */
type End = 'success' | 'failure' | 'fault' | 'refused';

/** What becomes of one index by the rules of the guide, in the order of its attempts. */
function modelOf(ends: readonly End[], limit: number): { state: string; attempts: number } {
  let failures = 0;
  for (const [number, end] of ends.entries()) {
    const attempts = number + 1;
    if (end === 'success') return { state: 'SUCCEEDED', attempts };
    if (end === 'refused') return { state: 'FAILED', attempts };
    if (end === 'failure') failures++;
    if (failures > limit) return { state: 'FAILED', attempts };
  }
  // After the drawn ends every attempt succeeds.
  return { state: 'SUCCEEDED', attempts: ends.length + 1 };
}

const UPDATES = {
  success: { state: 'FINISHED' },
  failure: { state: 'FAILED', message: 'Command exited with status 3' },
  fault: { state: 'LOST', reason: 'REASON_AGENT_REMOVED' },
  refused: { state: 'ERROR', reason: 'REASON_TASK_INVALID' },
} as const;

const end = fc.constantFrom<End>('success', 'failure', 'failure', 'fault', 'refused');

function newState(): BatchState {
  return {
    jobs: new MemoryRepository(),
    chunks: new MemoryRepository(),
    agents: new MemoryRepository(),
    counters: new MemoryRepository(),
  };
}

/** Values as a store gives them back. */
function restored(state: BatchState): BatchState {
  const copy = newState();
  const names = ['jobs', 'chunks', 'agents', 'counters'] as const;
  for (const name of names) {
    for (const [key, value] of state[name].entries()) {
      copy[name].set(key, JSON.parse(JSON.stringify(value)) as never);
    }
  }
  return copy;
}

describe('The batch engine against a model', () => {
  it('accounts for attempts as the rules say, over restarts, within the throttle', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(end, { maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        fc.record({
          limit: fc.nat(3),
          parallelism: fc.integer({ min: 1, max: 4 }),
          restartEvery: fc.integer({ min: 2, max: 9 }),
          seed: fc.nat(),
        }),
        (ends, { limit, parallelism, restartEvery, seed }) => {
          const cluster = new FakeCluster(seed);
          let state = newState();
          let engine = new BatchEngine(state, cluster.context);
          const document = documentOf({
            completions: ends.length,
            parallelism,
            backoffLimitPerIndex: limit,
          });
          cluster.carryOut(engine.submit(document, {}, cluster.context).decision);
          const tried = ends.map(() => 0);
          for (let round = 0; !engine.job('job').isFinished; round++) {
            expect(round, 'rounds').to.be.below(500);
            if (round % restartEvery === 0) {
              state = restored(state);
              engine = new BatchEngine(state, cluster.context);
              cluster.carryOut(engine.started());
            }
            cluster.advance(60_000);
            cluster.carryOut(engine.place(cluster.offers(), cluster.context));
            expect(cluster.live.length).to.be.at.most(parallelism);
            const task = cluster.anyLive();
            if (task === undefined) continue;
            const index = Number(task.key);
            const how = ends[index]?.[tried[index] ?? 0] ?? 'success';
            tried[index] = (tried[index] ?? 0) + 1;
            cluster.carryOut(
              engine.taskUpdated(cluster.updated(task, UPDATES[how]), cluster.context),
            );
            engine.step(engine.job('job')).array.assertInvariant();
          }
          const job = engine.job('job');
          const step = engine.step(job);
          for (const [index, each] of ends.entries()) {
            const expected = modelOf(each, limit);
            expect(step.array.stateOf(index), `index ${index}`).to.equal(expected.state);
            expect([...engine.attempts(job, step, index)].length).to.equal(expected.attempts);
          }
          const view: JobView = jobViewOf(job);
          const isGood = view.failed === 0;
          expect(view.state).to.equal(isGood ? 'SUCCEEDED' : 'FAILED');
          const again = new BatchEngine(restored(state), cluster.context);
          expect(jobViewOf(again.job('job'))).to.deep.equal(view);
        },
      ),
    );
  });
});
