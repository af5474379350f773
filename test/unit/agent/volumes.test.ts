import { expect } from 'chai';
import type { ExecutorInfo, Resource } from '../../../core/api/index.js';
import { volumeDirectory, volumeRoot } from '../../../core/agent/index.js';
import { Resources } from '../../../core/resources/index.js';
import { FRAMEWORK, Host, TestStream, frameworkInfo, scalar, taskInfo } from './host.js';

const DISKS: readonly Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 4 } },
  { name: 'disk', type: 'SCALAR', scalar: { value: 1000 } },
  {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: 500 },
    disk: { source: { type: 'PATH', path: { root: '/disks/one' } } },
  },
];

type Disk = NonNullable<Resource['disk']>;

function volume(id: string, more: Disk = {}, role = 'web'): Resource {
  return {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: 10 },
    reservations: [{ type: 'DYNAMIC', role }],
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: 'data' }, ...more },
  };
}

const PLAIN: Resource = {
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 10 },
  reservations: [{ type: 'DYNAMIC', role: 'web' }],
};

const FOLDER = '/work-dir/volumes/roles/web/v';

async function started(): Promise<Host> {
  const host = new Host({ config: { resources: DISKS } });
  await host.start();
  return host;
}

async function remember(host: Host, ...resources: readonly Resource[]): Promise<void> {
  await host.tell({ type: 'CHECKPOINT_RESOURCES', checkpoint_resources: { resources } });
}

