import { expect } from 'chai';
import type { Action, TaskRecord, TaskSpec } from '../../../../sdk/decisions/index.js';
import { type KeepOptions, type Placement, backoffUntil } from '../../../../sdk/matching/index.js';
import { NOW_MS, WEB, offer, offersFor, record } from './support.js';

const ROOMY = ['a', 'b', 'c'].map((name) => offer(name, { cpus: 8, mem: 9999 }));

function keep(
  count: number,
  tasks: readonly TaskRecord[],
  options: KeepOptions & { readonly spec?: TaskSpec } = {},
): Placement {
  const { spec = WEB, ...rest } = options;
  return offersFor(ROOMY, { tasks }).keep(count, spec, rest);
}

function wakes(actions: readonly Action[]): readonly unknown[] {
  return actions.flatMap((action) => (action.kind === 'wake' ? [action.after] : []));
}

function idsOf(tasks: readonly { readonly id: string }[]): string {
  return tasks.map(({ id }) => id).join(' ');
}

describe('keep', () => {
  it('starts what lacks', () => {
    const tasks = [record({ id: '1' }), record({ id: '2', state: 'LAUNCHING' })];
    const placement = keep(3, tasks);
    expect(placement.placed).to.have.lengthOf(1);
    expect(placement.surplus).to.deep.equal([]);
    expect(keep(2, tasks).actions).to.deep.equal([{ kind: 'want', replaces: 'all', wants: [] }]);
  });

  it('ends what is too much: out of reach, ill, not running yet, then the youngest', () => {
    const tasks = [
      record({ id: 'old' }),
      record({ id: 'lost', state: 'UNREACHABLE', updatedAt: NOW_MS }),
      record({ id: 'ill', healthy: false }),
      record({ id: 'new', state: 'STAGING' }),
      record({ id: 'young', healthy: true }),
    ];
    const options = { unreachableFor: '1m' } as const;
    expect(idsOf(keep(1, tasks, options).surplus)).to.equal('lost ill new young');
    expect(idsOf(keep(4, tasks, options).surplus)).to.equal('lost');
    expect(keep(0, tasks, options).actions.filter(({ kind }) => kind === 'kill')).to.have.lengthOf(
      5,
    );
  });

  it('keeps tasks even over the values of GROUP_BY when it ends some', () => {
    const tasks = ['a', 'a', 'a', 'b', 'c'].map((rack, index) =>
      record({ id: `${rack}${index}`, attributes: { rack } }),
    );
    const spec: TaskSpec = { ...WEB, constraints: [['rack', 'GROUP_BY']] };
    expect(idsOf(keep(3, tasks, { spec }).surplus)).to.equal('a2 a1');
  });

  it('takes tasks that are being ended as gone, and does not end them twice', () => {
    const tasks = [record({ id: '1', killedAt: 1 }), record({ id: '2', state: 'KILLING' })];
    expect(keep(1, tasks).placed).to.have.lengthOf(1);
    expect(keep(0, tasks).surplus).to.deep.equal([]);
  });

  it('replaces an unreachable task at once, or when its time is over', () => {
    const tasks = [record({ id: '1', state: 'UNREACHABLE', updatedAt: NOW_MS - 20_000 })];
    expect(keep(1, tasks).placed).to.have.lengthOf(1);
    const patient = keep(1, tasks, { unreachableFor: '1m' });
    expect(patient.placed).to.have.lengthOf(0);
    expect(wakes(patient.actions)).to.deep.equal([40_000]);
    expect(keep(1, tasks, { unreachableFor: '20s' }).placed).to.have.lengthOf(1);
  });

  it('gives the place of a task that was given up to another', () => {
    const attributes = { '@hostname': 'gone', zone: 'z' };
    const tasks = [record({ id: '1', state: 'UNREACHABLE', attributes })];
    const spec: TaskSpec = { ...WEB, constraints: [['zone', 'UNIQUE']] };
    const offers = offersFor(
      ['a', 'b'].map((name) => offer(name, { attributes: { zone: 'z' } })),
      { tasks },
    );
    const { placed, unplaced } = offers.keep(2, spec);
    expect(placed).to.have.lengthOf(1);
    expect(unplaced[0]?.refusals[0]).to.deep.include({
      reason: 'CONSTRAINT',
      detail: 'zone UNIQUE',
    });
  });

  it('counts what it has placed before in the same turn', () => {
    const offers = offersFor(ROOMY);
    expect(offers.keep(3, WEB).placed).to.have.lengthOf(3);
    expect(offers.keep(3, WEB).placed).to.have.lengthOf(0);
    expect(offers.keep(2, { ...WEB, name: 'other' }).placed).to.have.lengthOf(2);
  });

  it('waits after a failure, and asks to be called when the wait is over', () => {
    const tasks = [
      record({ id: '1', state: 'FAILED', launchedAt: NOW_MS - 5000, updatedAt: NOW_MS - 400 }),
      record({ id: '2' }),
    ];
    const { placed, unplaced, actions } = keep(3, tasks);
    expect(placed).to.deep.equal([]);
    expect(unplaced).to.deep.equal([
      { spec: WEB, count: 2, refusals: [{ reason: 'BACKOFF', detail: '600 ms', offers: 0 }] },
    ]);
    expect(wakes(actions)).to.deep.equal([600]);
    const wants = actions.flatMap((one) => (one.kind === 'want' ? one.wants : []));
    expect(wants, 'offers do not help').to.deep.equal([]);
    expect(keep(3, tasks, { backoff: '400ms' }).placed).to.have.lengthOf(2);
  });

  it('does not wait for a time that was noted before the clock was set back', () => {
    const later = { launchedAt: NOW_MS + 3_590_000, updatedAt: NOW_MS + 3_600_000 };
    expect(keep(1, [record({ id: '1', state: 'FAILED', ...later })]).placed).to.have.lengthOf(1);
    const away = [record({ id: '1', state: 'UNREACHABLE', ...later })];
    expect(keep(1, away, { unreachableFor: '1m' }).placed).to.have.lengthOf(1);
    const soon = [record({ id: '1', state: 'UNREACHABLE', updatedAt: NOW_MS + 5 })];
    expect(keep(1, soon, { unreachableFor: '1m' }).placed, 'a step of NTP').to.deep.equal([]);
  });

  it('refuses a count that is none', () => {
    expect(() => keep(-1, [])).to.throw(/keep\(-1\) of task 'web'/);
    expect(() => keep(Number.NaN, [])).to.throw(/keep\(NaN\)/);
  });
});

