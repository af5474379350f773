import { expect } from 'chai';
import type { ExecutorInfo, TaskInfo } from '../../../core/api/index.js';
import { FRAMEWORK, Host, frameworkInfo, taskInfo } from './host.js';

const EXECUTOR: ExecutorInfo = {
  type: 'DEFAULT',
  executor_id: { value: 'pod' },
  framework_id: { value: FRAMEWORK },
};

async function launch(
  host: Host,
  tasks: readonly TaskInfo[],
  extra: { readonly isNew?: boolean; readonly info?: ExecutorInfo } = {},
): Promise<void> {
  const { isNew = true, info = EXECUTOR } = extra;
  await host.tell({
    type: 'RUN_TASKS',
    run_tasks: {
      framework_info: frameworkInfo(),
      executor_info: info,
      tasks,
      group: true,
      launch_executor: isNew,
    },
  });
}

function states(host: Host, taskId: string): readonly string[] {
  return host.received.flatMap(({ status_update: update }) =>
    update?.status.task_id.value === taskId ? [update.status.state] : [],
  );
}

function exits(host: Host): readonly (string | undefined)[] {
  return host.received.flatMap(({ executor_exited: told }) =>
    told === undefined ? [] : [told.executor_id.value],
  );
}

const TOO_LARGE = { labels: { labels: [{ key: 'k', value: 'x'.repeat(300_000) }] } };

describe('Agent: task groups', () => {
  it('are refused as a whole when one task cannot be taken; the executor is told to be gone', async () => {
    const host = new Host();
    await host.start();
    await launch(host, [taskInfo('a'), taskInfo('b', TOO_LARGE)]);
    expect(host.containers.size).to.equal(0);
    expect(states(host, 'a')).to.deep.equal(['TASK_DROPPED']);
    expect(states(host, 'b')).to.deep.equal(['TASK_DROPPED']);
    expect(exits(host)).to.deep.equal(['pod']);
  });

  it('keep their executor until the last task has ended', async () => {
    const host = new Host();
    await host.start();
    await launch(host, [taskInfo('a'), taskInfo('b')]);
    await launch(host, [taskInfo('c')], { isNew: false });
    expect(host.containers.size).to.equal(3);
    await host.end('a', { kind: 'exited', code: 0 });
    await host.end('b', { kind: 'exited', code: 0 });
    expect(exits(host)).to.deep.equal([]);
    await host.end('c', { kind: 'exited', code: 0 });
    expect(exits(host)).to.deep.equal(['pod']);
  });

  it('start no executor that the master holds for running and counts no more', async () => {
    const host = new Host();
    await host.start();
    await launch(host, [taskInfo('a')], { isNew: false });
    expect(host.containers.size).to.equal(0);
    expect(states(host, 'a')).to.deep.equal(['TASK_DROPPED']);
    expect(exits(host)).to.deep.equal([]);
  });

  it('share their fate when one task is not started', async () => {
    const host = new Host();
    await host.start();
    host.outcomes.push(
      { kind: 'started', pid: 1, startTime: '1' },
      { kind: 'failed', stage: 'fetch', message: 'no such file' },
    );
    await launch(host, [taskInfo('a'), taskInfo('b')]);
    await host.advance(10_000);
    expect(states(host, 'b').at(-1)).to.equal('TASK_FAILED');
    expect(states(host, 'a').at(-1)).to.equal('TASK_KILLED');
    expect(exits(host)).to.deep.equal(['pod']);
  });

  it('go on when the agent comes back, and share their fate then', async () => {
    const host = new Host();
    await host.start();
    await launch(host, [taskInfo('a'), taskInfo('b')]);
    await host.restart();
    const back = host.received.findLast(({ type }) => type === 'REREGISTER')?.reregister;
    expect(back?.executors?.map((one) => one.executor_info.executor_id.value)).to.deep.equal([
      'pod',
    ]);
    await host.end('a', { kind: 'exited', code: 3 });
    await host.advance(10_000);
    expect(states(host, 'a').at(-1)).to.equal('TASK_FAILED');
    expect(states(host, 'b').at(-1)).to.equal('TASK_KILLED');
  });
});
