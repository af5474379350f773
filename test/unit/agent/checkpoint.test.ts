import { expect } from 'chai';
import { LAZY_DELETE_DELAY_MS, latestRunLink } from '../../../core/agent/index.js';
import { id } from '../../../core/base/index.js';
import { Host, frameworkInfo, taskInfo } from './host.js';

describe('Checkpoint', () => {
  it('lets deletions that nobody waits for ride along with the next commit', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    // Everything of the task is acknowledged; its records are still there.
    expect(host.keys('tasks/')).to.have.length(1);
    const before = host.transactions.length;
    await host.run([taskInfo('t2')]);
    expect(host.transactions[before]?.deletes).to.include(
      `tasks/${host.containersOf('t1')[0]?.spec.containerId}/t1`,
    );
    expect(host.keys('tasks/')).to.have.length(1);
    // The framework had become history; its record was to go, and was written anew instead.
    expect(host.keys('frameworks/')).to.have.length(1);
  });

  it('commits them by themselves when nothing else comes', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    await host.advance(LAZY_DELETE_DELAY_MS - 1);
    expect(host.keys('tasks/')).to.have.length(1);
    await host.advance(2);
    expect(host.keys('tasks/')).to.have.length(0);
  });

  it('takes a repeated update after a crash that lost them, and ends the same', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    await host.restart();
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    await host.advance(LAZY_DELETE_DELAY_MS + 1);
    expect(host.keys('tasks/')).to.have.length(0);
    expect(host.agent.state.frameworks.size).to.equal(0);
  });

  it('writes the info of a framework again only when it changed', async () => {
    const host = new Host();
    await host.start();
    const putsOfFramework = (): number =>
      host.transactions
        .flatMap(({ puts = [] }) => puts)
        .filter(({ key }) => key.startsWith('frameworks/')).length;
    await host.run([taskInfo('t1')]);
    await host.run([taskInfo('t2')]);
    expect(putsOfFramework()).to.equal(1);
    await host.run([taskInfo('t3')], frameworkInfo([], { name: 'renamed' }));
    expect(putsOfFramework()).to.equal(2);
  });
});

describe('Paths', () => {
  it('puts the link to the latest run beside the runs', () => {
    const ids = { agentId: id<'AgentId'>('S'), frameworkId: id<'FrameworkId'>('F') };
    expect(latestRunLink('/w', { ...ids, executorId: id<'ExecutorId'>('E') })).to.equal(
      '/w/slaves/S/frameworks/F/executors/E/runs/latest',
    );
  });
});
