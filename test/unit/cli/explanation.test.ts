import { expect } from 'chai';
import { explanationLines } from '../../../core/cli/explanation.js';
import type { FrameworkExplanation } from '../../../core/master/index.js';
import { FRAMEWORK_INFO, Harness } from '../master/harness.js';

async function explanation(
  question: Parameters<Harness['master']['why']>[1],
): Promise<FrameworkExplanation> {
  const harness = await Harness.started();
  const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'shop' });
  await harness.register();
  const found = harness.master.why(scheduler.id, question);
  harness.master.stop();
  if (found === undefined) throw new Error('the framework is not known');
  return found;
}

describe('plateau why: what it prints', () => {
  it('says which offer fits already', async () => {
    const answer = await explanation({ task: { resources: { cpus: 1 }, constraints: [] } });
    const text = explanationLines(answer).join('\n');
    expect(text).to.match(/^task: cpus:1$/m);
    expect(text).to.match(/^you hold an offer that fits: \S+-O0 \(host-1, role web\)$/m);
    expect(text).to.match(/^ +1 agent\(s\) offered already, with room for the task: host-1/m);
    expect(text).to.match(/^ {4}\S+Z \(0ms ago\) OFFERED 1 agent\(s\), share 100.0 %$/m);
  });

  it('shows a task that is described by conditions alone', async () => {
    const answer = await explanation({ task: { resources: {}, constraints: ['rack=r1'] } });
    expect(explanationLines(answer)).to.include('task: rack=r1');
  });

  it('puts each near miss below its reason, and then what to change', async () => {
    const answer = await explanation({ task: { resources: { cpus: 6 }, constraints: [] } });
    const lines = explanationLines(answer);
    const start = lines.findIndex((line) => line.includes('[TASK_TOO_LARGE_FOR_AGENT]'));
    expect(lines[start + 1]).to.match(/^ {10}host-1 \(\S+\): lacks 2 cpus \(has 4 of 6\)$/);
    expect(lines[start + 2]).to.equal(
      '        to change that: no agent has more than 4 cpus: ask for at most that, or add a larger agent',
    );
  });

  it('says how many roles are left out', async () => {
    const answer = await explanation({});
    const { allocation } = answer;
    if (allocation === undefined) throw new Error('nothing was decided');
    const other = { ...answer, allocation: { ...allocation, rolesLeftOut: ['a', 'b'] } };
    expect(explanationLines(other).at(-1)).to.equal('2 more role(s): ask about one with --role');
    const removed = { ...answer, state: 'removed', allocation: undefined } as const;
    expect(explanationLines(removed)).to.have.length(2);
    expect(explanationLines({ ...answer, allocation: undefined }).at(-1)).to.equal(
      'the allocator of this master does not tell its reasons',
    );
  });
});
