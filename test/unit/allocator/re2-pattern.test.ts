import { expect } from 'chai';
import { compileRe2 } from '../../../core/allocator/index.js';

function matches(expression: string, text: string): boolean {
  const compiled = compileRe2(expression);
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.matches(text);
}

function problem(expression: string): string | undefined {
  const compiled = compileRe2(expression);
  return 'problem' in compiled ? compiled.problem : undefined;
}

describe('compileRe2', () => {
  it('matches whole texts', () => {
    expect(matches('[a-d]+', 'abcd')).to.equal(true);
    expect(matches('[a-d]+', 'abcde')).to.equal(false);
    expect(matches('a|ab', 'ab')).to.equal(true);
  });

  it('takes time in proportion to the text, where backtracking never ends', () => {
    expect(matches('(a*)*b', 'a'.repeat(20_000))).to.equal(false);
  });

  it('refuses what is not valid, goes back, or is too complex, with a reason', () => {
    expect(problem('[a-d')).to.match(/is not valid: .*missing closing/);
    expect(problem(String.raw`(a)\1`)).to.match(/is not valid/);
    expect(problem('(a+){50}')).to.match(/instructions; the limit is 100/);
    expect(problem('(a+){10}')).to.equal(undefined);
  });
});
