/** Figures of very many frameworks: collected and written in small steps. */
import { expect } from 'chai';
import { snapshotText, sortedFigures, withMore } from '../../../core/http/system-metrics.js';
import { PAGE_SLICE_MS, Turns } from '../../../core/http/index.js';

/** The result of some work, with the number of its steps. */
function run<T>(work: Generator<undefined, T>): { readonly steps: number; readonly result: T } {
  for (let steps = 1; ; steps++) {
    const { done, value } = work.next();
    if (done === true) return { steps, result: value };
  }
}

describe('Figures in steps', () => {
  for (const size of [0, 1, 199, 200, 201, 1_000]) {
    it(`write ${size} figures as one object`, () => {
      const figures = Array.from({ length: size }, (_, n) => [`n"${n}`, n / 2] as const);
      const { result, steps } = run(snapshotText(figures));
      expect(JSON.parse(result)).to.deep.equal(Object.fromEntries(figures));
      expect(steps).to.equal(Math.floor(size / 200) + 1);
    });
  }

  it('put a few among many in order, where the many win', () => {
    const many = new Map(
      Array.from({ length: 500 }, (_, n) => [`master/${String(n).padStart(3, '0')}`, n] as const),
    );
    const more = [
      ['z', 1],
      ['a', 2],
      ['master/250x', 3],
      ['master/007', -1],
    ] as const;
    const { result } = run(withMore(many, more));
    const names = [...result.keys()];
    expect(names).to.deep.equal(names.toSorted());
    expect(result.size).to.equal(503);
    expect([result.get('a'), result.get('z'), result.get('master/007')]).to.deep.equal([2, 1, 7]);
    expect(sortedFigures(more).map(([name]) => name)).to.deep.equal([
      'a',
      'master/007',
      'master/250x',
      'z',
    ]);
  });

  it('leave turns to others between steps, and tell what goes wrong', async () => {
    const turns = new Turns();
    let others = 0;
    function* work(): Generator<undefined, number> {
      for (let step = 0; step < 20; step++) {
        const endMs = performance.now() + PAGE_SLICE_MS;
        while (performance.now() < endMs);
        yield;
      }
      return others;
    }
    const tick = (): void => {
      others++;
      if (others < 1_000) setImmediate(tick);
    };
    setImmediate(tick);
    expect(await turns.steps(work())).to.be.at.least(10);
    // oxlint-disable-next-line require-yield -- it fails at once
    function* failing(): Generator<undefined, number> {
      throw new Error('broken');
    }
    const failure = await turns.steps(failing()).catch((error: unknown) => error);
    expect(failure).to.have.property('message', 'broken');
  });
});
