import { expect } from 'chai';
import { type Attempt, packAttempt, unpackAttempt } from '../../../frameworks/batch/attempts.js';

const ATTEMPT: Attempt = {
  index: 99_999,
  attempt: 2,
  taskId: 'job.step.99999.a1b2c3d4e5f6',
  agent: 77,
  launchedAt: 1_900_000_000_123,
  endedAt: 1_900_000_004_567,
  end: { kind: 'success' },
  state: 'FINISHED',
  isReplaced: false,
};

describe('Packed attempts', () => {
  const others: readonly Partial<Attempt>[] = [
    {},
    { isReplaced: true },
    { taskId: 'of another kind' },
    { end: { kind: 'exited', exitCode: 137 }, state: 'FAILED', message: 'exit | with bars ||' },
    { end: { kind: 'signaled', signal: 'SIGSEGV' }, state: 'FAILED', reason: 'REASON_X' },
    { end: { kind: 'limit', limit: 'memory' }, state: 'FAILED' },
    { end: { kind: 'killed' }, state: 'KILLED' },
    { end: { kind: 'infrastructure' }, state: 'LOST', reason: 'REASON_AGENT_REMOVED' },
    { end: { kind: 'refused' }, state: 'ERROR' },
    { end: { kind: 'failed' }, state: 'FAILED', message: 'x' },
  ];
  for (const other of others) {
    it(`come back as they were: ${JSON.stringify(other)}`, () => {
      const attempt = { ...ATTEMPT, ...other };
      const back = unpackAttempt(packAttempt(attempt, 'job.step'), 'job.step');
      expect(back).to.deep.equal(attempt);
    });
  }

  it('of a success take less than 60 characters', () => {
    expect(packAttempt(ATTEMPT, 'job.step').length).to.be.below(60);
  });

  it('keep the beginning of a long message', () => {
    const long = packAttempt(
      { ...ATTEMPT, end: { kind: 'failed' }, state: 'FAILED', message: 'x'.repeat(10_000) },
      'job.step',
    );
    expect(long.length).to.be.below(400);
  });
});
