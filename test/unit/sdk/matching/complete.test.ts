import { expect } from 'chai';
import type { TaskRecord, TaskSpec, TaskStateName } from '../../../../sdk/decisions/index.js';
import type { CompleteOptions, Placement } from '../../../../sdk/matching/index.js';
import { NOW_MS, offer, offersFor, record } from './support.js';

const OFFERS = ['a', 'b'].map((name) => offer(name, { cpus: 32, mem: 9999 }));

function work(...keys: readonly string[]): readonly TaskSpec[] {
  return keys.map((key) => ({ name: 'work', key, cpus: 1, memMiB: 32, command: 'true' }));
}

function run(fields: Partial<TaskRecord> & { readonly id: string }): TaskRecord {
  return record({ name: 'work', ...fields });
}

function complete(
  tasks: readonly TaskRecord[],
  options: CompleteOptions = {},
  specs: readonly TaskSpec[] = work('k'),
): Placement {
  return offersFor(OFFERS, { tasks }).complete(specs, options);
}

/** What becomes of a key after these states: the reason, or how many are started. */
function fate(states: readonly TaskStateName[], options: CompleteOptions = {}): string | number {
  const tasks = states.map((state, index) => run({ id: `${index}`, key: 'k', state }));
  const { placed, unplaced } = complete(tasks, options);
  return unplaced[0]?.refusals[0]?.reason ?? placed.length;
}

