import { expect } from 'chai';
import { at } from '../../../core/base/index.js';
import { runDynamic } from './dynamic-run.js';

describe('Demands that change', () => {
  it('leave each phase with the published shares', async () => {
    const rows = await runDynamic('test', 8);
    const [first, second, third] = [at(rows, 0), at(rows, 1), at(rows, 2)];
    expect(first.one.memory).to.be.within(0.62, 0.75);
    expect(first.two.cpus).to.be.within(0.68, 0.8);
    expect(second.one.cpus).to.be.closeTo(second.two.cpus, 0.06);
    expect(second.one.cpus + second.two.cpus).to.be.greaterThan(0.9);
    expect(third.one.memory).to.be.closeTo(third.two.memory, 0.06);
    expect(third.one.memory + third.two.memory).to.be.greaterThan(0.8);
  });
});
