import { expect } from 'chai';
import { type TaskRecord, endOf } from '../../../../sdk/decisions/index.js';

type Given = Parameters<typeof endOf>[0];

describe('endOf', () => {
  const ends: readonly (readonly [what: string, given: Given, end: object | undefined])[] = [
    ['nothing of what may run', { state: 'RUNNING' }, undefined],
    ['nothing of what is out of reach', { state: 'UNREACHABLE' }, undefined],
    ['success', { state: 'FINISHED' }, { kind: 'success' }],
    [
      'the exit code',
      { state: 'FAILED', message: 'Command exited with status 3' },
      { kind: 'exited', exitCode: 3 },
    ],
    [
      'the signal',
      { state: 'FAILED', message: 'Command terminated with signal SIGSEGV' },
      { kind: 'signaled', signal: 'SIGSEGV' },
    ],
    [
      'the limit before the signal that enforced it',
      {
        state: 'FAILED',
        reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
        message: 'Command terminated with signal SIGKILL',
      },
      { kind: 'limit', limit: 'memory' },
    ],
    [
      'the time',
      { state: 'FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED' },
      { kind: 'limit', limit: 'time' },
    ],
    ['a kill of the framework', { state: 'KILLED', killedAt: 1 }, { kind: 'killed' }],
    ['a kill of somebody else', { state: 'KILLED' }, { kind: 'infrastructure' }],
    ['the loss of an agent', { state: 'GONE' }, { kind: 'infrastructure' }],
    [
      'an executor that is gone',
      { state: 'FAILED', reason: 'REASON_EXECUTOR_TERMINATED', message: 'exited with status 1' },
      { kind: 'infrastructure' },
    ],
    ['a refusal', { state: 'ERROR', reason: 'REASON_TASK_INVALID' }, { kind: 'refused' }],
    [
      'any other failure',
      { state: 'FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED' },
      { kind: 'failed' },
    ],
  ];
  for (const [what, given, end] of ends) {
    it(`tells ${what}`, () => expect(endOf(given)).to.deep.equal(end));
  }

  it('takes whole records', () => {
    const record: Given = { state: 'FINISHED' } satisfies Partial<TaskRecord>;
    expect(endOf(record)).to.deep.equal({ kind: 'success' });
  });
});
