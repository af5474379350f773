import { expect } from 'chai';
import { type PlateauError, at, id } from '../../core/base/index.js';
import {
  SimulatedCluster,
  type SimulatedScheduler,
  SimulatedTask,
} from '../../core/simulation/index.js';

const job = { name: 'job', command: 'hang', cpus: 1, memoryMiB: 64 };

const told = (...states: readonly ('TASK_STARTING' | 'TASK_RUNNING' | 'TASK_FINISHED')[]) => {
  const task = new SimulatedTask('t', job, 'agent');
  states.forEach((state, index) =>
    task.update({ task_id: { value: 't' }, state, uuid: `${index}` }, index),
  );
};

async function running(): Promise<{
  cluster: SimulatedCluster;
  scheduler: SimulatedScheduler;
}> {
  const cluster = new SimulatedCluster({ seed: 'tampered' });
  const scheduler = cluster.addScheduler({ name: 'jobs', jobs: [job, job] });
  cluster.start();
  await cluster.advance(20_000);
  expect(scheduler.tasks.size).to.equal(2);
  return { cluster, scheduler };
}

/** The error with which the run ends. */
async function failure(promise: Promise<unknown>): Promise<PlateauError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.have.property('code', 'ASSERTION');
  return error as PlateauError;
}

describe('the invariants of a simulated cluster', () => {
  it('notice books of the master that are not what its tasks hold', async () => {
    const { cluster } = await running();
    const agent = [...(cluster.master?.cluster.agents.values() ?? [])][0];
    Object.assign(agent ?? {}, { usedTotal: agent?.total });
    const error = await failure(cluster.advance(60_000));
    expect(error.message).to.match(/seed 'tampered' at \d+\.\d+ ms: .*tasks hold/);
    expect(error.message).to.contain('master');
  });

  it('notice resources that are promised twice', async () => {
    const { cluster } = await running();
    const agent = [...(cluster.master?.cluster.agents.values() ?? [])][0];
    Object.assign(agent ?? {}, { total: agent?.usedTotal.minus(agent.usedTotal) });
    expect((await failure(cluster.advance(60_000))).message).to.contain('is promised of');
  });

  it('notice a task that is started a second time', async () => {
    const { cluster } = await running();
    const { host } = at(cluster.agents, 0);
    const [task = ''] = [...host.starts.keys()];
    const [frameworkId = '', taskId = ''] = task.split('/');
    host.launch(
      {
        containerId: id<'ContainerId'>('another'),
        sandbox: '/nowhere',
        command: { value: 'hang' },
        environment: { MESOS_FRAMEWORK_ID: frameworkId, MESOS_TASK_ID: taskId },
        user: undefined,
        limits: { cpus: 1.1 },
      },
      () => {},
    );
    expect((await failure(cluster.advance(60_000))).message).to.contain('was started 2 times');
  });

  it('notice at the end a task that runs and is not known, or is known and does not run', async () => {
    const { cluster } = await running();
    cluster.checkConvergence();
    const { host } = at(cluster.agents, 0);
    const [containerId] = [...host.containers.keys()];
    if (containerId !== undefined) host.kill(containerId);
    expect(() => cluster.checkConvergence()).to.throw(/does not run/);
  });

  it('notice updates that go back, and anything but repetition after the end', () => {
    told('TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_FINISHED', 'TASK_FINISHED');
    expect(() => told('TASK_RUNNING', 'TASK_STARTING')).to.throw(/went back/);
    expect(() => told('TASK_FINISHED', 'TASK_RUNNING')).to.throw(/after its end/);
  });

  it('take an update that is repeated late for no news', () => {
    const task = new SimulatedTask('t', job, 'agent');
    const update = { task_id: { value: 't' }, state: 'TASK_RUNNING', uuid: 'u' } as const;
    task.update(update, 1);
    task.update({ ...update, state: 'TASK_FINISHED', uuid: 'v' }, 2);
    task.update(update, 3);
    expect(task.state).to.equal('TASK_FINISHED');
  });
});
