import { expect } from 'chai';
import { Ring } from '../../../core/base/index.js';

describe('Ring', () => {
  it('keeps the newest up to its bound', () => {
    const ring = new Ring<number>(2);
    for (const item of [1, 2, 3]) ring.push(item);
    expect(ring.items).to.deep.equal([2, 3]);
    expect(ring.take((item) => item === 2)).to.equal(2);
    expect(ring.take((item) => item === 2)).to.equal(undefined);
    expect(ring.items).to.deep.equal([3]);
    const none = new Ring<number>(0);
    none.push(1);
    expect(none.items).to.deep.equal([]);
  });

  it('removes what fits, and is walked from the oldest to the newest', () => {
    const ring = new Ring<number>(4);
    for (const item of [1, 2, 3, 4]) ring.push(item);
    ring.removeWhere((item) => item % 2 === 0);
    expect([...ring]).to.deep.equal([1, 3]);
    expect(ring.length).to.equal(2);
  });
});
