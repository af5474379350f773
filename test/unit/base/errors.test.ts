import { expect } from 'chai';
import { ERROR_CODES, PlateauError, assert, errorMessage } from '../../../core/base/index.js';

describe('PlateauError', () => {
  it('carries code, context, cause and whether to retry', () => {
    const cause = new Error('the disk is full');
    const error = new PlateauError('STORE_FAILED', 'no', {
      context: { key: 'k' },
      retriable: true,
      cause,
    });
    expect(error).to.be.instanceOf(Error);
    expect(error).to.include({ name: 'PlateauError', code: 'STORE_FAILED', retriable: true });
    expect(error.context).to.deep.equal({ key: 'k' });
    expect(error.cause).to.equal(cause);
  });

  it('is not retriable, has no context and no cause unless stated', () => {
    const error = new PlateauError('FENCED', 'no');
    expect(error.retriable).to.equal(false);
    expect(error.context).to.deep.equal({});
    expect('cause' in error).to.equal(false);
  });

  it('is known by a mark and its code, that of another copy of the package too', async () => {
    const copy = new URL('../../../core/base/errors.js?copy', import.meta.url);
    const { PlateauError: Other }: { PlateauError: typeof PlateauError } = await import(copy.href);
    const other = new Other('FENCED', 'no');
    expect(other).to.not.be.instanceOf(PlateauError);
    for (const error of [other, new PlateauError('FENCED', 'no')]) {
      expect(PlateauError.is(error)).to.equal(true);
      expect(PlateauError.is(error, 'FENCED')).to.equal(true);
      expect(PlateauError.is(error, 'FATAL')).to.equal(false);
    }
    const alike = Object.assign(new Error('no'), { name: 'PlateauError', code: 'FENCED' });
    for (const thrown of [alike, { code: 'FENCED' }, undefined, null, 'FENCED']) {
      expect(PlateauError.is(thrown)).to.equal(false);
    }
  });

  it('has one line of meaning for each code', () => {
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      expect(code).to.match(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).to.match(/^[^\n]{10,}$/);
    }
  });
});

describe('assert', () => {
  it('throws for undefined, null and false alone', () => {
    for (const wrong of [undefined, null, false]) {
      expect(() => assert(wrong, 'the text'))
        .to.throw(PlateauError, 'the text')
        .with.property('code', 'ASSERTION');
    }
    for (const right of [true, 0, '', {}]) assert(right, 'never');
  });
});

describe('errorMessage', () => {
  it('is the text of anything thrown', () => {
    expect(errorMessage(new Error('a'))).to.equal('a');
    expect(errorMessage('b')).to.equal('b');
    expect(errorMessage(undefined)).to.equal('undefined');
  });
});
