import { expect } from 'chai';
import { DecisionLog } from '../../../../sdk/runtime/decision-log.js';

const NO_OFFERS = [{ reason: 'NO_OFFERS', detail: '', offers: 0 }] as const;
const SHORT = [{ reason: 'RESOURCE', detail: 'cpus', offers: 2 }] as const;

describe('Explanations of a name with several placements in a turn', () => {
  it('do not grow from turn to turn while there is no offer', () => {
    const log = new DecisionLog(10);
    const one = { name: 'web', count: 1 };
    log.explain(1, [{ ...one, refusals: SHORT }]);
    for (let turn = 0; turn < 40; turn++) {
      log.explain(turn, [
        { ...one, refusals: NO_OFFERS },
        { ...one, refusals: NO_OFFERS },
      ]);
    }
    const [explanation] = log.explanations;
    expect(explanation).to.deep.include({ name: 'web', count: 2, refusals: SHORT });
  });
});
