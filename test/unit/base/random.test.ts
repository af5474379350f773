import { expect } from 'chai';
import { SeededIds, SeededRandom, SystemIds, at, shuffle } from '../../../core/base/index.js';

const draw = (seed: string): string => {
  const random = new SeededRandom(seed);
  return Array.from({ length: 5 }, () => random.next()).join();
};

describe('SeededRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    expect(draw('a')).to.equal(draw('a'));
    const seeds = Array.from({ length: 500 }, (_, index) => draw(`seed ${index}`));
    expect(new Set(seeds).size).to.equal(500);
  });

  it('draws evenly: chi-squared over 64 buckets stays within 5 standard deviations', () => {
    const random = new SeededRandom('even');
    const counts = Array.from({ length: 64 }, () => 0);
    const draws = 64_000;
    for (let draw = 0; draw < draws; draw++) {
      const bucket = random.below(64);
      counts[bucket] = at(counts, bucket) + 1;
    }
    const expected = draws / 64;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).to.be.within(63 - 5 * Math.sqrt(126), 63 + 5 * Math.sqrt(126));
  });

  it('is not correlated with its forks, nor these with each other', () => {
    const root = new SeededRandom('root');
    const streams = [root, root.fork('a'), root.fork('b'), root.fork('a').fork('b')];
    const draws = streams.map((stream) => Array.from({ length: 4000 }, () => stream.next() - 0.5));
    for (const [index, one] of draws.entries()) {
      for (const other of draws.slice(index + 1)) {
        const product = one.reduce((sum, value, place) => sum + value * at(other, place), 0);
        expect(Math.abs(product / 4000 / (1 / 12))).to.be.lessThan(0.08);
      }
    }
  });

  it('gives a fork the same numbers whatever its parent has drawn', () => {
    const fresh = new SeededRandom('x').fork('child');
    const used = new SeededRandom('x');
    for (let draw = 0; draw < 100; draw++) used.next();
    expect(used.fork('child').next()).to.equal(fresh.next());
  });

  it('shuffles into every order about as often', () => {
    const random = new SeededRandom('cards');
    const counts = new Map<string, number>();
    for (let round = 0; round < 6000; round++) {
      const order = shuffle(random, ['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).to.equal(6);
    for (const count of counts.values()) expect(count).to.be.within(850, 1150);
  });
});

describe('Ids', () => {
  const VERSION_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const sources = { SystemIds: new SystemIds(), SeededIds: new SeededIds(new SeededRandom('i')) };

  for (const [name, ids] of Object.entries(sources)) {
    it(`of ${name} are distinct UUIDs of version 4, as text and as bytes`, () => {
      const texts = Array.from({ length: 1000 }, () => ids.uuid());
      for (const text of texts) expect(text).to.match(VERSION_4);
      expect(new Set(texts).size).to.equal(1000);
      const bytes = Buffer.from(ids.uuidBytes(), 'base64');
      expect(bytes).to.have.length(16);
      expect([bytes.readUInt8(6) >> 4, bytes.readUInt8(8) >> 6]).to.deep.equal([4, 2]);
    });
  }
});
