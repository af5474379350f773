/** Upgrades as a game: instances start, become well, fail and end in any order, and the plan must keep its word. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Instance } from '../../../../frameworks/services/decide/instances.js';
import { capacitiesOf, planApp } from '../../../../frameworks/services/decide/plan-app.js';
import { isHealthy } from '../../../../frameworks/services/decide/instances.js';
import { app, instance } from '../../../unit/frameworks/services/support.js';

type Move = 'well' | 'fail' | 'end' | 'wait' | 'forget-truth';

const GAME = fc.record({
  instances: fc.integer({ min: 0, max: 8 }),
  before: fc.integer({ min: 0, max: 8 }),
  minimumHealthCapacity: fc.constantFrom(0, 0.25, 0.5, 0.9, 1),
  maximumOverCapacity: fc.constantFrom(0, 0.1, 0.5, 1),
  moves: fc.array(
    fc.tuple(
      fc.constantFrom<Move>('well', 'well', 'well', 'end', 'end', 'fail', 'wait', 'forget-truth'),
      fc.nat({ max: 50 }),
    ),
    { maxLength: 80 },
  ),
});

function healthyCount(instances: readonly Instance[]): number {
  return instances.filter((one) => isHealthy(one)).length;
}

describe('Upgrades', () => {
  it('never end a healthy instance that the strategy needs, stay within capacity, and come to an end', () => {
    fc.assert(
      fc.property(GAME, ({ instances: wanted, before, moves, ...strategy }) => {
        const upgradeStrategy = { ...strategy, minHealthySeconds: 1 };
        const target = app({ instances: wanted, upgradeStrategy }, 'c2');
        const goal = { kind: 'roll', app: target } as const;
        const { minHealthy, most } = capacitiesOf(target);
        let nowMs = 10_000;
        let live: Instance[] = Array.from({ length: before }, () => instance());
        const replace = (old: Instance, fields: Partial<Instance['task']>): void => {
          live = live.map((one) =>
            one === old ? { ...one, task: { ...one.task, ...fields } } : one,
          );
        };
        const act = (isReconciled: boolean): boolean => {
          const plan = planApp(goal, { instances: live, nowMs, isReconciled });
          const healthy = healthyCount(live);
          expect(isReconciled || plan.kills.length === 0).to.equal(true);
          for (const one of plan.kills) replace(one, { killedAt: nowMs });
          // What was below before is not the plan's doing.
          expect(healthyCount(live)).to.be.at.least(Math.min(healthy, minHealthy));
          const there = live.length;
          for (let count = 0; count < plan.launch; count++) {
            live.push(
              instance(
                { state: 'STAGING', updatedAt: nowMs },
                { config: 'c2', healthySince: Infinity },
              ),
            );
          }
          if (plan.launch > 0) expect(there + plan.launch).to.be.at.most(most);
          return plan.isDone;
        };
        const play = (move: Move, pick: number): void => {
          nowMs += 700;
          const one = live[pick % Math.max(1, live.length)];
          if (one === undefined) return;
          if (move === 'fail') live = live.filter((other) => other !== one);
          if (move === 'end' && one.task.killedAt !== undefined)
            live = live.filter((other) => other !== one);
          if (move === 'well' && one.task.state === 'STAGING') {
            const record = {
              app: '/web',
              startedAt: nowMs,
              healthySince: nowMs,
              failures: 0,
              addresses: [],
            };
            live = live.map((other) =>
              other === one ? { ...one, task: { ...one.task, state: 'RUNNING' }, record } : other,
            );
          }
        };
        for (const [move, pick] of moves) {
          play(move, pick);
          act(move !== 'forget-truth');
        }
        // With no more faults it ends, with exactly what is wanted.
        let isDone = false;
        for (let round = 0; round < 400 && !isDone; round++) {
          for (let pick = live.length - 1; pick >= 0; pick--) {
            play('well', pick);
            play('end', pick);
          }
          nowMs += 2_000;
          isDone = act(true);
        }
        expect(isDone).to.equal(true);
        expect(live.filter(({ data }) => data.config === 'c2')).to.have.length(wanted);
        expect(live.filter(({ task }) => task.killedAt === undefined)).to.have.length(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('come to the wanted number from any number, whatever versions they are of', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 20 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        (wanted, wells) => {
          const target = app({ instances: wanted });
          const live = wells.map((isWell) => instance({ healthy: isWell }, { checked: true }));
          const plan = planApp(
            { kind: 'keep', app: target },
            { instances: live, nowMs: 0, isReconciled: true },
          );
          expect(live.length + plan.launch - plan.kills.length).to.equal(wanted);
          const killedWell = plan.kills.filter((one) => isHealthy(one)).length;
          const leftIll = live.filter((one) => !isHealthy(one) && !plan.kills.includes(one)).length;
          // A healthy one goes only when no ill one is left.
          expect(killedWell === 0 || leftIll === 0).to.equal(true);
        },
      ),
    );
  });
});