describe('Backoff', () => {
  /** Tasks by when they ran, in seconds. */
  function ended(...runs: readonly (readonly [from: number, to: number])[]): readonly TaskRecord[] {
    return runs.map(([from, to], index) =>
      record({ id: `${index}`, state: 'FAILED', launchedAt: from * 1000, updatedAt: to * 1000 }),
    );
  }

  it('doubles with each failure in a row, up to the longest', () => {
    const runs = [
      [0, 1],
      [2, 3],
      [5, 6],
      [10, 11],
    ] as const;
    const waits = runs.map((_, index) => {
      const some = ended(...runs.slice(0, index + 1));
      return backoffUntil(some, {}) - (runs[index]?.[1] ?? 0) * 1000;
    });
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000]);
    expect(backoffUntil(ended(...runs), { maxBackoff: '3s' })).to.equal(14_000);
    expect(backoffUntil([], {})).to.equal(0);
  });

  it('takes tasks that fail side by side as one failure', () => {
    expect(backoffUntil(ended([0, 1], [0, 2], [0.5, 3]), {})).to.equal(4000);
  });

  it('begins anew after a long run', () => {
    expect(backoffUntil(ended([0, 1], [2, 3], [5, 1000]), {})).to.equal(1_001_000);
  });

  it('takes no account of what the framework ended, or what infrastructure lost', () => {
    const at = { launchedAt: 0, updatedAt: 1000 };
    const tasks = [
      record({ id: '1', state: 'KILLED', ...at }),
      record({ id: '2', state: 'FAILED', killedAt: 5, ...at }),
      record({ id: '3', state: 'GONE', ...at }),
      record({ id: '4', state: 'RUNNING', ...at }),
    ];
    expect(backoffUntil(tasks, {})).to.equal(0);
    expect(
      backoffUntil([record({ id: '5', state: 'KILLED', healthy: false, ...at })], {}),
    ).to.equal(2000);
  });
});
