import { expect } from 'chai';
import * as fc from 'fast-check';
import { IndexRanges } from '../../../frameworks/batch/index.js';

type Step =
  | { readonly kind: 'add' | 'remove'; readonly index: number }
  | { readonly kind: 'span'; readonly first: number; readonly length: number }
  | { readonly kind: 'addAll' | 'removeAll' | 'intersect'; readonly others: readonly number[] };

const index = fc.nat(60);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('add' as const, 'remove' as const), index }),
  fc.record({ kind: fc.constant('span' as const), first: index, length: fc.nat(20) }),
  fc.record({
    kind: fc.constantFrom('addAll' as const, 'removeAll' as const, 'intersect' as const),
    others: fc.array(index),
  }),
);

function rangesOf(indexes: Iterable<number>): IndexRanges {
  const set = IndexRanges.empty();
  for (const each of indexes) set.add(each);
  return set;
}

function applied(set: IndexRanges, model: Set<number>, one: Step): IndexRanges {
  switch (one.kind) {
    case 'add':
      expect(set.add(one.index)).to.equal(!model.has(one.index));
      model.add(one.index);
      return set;
    case 'remove':
      expect(set.remove(one.index)).to.equal(model.delete(one.index));
      return set;
    case 'span':
      set.addSpan(one.first, one.first + one.length);
      for (let each = one.first; each <= one.first + one.length; each++) model.add(each);
      return set;
    case 'addAll':
      set.addAll(rangesOf(one.others));
      for (const each of one.others) model.add(each);
      return set;
    case 'removeAll':
      set.removeAll(rangesOf(one.others));
      for (const each of one.others) model.delete(each);
      return set;
    default: {
      const others = new Set(one.others);
      for (const each of model) if (!others.has(each)) model.delete(each);
      return set.intersection(rangesOf(others));
    }
  }
}

describe('IndexRanges against a set', () => {
  it('holds the same after any steps, in as few ranges as can be', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Set<number>();
        let set = IndexRanges.empty();
        for (const one of steps) set = applied(set, model, one);
        const sorted = [...model].toSorted((one, other) => one - other);
        expect([...set]).to.deep.equal(sorted);
        expect(set.size).to.equal(model.size);
        expect(set.first).to.equal(sorted[0]);
        expect(set.last).to.equal(sorted.at(-1));
        const bounds = [...set.ranges()];
        for (const [place, [first]] of bounds.entries()) {
          if (place > 0) expect(first).to.be.above((bounds[place - 1]?.[1] ?? 0) + 1);
        }
      }),
    );
  });

  it('reads what it writes, and cuts and takes as a list would', () => {
    fc.assert(
      fc.property(fc.array(index), index, index, fc.nat(10), (indexes, first, last, count) => {
        const set = rangesOf(indexes);
        const sorted = [...set];
        expect([...IndexRanges.parse(set.toString())]).to.deep.equal(sorted);
        const inside = sorted.filter((each) => each >= first && each <= last);
        expect(set.within(first, last)).to.deep.equal(inside);
        expect([...IndexRanges.parse(set.textWithin(first, last))]).to.deep.equal(inside);
        const after = sorted.filter((each) => each > first).slice(0, count);
        expect(set.take(count, first)).to.deep.equal(after);
      }),
    );
  });
});
