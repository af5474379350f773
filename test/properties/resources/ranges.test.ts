import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  type Range,
  type Ranges,
  normaliseRanges,
  rangesContain,
  rangesEqual,
  rangesSize,
  subtractRanges,
  uniteRanges,
} from '../../../core/resources/index.js';
import { ranges } from './arbitraries.js';

/** The model: the integers one by one. */
function integersOf(list: readonly Range[]): Set<number> {
  const integers = new Set<number>();
  for (const [begin, end] of list) {
    for (let integer = begin; integer <= end; integer++) integers.add(integer);
  }
  return integers;
}

function sorted(integers: Iterable<number>): number[] {
  return [...integers].toSorted((one, other) => one - other);
}

function expectNormal(list: Ranges): void {
  let last = -2;
  for (const [begin, end] of list) {
    expect(begin).to.be.greaterThan(last + 1);
    expect(end).to.be.at.least(begin);
    last = end;
  }
}

const overlapping = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 12 }))
    .map(([begin, length]): Range => [begin, begin + length]),
  { maxLength: 10 },
);

describe('Ranges against sets of integers', () => {
  it('normalise to sorted ranges that neither overlap nor touch', () => {
    fc.assert(
      fc.property(overlapping, (list) => {
        const normal = normaliseRanges(list);
        expectNormal(normal);
        expect(sorted(integersOf(normal))).to.deep.equal(sorted(integersOf(list)));
        expect(rangesSize(normal)).to.equal(integersOf(list).size);
      }),
    );
  });

  it('unite, subtract, contain and compare as sets do', () => {
    fc.assert(
      fc.property(ranges, overlapping, (listOne, listTwo) => {
        const [one, two] = [normaliseRanges(listOne), normaliseRanges(listTwo)];
        const [setOne, setTwo] = [integersOf(one), integersOf(two)];

        const union = uniteRanges(one, two);
        expectNormal(union);
        expect(sorted(integersOf(union))).to.deep.equal(sorted(new Set([...setOne, ...setTwo])));

        const rest = subtractRanges(one, two);
        expectNormal(rest);
        const expected = [...setOne].filter((integer) => !setTwo.has(integer));
        expect(sorted(integersOf(rest))).to.deep.equal(sorted(expected));

        const isInside = [...setTwo].every((integer) => setOne.has(integer));
        expect(rangesContain(one, two)).to.equal(isInside);
        expect(rangesContain(union, two)).to.equal(true);
        expect(rangesEqual(one, two)).to.equal(isInside && setOne.size === setTwo.size);
      }),
    );
  });
});
