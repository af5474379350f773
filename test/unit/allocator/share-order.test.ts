import { expect } from 'chai';
import * as fc from 'fast-check';
import { DrawnOrder } from '../../../core/allocator/drawn-order.js';
import { ShareOrder } from '../../../core/allocator/share-order.js';
import { SeededRandom } from '../../../core/base/index.js';

type Step = readonly ['insert' | 'remove' | 'move' | 'sort', from: number, to: number];

describe('ShareOrder', () => {
  it('is the same as a list after any sequence of changes', () => {
    const step: fc.Arbitrary<Step> = fc.tuple(
      fc.constantFrom(
        'insert' as const,
        'insert' as const,
        'remove' as const,
        'move' as const,
        'move' as const,
        'sort' as const,
      ),
      fc.nat(1000),
      fc.nat(1000),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const order = new ShareOrder<number>();
        const list: number[] = [];
        for (const [index, [kind, one, other]] of steps.entries()) {
          if (kind === 'insert') {
            const position = one % (list.length + 1);
            order.insert(position, index);
            list.splice(position, 0, index);
          } else if (kind === 'sort') {
            order.sort((a, b) => (a % 7) - (b % 7) || a - b);
            list.sort((a, b) => (a % 7) - (b % 7) || a - b);
          } else if (list.length > 0) {
            const from = one % list.length;
            const [item = -1] = list.splice(from, 1);
            if (kind === 'remove') {
              order.remove(from);
            } else {
              const to = other % (list.length + 1);
              order.move(from, to);
              list.splice(to, 0, item);
            }
          }
          expect(order.length).to.equal(list.length);
          expect([...order]).to.deep.equal(list);
          expect(order.at(list.length)).to.equal(undefined);
          expect(order.at(-1)).to.equal(undefined);
        }
      }),
    );
  });
});

describe('DrawnOrder', () => {
  it('draws each item once, a new order after each restart, every order as often as another', () => {
    const drawn = new DrawnOrder(['a', 'b', 'c'], new SeededRandom('orders'));
    const counts = new Map<string, number>();
    for (let round = 0; round < 6000; round++) {
      drawn.restart();
      const order = [drawn.at(0), drawn.at(1), drawn.at(2)].join('');
      expect(drawn.at(3)).to.equal(undefined);
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted()).to.deep.equal(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    for (const count of counts.values()) expect(count).to.be.within(880, 1120);
  });

  it('keeps what was drawn when it is asked for again', () => {
    const drawn = new DrawnOrder([1, 2, 3, 4, 5, 6, 7, 8], new SeededRandom('again'));
    const first = drawn.at(0);
    expect([drawn.at(1) === first, drawn.at(0)]).to.deep.equal([false, first]);
  });
});
