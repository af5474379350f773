import { expect } from 'chai';
import { arrayInProcess } from '../../bench/batch.js';

const MOST_BYTES = 200_000_000;
const INDEXES = 100_000;

describe('plateau batch with a large array', function () {
  this.timeout(240_000);

  it(`takes less than 200 MB for ${INDEXES} indexes, from the first to the last`, async () => {
    const { peakMiB, residentMiB } = await arrayInProcess(INDEXES);
    expect(peakMiB * 1024 * 1024).to.be.within(1, MOST_BYTES);
    expect(residentMiB).to.be.at.most(peakMiB);
  });
});
