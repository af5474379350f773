import { expect } from 'chai';
import { DisposableStore, toDisposable } from '../../../core/base/index.js';

describe('DisposableStore', () => {
  it('disposes of its members once, the last added first', () => {
    const order: string[] = [];
    const store = new DisposableStore();
    for (const name of ['a', 'b', 'c']) store.add(toDisposable(() => order.push(name)));
    store.dispose();
    store.dispose();
    expect(order).to.deep.equal(['c', 'b', 'a']);
  });

  it('disposes at once of what is added later', () => {
    const store = new DisposableStore();
    store.dispose();
    let isDisposed = false;
    store.add(
      toDisposable(() => {
        isDisposed = true;
      }),
    );
    expect(isDisposed).to.equal(true);
  });

  it('releases one member before the others', () => {
    const order: string[] = [];
    const store = new DisposableStore();
    const [one, other] = ['one', 'other'].map((name) =>
      store.add(toDisposable(() => order.push(name))),
    );
    if (one !== undefined) store.release(one);
    expect(order).to.deep.equal(['one']);
    store.dispose();
    expect(order).to.deep.equal(['one', 'other']);
    expect(other).to.not.equal(undefined);
  });

  it('disposes of all members when some fail, and throws at the end', () => {
    const order: string[] = [];
    const store = new DisposableStore();
    store.add(toDisposable(() => order.push('first')));
    store.add(
      toDisposable(() => {
        throw new Error('no');
      }),
    );
    expect(() => store.dispose()).to.throw(AggregateError);
    expect(order).to.deep.equal(['first']);
  });
});