describe('complete', () => {
  it('runs each key once', () => {
    const { placed } = complete([], {}, work('a', 'b', 'c'));
    expect(placed.map(({ spec }) => spec.key)).to.deep.equal(['a', 'b', 'c']);
    expect(fate(['FINISHED'])).to.equal(0);
    expect(fate(['RUNNING'])).to.equal(0);
    expect(fate(['GONE', 'LAUNCHING'])).to.equal(0);
    expect(fate(['GONE', 'FINISHED'])).to.equal(0);
  });

  it('waits for an unreachable task no longer than it is told, and says when to look again', () => {
    const lost = run({ id: 'u', key: 'k', state: 'UNREACHABLE', updatedAt: NOW_MS - 20_000 });
    const patient = complete([lost], { unreachableFor: '30s' });
    expect(patient.placed).to.have.lengthOf(0);
    expect(patient.actions.at(-1)).to.deep.equal({ kind: 'wake', after: 10_000 });
    expect(complete([lost], { unreachableFor: '20s' }).placed).to.have.lengthOf(1);
    expect(complete([lost], { unreachableFor: '20s', again: 'never' }).placed).to.have.lengthOf(0);
    expect(complete([lost]).placed).to.have.lengthOf(0);
    const second = run({ id: 'v', key: 'k', state: 'RUNNING' });
    expect(complete([lost, second], { unreachableFor: 0 }).placed).to.have.lengthOf(0);
  });

  it('runs a key once in a turn, however often it is asked for', () => {
    const offers = offersFor(OFFERS);
    expect(offers.complete(work('a')).placed).to.have.lengthOf(1);
    expect(offers.complete(work('a', 'b')).placed.map(({ spec }) => spec.key)).to.deep.equal(['b']);
  });

  const table: readonly (readonly [
    TaskStateName,
    string | number,
    string | number,
    string | number,
  ])[] = [
    // state, never, lost, failure
    ['DROPPED', 1, 1, 1],
    ['ERROR', 1, 1, 1],
    ['LOST', 0, 1, 1],
    ['GONE', 0, 1, 1],
    ['GONE_BY_OPERATOR', 0, 1, 1],
    ['KILLED', 0, 1, 1],
    ['FAILED', 0, 0, 1],
    ['FINISHED', 0, 0, 0],
    ['UNREACHABLE', 'UNCERTAIN', 'UNCERTAIN', 'UNCERTAIN'],
    ['UNKNOWN', 'UNCERTAIN', 1, 1],
  ];
  for (const [state, never, lost, failure] of table) {
    it(`decides by the policy after ${state}`, () => {
      expect(fate([state], { again: 'never' })).to.equal(never);
      expect(fate([state])).to.equal(lost);
      expect(fate([state], { again: 'failure' })).to.equal(failure);
    });
  }

  it('takes a failure that says something about machines as a loss', () => {
    const failed = { id: '1', key: 'k', state: 'FAILED' } as const;
    const tasks = [run({ ...failed, reason: 'REASON_EXECUTOR_TERMINATED' })];
    expect(complete(tasks).placed).to.have.lengthOf(1);
    expect(complete(tasks, { again: 'never' }).placed).to.deep.equal([]);
    const own = [run({ ...failed, reason: 'REASON_COMMAND_EXECUTOR_FAILED' })];
    expect(complete(own).placed).to.deep.equal([]);
  });

  it('does not run again what the framework has killed', () => {
    const tasks = [run({ id: '1', key: 'k', state: 'KILLED', killedAt: 1 })];
    expect(complete(tasks, { again: 'failure' }).placed).to.deep.equal([]);
  });

  it('holds every earlier run against the policy, not the last alone', () => {
    expect(fate(['GONE', 'DROPPED'], { again: 'never' })).to.equal(0);
    expect(fate(['FAILED', 'GONE'])).to.equal(0);
  });

  it('ends after as many runs as allowed, those that never started not counted', () => {
    expect(fate(['GONE', 'GONE'], { maxAttempts: 2 })).to.equal('ATTEMPTS');
    expect(fate(['GONE', 'DROPPED'], { maxAttempts: 2 })).to.equal(1);
    const { actions } = complete([run({ id: '1', key: 'k', state: 'GONE' })], { maxAttempts: 1 });
    expect(actions).to.deep.equal([{ kind: 'want', replaces: 'all', wants: [] }]);
  });

  it('runs no more at one time than it may, what an earlier call placed counted', () => {
    const tasks = [run({ id: '1', key: 'x' }), run({ id: '2', key: 'y', state: 'UNREACHABLE' })];
    const offers = offersFor(OFFERS, { tasks });
    const { placed, unplaced } = offers.complete(work('a', 'b', 'c'), { parallel: 3 });
    expect(placed).to.have.lengthOf(1);
    expect(unplaced[0]).to.deep.include({ count: 2 });
    expect(unplaced[0]?.refusals).to.deep.equal([{ reason: 'PARALLEL', detail: '3', offers: 0 }]);
    expect(offers.complete(work('d'), { parallel: 3 }).placed).to.deep.equal([]);
  });

  it('wants offers for what found none', () => {
    const { actions } = offersFor([]).complete(work('a', 'b'));
    expect(actions).to.deep.equal([
      { kind: 'want', replaces: 'all', wants: [{ name: 'work', count: 2, cpus: 1, memMiB: 32 }] },
    ]);
  });

  it('refuses work without a key, with the same key twice, and options that make no sense', () => {
    const [spec] = work('a');
    if (spec === undefined) throw new Error('no work');
    const { key, ...unkeyed } = spec;
    expect(key).to.equal('a');
    expect(() => complete([], {}, [unkeyed])).to.throw(/'work' has no 'key'/);
    expect(() => complete([], {}, work('a', 'a'))).to.throw(/twice with the key 'a'/);
    expect(() => complete([], { parallel: 0 })).to.throw(/'parallel' is 0/);
    expect(() => complete([], { maxAttempts: 1.5 })).to.throw(/'maxAttempts' is 1.5/);
    expect(() => complete([], { again: 'nevr' as 'never' })).to.throw(
      "'again' is nevr: it must be never, lost, failure",
    );
    for (const limit of [-1, Number.NaN]) {
      expect(() => complete([], { limit })).to.throw(`'limit' is ${limit}`);
    }
  });
});
