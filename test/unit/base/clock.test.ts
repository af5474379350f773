import { expect } from 'chai';
import { SystemClock } from '../../../core/base/index.js';

const clearFake = (timer: { isCleared: boolean }): void => {
  timer.isCleared = true;
};

describe('SystemClock', () => {
  const LONGEST_MS = 2 ** 31 - 1;
  const realSetTimeout = globalThis.setTimeout;
  const realClearTimeout = globalThis.clearTimeout;
  let armed: { delayMs: number; callback: () => void; isCleared: boolean }[];

  beforeEach(() => {
    armed = [];
    const setFake = (callback: () => void, delayMs: number): unknown => {
      const timer = { delayMs, callback, isCleared: false };
      armed.push(timer);
      return timer;
    };
    Object.assign(globalThis, { setTimeout: setFake, clearTimeout: clearFake });
  });
  afterEach(() => {
    Object.assign(globalThis, { setTimeout: realSetTimeout, clearTimeout: realClearTimeout });
  });

  it('chains a delay that is longer than what Node takes', () => {
    let calls = 0;
    new SystemClock().setTimer(2 * LONGEST_MS + 500, () => {
      calls += 1;
    });
    for (let step = 0; step < 3; step++) {
      expect(calls).to.equal(0);
      armed.at(-1)?.callback();
    }
    expect(calls).to.equal(1);
    expect(armed.map((timer) => timer.delayMs)).to.deep.equal([LONGEST_MS, LONGEST_MS, 500]);
  });

  it('cancels the link of the chain that is armed', () => {
    const timer = new SystemClock().setTimer(LONGEST_MS + 1, () => {});
    armed.at(-1)?.callback();
    timer.dispose();
    expect(armed.map(({ isCleared }) => isCleared)).to.deep.equal([false, true]);
  });

  it('takes negative delays for none', () => {
    new SystemClock().setTimer(-3, () => {});
    expect(armed.map((timer) => timer.delayMs)).to.deep.equal([0]);
  });

  it('tells the wall time, and time elapsed that never goes back', () => {
    const clock = new SystemClock();
    expect(Math.abs(clock.now() - Date.now())).to.be.lessThan(50);
    let last = clock.elapsed();
    for (let reading = 0; reading < 1000; reading++) {
      const next = clock.elapsed();
      expect(next).to.be.at.least(last);
      last = next;
    }
  });
});
