/** The unit test that the guide to executors shows. */
import { expect } from 'chai';
import type { ExecutorContext, ExecutorTask } from '../../../../sdk/executor/index.js';
import { Encoder } from './encoder.js';

describe('Encoder', () => {
  it('tells every hundredth frame', async () => {
    const told: (string | undefined)[] = [];
    const task = { id: 't', payload: '250', signal: new AbortController().signal } as ExecutorTask;
    const context = { update: async ({ message }) => void told.push(message) } as ExecutorContext;
    expect(await new Encoder().run(task, context)).to.include({ message: '250 frames' });
    expect(told).to.deep.equal(['100 of 250', '200 of 250']);
  });
});
