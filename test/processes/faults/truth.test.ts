import { expect } from 'chai';
import type { TaskState, TaskStatus } from '../../../core/api/index.js';
import { type Deeds, faultsOf } from './truth.js';

const RAN: Deeds = { pids: [7], ends: [3] };
const NEVER_RAN: Deeds = { pids: [], ends: [] };
const EXITED = 'Command exited with status 3';

function update(state: TaskState, uuid: string, message?: string): TaskStatus {
  return { task_id: { value: 't' }, state, uuid, ...(message === undefined ? {} : { message }) };
}

function answer(state: TaskState): TaskStatus {
  return { task_id: { value: 't' }, state, reason: 'REASON_RECONCILIATION' };
}

function judge(told: readonly TaskStatus[], deeds: Deeds): string {
  return faultsOf('t', told, { deeds })
    .map((fault) => fault.slice('t: '.length, fault.indexOf(' [')))
    .join('; ');
}

describe('The judge of what schedulers are told', () => {
  const starting = update('TASK_STARTING', 'a');
  const running = update('TASK_RUNNING', 'b');
  const failed = update('TASK_FAILED', 'c', EXITED);

  it('finds nothing wrong with honest histories', () => {
    for (const told of [
      [starting, running, failed],
      [starting, starting, running, answer('TASK_RUNNING'), running, failed, failed],
      [starting, running, answer('TASK_FAILED'), failed, answer('TASK_GONE')],
    ]) {
      expect(judge(told, RAN)).to.equal('');
    }
    expect(judge([answer('TASK_UNKNOWN')], NEVER_RAN)).to.equal('');
    const unseen = update('TASK_FAILED', 'c', 'Command ended unseen: the agent was restarted');
    expect(judge([starting, unseen], NEVER_RAN)).to.equal('');
  });

  it('finds what is out of order', () => {
    expect(judge([starting, running, starting, failed], RAN)).to.match(/^went back from RUNNING/);
    expect(judge([starting, failed, running], RAN)).to.match(/^RUNNING.* after FAILED/);
    expect(judge([failed, update('TASK_FAILED', 'd', EXITED)], RAN)).to.match(/after FAILED/);
    expect(judge([answer('TASK_UNKNOWN'), running, failed], RAN)).to.match(/after UNKNOWN/);
  });

  it('finds what is not true', () => {
    expect(judge([starting, running], RAN)).to.match(/^never came to an end: TASK_RUNNING/);
    expect(judge([running, answer('TASK_FAILED')], RAN)).to.match(/^never came to an end/);
    expect(judge([answer('TASK_UNKNOWN')], RAN)).to.match(/^ran, and was told as UNKNOWN/);
    expect(judge([failed], { pids: [7, 8], ends: [3] })).to.equal('ran 2 times');
    expect(judge([failed], { pids: [7], ends: [] })).to.equal('is said to have ended with 3');
    expect(judge([update('TASK_FINISHED', 'c', EXITED)], RAN)).to.match(/state and status differ/);
  });

  it('asks no account of a task that was killed, but believes no other end of it', () => {
    const deeds = { pids: [7], ends: [] };
    const cut = (status: TaskStatus): number =>
      faultsOf('t', [status], { deeds, mayBeCut: true }).length;
    expect(cut(update('TASK_KILLED', 'c', 'Command terminated with signal SIGTERM'))).to.equal(0);
    expect(cut(update('TASK_FAILED', 'c', 'Command ended unseen: the launcher died'))).to.equal(0);
    expect(cut(update('TASK_FINISHED', 'c', 'Command exited with status 0'))).to.equal(1);
    expect(cut(update('TASK_DROPPED', 'c'))).to.equal(1);
  });
});
