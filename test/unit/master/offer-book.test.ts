import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { OfferBook, offerIdOf } from '../../../core/master/offer-book.js';

const MASTER = '5e1a3a1c-6b1f-4c2b-9a7e-1b2c3d4e5f60';

describe('OfferBook', () => {
  const book = new OfferBook<{ id: ReturnType<typeof offerIdOf>; number: number }>();
  for (const number of [0, 7, 12]) book.add({ id: offerIdOf(MASTER, number), number });

  it('finds offers by their ids, and keeps their order', () => {
    expect(book.get(offerIdOf(MASTER, 7))?.number).to.equal(7);
    expect(Array.from(book.values(), ({ number }) => number)).to.deep.equal([0, 7, 12]);
  });

  it('finds nothing by another master, another spelling of the number, or any other text', () => {
    for (const text of [
      `other-O7`,
      `${MASTER}-O07`,
      `${MASTER}-O7.0`,
      `${MASTER}-O 7`,
      `${MASTER}-O`,
      `${MASTER}-O8`,
      '-O0',
      '7',
      '',
      'NaN',
    ]) {
      expect(book.get(id<'OfferId'>(text)), text).to.equal(undefined);
    }
  });
});
