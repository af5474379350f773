import { expect } from 'chai';
import * as fc from 'fast-check';
import { FewMap } from '../../../core/base/index.js';

interface Value {
  readonly text: string;
}

type Step = readonly ['set' | 'delete', key: string, text: string];

describe('FewMap', () => {
  it('is the same as a Map after any sequence of changes', () => {
    const step: fc.Arbitrary<Step> = fc.tuple(
      fc.constantFrom('set' as const, 'delete' as const),
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const few = new FewMap<string, Value>();
        const map = new Map<string, Value>();
        for (const [kind, key, text] of steps) {
          if (kind === 'delete') {
            expect(few.delete(key)).to.equal(map.delete(key));
          } else {
            few.set(key, { text });
            map.set(key, { text });
          }
          expect(few.size).to.equal(map.size);
          expect([...few]).to.deep.equal([...map]);
          expect([...few.keys()]).to.deep.equal([...map.keys()]);
          expect([...few.values()]).to.deep.equal([...map.values()]);
          for (const one of 'abcd') {
            expect(few.has(one)).to.equal(map.has(one));
            expect(few.get(one)).to.deep.equal(map.get(one));
          }
        }
      }),
    );
  });

  it('may lose entries while it is walked over', () => {
    for (const count of [1, 2, 5]) {
      const few = new FewMap<number, object>();
      for (let key = 0; key < count; key++) few.set(key, {});
      let seen = 0;
      for (const [key] of few) {
        expect(few.delete(key)).to.equal(true);
        seen++;
      }
      expect([seen, few.size]).to.deep.equal([count, 0]);
    }
  });
});
