import { expect } from 'chai';
import { compileRe2, re2Compiler } from '../../../core/allocator/index.js';

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

describe('estimatePatternSize', () => {
  const estimate = (expression: string): string | undefined => {
    const compiled = re2Compiler({ maxChars: 100_000, maxInstructions: 0 })(expression);
    return 'problem' in compiled ? /to about (\d+)/.exec(compiled.problem)?.[1] : undefined;
  };

  it('multiplies what is repeated, in groups and out of them', () => {
    expect(estimate('x{100}y')).to.equal('101');
    expect(estimate('(a(b|c){10}){10}')).to.equal('210');
    expect(estimate('[a-z]{3,50}')).to.equal('50');
    expect(estimate('\\p{Greek}{40,}')).to.equal('41');
  });

  it('takes counts in classes and after a backslash for what they are', () => {
    expect(estimate('[{900}]\\{900}')).to.equal(undefined);
    expect(estimate('[]{900}]x')).to.equal(undefined);
  });

  it('refuses what would take long to compile, at once', () => {
    const size = 4096;
    const huge = `(((${'x'.repeat(size - 40)}){10}){10}){10}`;
    const compiled = compileRe2(huge);
    expect(compiled)
      .to.have.property('problem')
      .that.matches(/about 4056000 instructions/);
  });
});