/** A task that uses volumes. */
function user(id: string, ...volumes: readonly Resource[]): ReturnType<typeof taskInfo> {
  const held = volumes.map((one) => ({ ...one, allocation_info: { role: 'web' } }));
  return taskInfo(id, { resources: [scalar('cpus', 1), ...held] });
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** What the checkpoint has of volumes. */
function recorded(host: Host): readonly string[] {
  return host.agent.state.checkpointedResources.map(
    ({ disk, reservations = [] }) => disk?.persistence?.id ?? `reserved ${reservations.length}`,
  );
}

function sinceSweeps(host: Host): readonly string[] {
  return host.volumeCalls.filter((call) => !call.startsWith('sweep'));
}

describe('volumeDirectory', () => {
  function of(resource: Resource): string {
    const [item] = Resources.fromWire([resource]).items;
    return item === undefined ? '' : volumeDirectory('/dir', item);
  }

  it('is below the root of the disk, and keeps hierarchical roles apart', () => {
    expect(of(volume('v'))).to.equal('/dir/volumes/roles/web/v');
    expect(of(volume('v', {}, 'a/b'))).to.equal('/dir/volumes/roles/a b/v');
    expect(of(volume('odd:id%2F*', {}))).to.equal('/dir/volumes/roles/web/odd:id%2F*');
    const path = (root: string): Disk => ({ source: { type: 'PATH', path: { root } } });
    expect(of(volume('v', path('/disk/')))).to.equal('/disk/volumes/roles/web/v');
    expect(of(volume('v', path('ssd')))).to.equal('/dir/ssd/volumes/roles/web/v');
    const mount: Disk = { source: { type: 'MOUNT', mount: { root: '/mnt/a' } } };
    expect(of(volume('v', mount))).to.equal('/mnt/a');
    expect(volumeRoot('/dir', { disk: path('/') })).to.equal('/');
  });
});

describe('Persistent volumes on an agent', () => {
  it('have a folder before they are on record, and lose it after', async () => {
    const host = await started();
    const writes = (): readonly string[] =>
      host.transactions.flatMap(({ puts = [], deletes = [] }) => [
        ...puts.map(({ key }) => `put ${key}`),
        ...deletes.map((key) => `delete ${key}`),
      ]);
    const made = gate();
    host.heldVolumeCalls.set(`make ${FOLDER}`, made.opened);
    await remember(host, volume('v'));
    expect(recorded(host)).to.deep.equal([]);
    expect(writes()).to.not.include('put resources');
    made.open();
    await host.settle();
    expect([...host.folders]).to.deep.equal([FOLDER]);
    expect(recorded(host)).to.deep.equal(['v']);
    expect(writes()).to.include('put resources');
    const discarded = gate();
    host.heldVolumeCalls.set(`discard ${FOLDER}`, discarded.opened);
    await remember(host, PLAIN);
    expect(recorded(host)).to.deep.equal(['reserved 1']);
    expect(host.keys()).to.include('destroyed-volumes');
    expect([...host.folders]).to.deep.equal([FOLDER]);
    discarded.open();
    await host.settle();
    expect([...host.folders]).to.deep.equal([]);
    expect(host.keys()).to.not.include('destroyed-volumes');
    expect(host.volumeCalls.slice(-2)).to.deep.equal(
      ['sweep /work-dir', 'sweep /disks/one'].toSorted().toReversed(),
    );
  });

  it('are removed after a restart when the agent died before', async () => {
    const host = await started();
    await remember(host, volume('v'));
    host.heldVolumeCalls.set(`discard ${FOLDER}`, new Promise(() => {}));
    await remember(host);
    host.heldVolumeCalls.clear();
    await host.restart();
    await host.settle();
    expect([...host.folders]).to.deep.equal([]);
    expect(host.keys()).to.not.include('destroyed-volumes');
    host.volumeCalls.length = 0;
    await host.restart();
    expect(sinceSweeps(host)).to.deep.equal([]);
  });

  it('keep their folder when the agent died before the record of their end', async () => {
    const host = await started();
    await remember(host, volume('v'));
    host.commitMs = 50;
    await host.restart();
    await host.advance(200);
    await remember(host);
    expect(sinceSweeps(host).filter((call) => call.startsWith('discard'))).to.deep.equal([]);
    await host.restart();
    await host.advance(200);
    expect(recorded(host)).to.deep.equal(['v']);
    expect([...host.folders]).to.deep.equal([FOLDER]);
  });

  it('are new when they are destroyed and made again at once', async () => {
    const host = await started();
    await remember(host, volume('v'));
    host.volumeCalls.length = 0;
    const discarded = gate();
    host.heldVolumeCalls.set(`discard ${FOLDER}`, discarded.opened);
    void remember(host, PLAIN);
    await remember(host, volume('v'));
    await host.run([user('t1', volume('v'))]);
    expect(sinceSweeps(host)).to.deep.equal([`discard ${FOLDER}`]);
    expect(host.containersOf('t1')).to.have.length(0);
    discarded.open();
    await host.settle();
    expect(sinceSweeps(host)).to.deep.equal([`discard ${FOLDER}`, `make ${FOLDER}`]);
    expect(host.containersOf('t1')).to.have.length(1);
    // A restart must not take the first end for that of the second volume.
    await host.restart();
    expect([...host.folders]).to.deep.equal([FOLDER]);
    expect(recorded(host)).to.deep.equal(['v']);
  });

  it('stay plain disks when their folder cannot be made, and tasks say so', async () => {
    const host = await started();
    host.volumeFailures.set(`make ${FOLDER}`, 'no space');
    await remember(host, volume('v'), volume('w'));
    expect(recorded(host).toSorted()).to.deep.equal(['reserved 1', 'w']);
    await host.run([user('t1', volume('v')), user('t2', volume('w'))]);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    expect(host.last('t1').message).to.match(/'v' is not on this agent/);
    expect(host.last('t2').state).to.equal('TASK_RUNNING');
    host.volumeFailures.clear();
    await remember(host, volume('v'), volume('w'));
    expect(recorded(host).toSorted()).to.deep.equal(['v', 'w']);
  });

  it('are told to the container with their place', async () => {
    const host = await started();
    await remember(host, volume('v'));
    await host.run([user('t1', volume('v'))]);
    expect(host.containersOf('t1')[0]?.spec.volumes).to.deep.equal([
      { id: 'v', source: FOLDER, containerPath: 'data' },
    ]);
    expect(host.containersOf('t1')[0]?.spec.limits.diskMiB).to.equal(0);
    await host.run([taskInfo('t2')]);
    expect(host.containersOf('t2')[0]?.spec.volumes).to.equal(undefined);
  });

  it('outlive restarts, and a reboot after which the agent is another', async () => {
    const host = await started();
    await remember(host, volume('v'), volume('w', { source: DISKS[2]?.disk?.source }));
    await host.run([user('t1', volume('v'))]);
    await host.restart();
    expect(recorded(host)).to.have.length(2);
    host.bootId = 'boot-2';
    const more = { name: 'mem', type: 'SCALAR' as const, scalar: { value: 64 } };
    host.config = { ...host.config, resources: [...DISKS, more] };
    await host.restart();
    expect(host.messages('REGISTER')).to.have.length(2);
    const [, again] = host.messages('REGISTER');
    expect(again?.register?.checkpointed_resources).to.have.length(2);
    expect([...host.folders]).to.deep.equal([FOLDER, '/disks/one/volumes/roles/web/w']);
  });

  it('keep an agent from starting with less than it had', async () => {
    const host = await started();
    await remember(host, volume('v'));
    const [cpus] = DISKS;
    host.config = { ...host.config, resources: cpus === undefined ? [] : [cpus] };
    expect(await host.restart().catch((error: unknown) => error)).to.include({
      code: 'INVALID_FLAG',
    });
  });

  it('are given to a running executor before it has the task', async () => {
    const host = await started();
    await remember(host, volume('v'), volume('w'));
    const executor: ExecutorInfo = {
      type: 'CUSTOM',
      executor_id: { value: 'e1' },
      framework_id: { value: FRAMEWORK },
      command: { value: 'executor' },
      resources: [scalar('cpus', 0.1)],
    };
    const run = async (task: ReturnType<typeof taskInfo>): Promise<void> => {
      const { command: _command, ...info } = task;
      const tasks = [{ ...info, executor }];
      await host.tell({
        type: 'RUN_TASKS',
        run_tasks: { framework_info: frameworkInfo(), executor_info: executor, tasks },
      });
    };
    await run(user('t1', volume('v')));
    const stream = new TestStream();
    host.agent.executorSubscribe(
      {
        type: 'SUBSCRIBE',
        executor_id: { value: 'e1' },
        framework_id: { value: FRAMEWORK },
        subscribe: {},
      },
      stream,
    );
    await host.settle();
    const launched = (): readonly (string | undefined)[] =>
      stream.events.flatMap(({ launch }) => launch?.task.task_id.value ?? []);
    expect(host.links.map(([, paths]) => paths)).to.deep.equal([['data']]);
    expect(launched()).to.deep.equal(['t1']);
    const linking = gate();
    host.heldVolumeCalls.set('link data', linking.opened);
    await run(user('t2', volume('w')));
    expect(launched()).to.deep.equal(['t1']);
    linking.open();
    await host.settle();
    expect(launched()).to.deep.equal(['t1', 't2']);
    host.heldVolumeCalls.clear();
    host.volumeFailures.set('link data', 'something else is there');
    await run(user('t3', volume('v')));
    expect(host.last('t3')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_UPDATE_FAILED',
    });
    expect(host.last('t3').message).to.match(/something else is there/);
    expect(launched()).to.deep.equal(['t1', 't2']);
  });
});
