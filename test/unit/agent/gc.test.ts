import { expect } from 'chai';
import { FRAMEWORK, Host, taskInfo } from './host.js';

const DAY_MS = 86_400_000;

async function finished(taskIds: readonly string[]): Promise<Host> {
  const host = new Host({ config: { gcDelayMs: 10 * DAY_MS, diskWatchIntervalMs: 60_000 } });
  await host.start();
  for (const taskId of taskIds) {
    await host.run([taskInfo(taskId)]);
    await host.end(taskId);
  }
  return host;
}

async function pass(host: Host, durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 60_000) {
    if (passed % 600_000 === 0) await host.tell({ type: 'PING' });
    await host.world.advance(60_000);
  }
}

describe('Sandbox collection', () => {
  const folder = `/work-dir/slaves/master-S0/frameworks/${FRAMEWORK}`;

  it('removes a sandbox at the age that an empty disk allows', async () => {
    const host = await finished(['t1']);
    host.agent.close('leave-running').catch(() => {});
    await host.start();
    host.isMasterUp = false;
    await host.advance(9 * DAY_MS - 120_000);
    expect(host.removed).to.deep.equal([]);
    await host.advance(180_000);
    expect(host.removed).to.deep.equal([folder]);
    await host.advance(2000);
    expect(host.keys('sandboxes/')).to.deep.equal([]);
  });

  it('removes sooner when the disk is fuller, and at once when it is full', async () => {
    const host = await finished(['t1']);
    host.diskUsage = 0.8;
    await pass(host, 120_000);
    expect(host.agent.metrics()['slave/executor_directory_max_allowed_age_secs']).to.be.closeTo(
      (DAY_MS * 1) / 1000,
      1,
    );
    expect(host.removed).to.deep.equal([]);
    host.diskUsage = 0.95;
    await pass(host, 60_000);
    expect(host.removed).to.have.length(1);
  });

  it('removes the folders above only with the last sandbox below them', async () => {
    const host = await finished(['t1', 't1']);
    await host.run([taskInfo('t2')]);
    host.diskUsage = 1;
    await pass(host, 60_000);
    const first = host.containersOf('t1')[0]?.spec.sandbox;
    expect(host.removed).to.deep.equal([first, `${folder}/executors/t1`]);
    await host.end('t2');
    await pass(host, 60_000);
    expect(host.removed.at(-1)).to.equal(folder);
  });

  it('remembers ages over a restart', async () => {
    const host = await finished(['t1']);
    host.diskUsage = 0.8;
    host.isMasterUp = false;
    await host.advance(DAY_MS / 2);
    await host.restart();
    await host.advance(DAY_MS / 2 - 120_000);
    expect(host.removed).to.deep.equal([]);
    await host.advance(240_000);
    expect(host.removed).to.deep.equal([folder]);
  });

  it('never removes the sandbox of a task that runs', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    host.diskUsage = 1;
    await pass(host, 180_000);
    await host.restart();
    await pass(host, 180_000);
    expect(host.removed).to.deep.equal([]);
  });

  it('lets a launch wait while the folder that it needs is being removed', async () => {
    const host = await finished(['t1']);
    host.diskUsage = 1;
    host.removeDelayMs = 5000;
    await pass(host, 60_000);
    expect(host.removed).to.deep.equal([folder]);
    await host.run([taskInfo('t1')]);
    await host.advance(4000);
    expect(host.containersOf('t1')).to.have.length(1);
    await host.advance(1000);
    expect(host.containersOf('t1')).to.have.length(2);
    expect(host.last('t1').state).to.equal('TASK_RUNNING');
  });

  it('removes nothing when the usage of the disk is unknown', async () => {
    const host = await finished(['t1']);
    host.diskUsage = Number.NaN;
    await pass(host, 60_000);
    expect(host.removed).to.deep.equal([]);
    host.diskUsage = 1;
    await pass(host, 60_000);
    expect(host.removed).to.have.length(1);
  });
});
