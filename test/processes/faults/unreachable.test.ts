/** An agent that is killed and stays away for too long, and then comes back with its tasks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FaultCluster, eventually } from './cluster.js';
import { type Job, LoadScheduler } from './load-scheduler.js';
import { deedsOf, faultsOf, scriptOf } from './truth.js';

describe('An agent that stays away for longer than the master waits', function () {
  this.timeout(60_000);

  it('makes its tasks unreachable, and brings them back, in whatever state they are then', async () => {
    const cluster = await FaultCluster.start(
      1,
      '--agent_ping_timeout=1secs',
      '--max_agent_ping_timeouts=1',
    );
    const taskIds = ['goes-on', 'ends'];
    const flagOf = (taskId: string): string => join(cluster.truthFolder, `${taskId}.go`);
    const jobs = taskIds.map((taskId): Job => {
      const work = `while [ ! -e ${flagOf(taskId)} ]; do sleep 0.05; done`;
      return {
        taskId,
        command: scriptOf({ folder: cluster.truthFolder, taskId, work, exit: 3 }),
      };
    });
    const scheduler = new LoadScheduler({
      masters: cluster.master.url,
      next: () => jobs.shift(),
    });
    const states = (): readonly unknown[] =>
      taskIds.map((taskId) => scheduler.latest(taskId)?.state);
    const [agent = cluster.master] = cluster.agents;
    scheduler.start();
    try {
      await eventually('both run', () => states().every((state) => state === 'TASK_RUNNING'));
      await agent.end('SIGKILL');
      await eventually('both are unreachable', () =>
        states().every((state) => state === 'TASK_UNREACHABLE'),
      );
      const answers = scheduler.answers('goes-on');
      await scheduler.reconcile(taskIds);
      await eventually('it is answered', () => scheduler.answers('goes-on') > answers);
      expect(scheduler.latest('goes-on')?.state).to.equal('TASK_UNREACHABLE');
      writeFileSync(flagOf('ends'), '');
      await agent.start();
      await eventually('one runs again', () => states()[0] === 'TASK_RUNNING');
      await eventually('the end of the other is told', () => states()[1] === 'TASK_FAILED');
      writeFileSync(flagOf('goes-on'), '');
      await eventually('both have ended', () => scheduler.open.length === 0);
      const faults = [...scheduler.histories].flatMap(([taskId, { told }]) =>
        faultsOf(taskId, told, { deeds: deedsOf(cluster.truthFolder, taskId) }),
      );
      expect(faults).to.deep.equal([]);
    } finally {
      await scheduler.close();
      expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
    }
  });
});
