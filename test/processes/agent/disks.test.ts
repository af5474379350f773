/** Disks of type PATH and MOUNT, and volumes that several tasks use at once, on real folders. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type {
  FrameworkInfo,
  Offer,
  OfferOperation,
  Resource,
  ResourceDiskInfoSource,
} from '../../../core/api/index.js';
import { TestCluster } from './cluster.js';
import { type TestScheduler, eventually, taskInfo } from './scheduler.js';

const ROLE = 'tests';
const SLOW = 'while :; do sleep 0.1; done';
const PATH_SIZE = 500;
const MOUNT_SIZE = 200;

const SHARING: Partial<FrameworkInfo> = {
  capabilities: [
    { type: 'MULTI_ROLE' },
    { type: 'RESERVATION_REFINEMENT' },
    { type: 'PARTITION_AWARE' },
    { type: 'SHARED_RESOURCES' },
  ],
};

function scalar(name: string, value: number, more: Partial<Resource> = {}): Resource {
  return { name, type: 'SCALAR', scalar: { value }, ...more };
}

function reserved(name: string, value: number, more: Partial<Resource> = {}): Resource {
  return scalar(name, value, { reservations: [{ type: 'DYNAMIC', role: ROLE }], ...more });
}

function disk(size: number, source?: ResourceDiskInfoSource): Resource {
  return reserved('disk', size, source === undefined ? {} : { disk: { source } });
}

interface VolumeFields {
  readonly size?: number;
  readonly source?: ResourceDiskInfoSource;
  readonly path?: string;
  readonly shared?: boolean;
}

function volume(id: string, fields: VolumeFields = {}): Resource {
  const { size = 32, source, path = 'data', shared = false } = fields;
  return reserved('disk', size, {
    disk: {
      persistence: { id },
      volume: { mode: 'RW', container_path: path },
      ...(source !== undefined && { source }),
    },
    ...(shared && { shared: {} }),
  });
}

const SMALL: readonly Resource[] = [scalar('cpus', 0.2), scalar('mem', 32)];

const reserve = (...resources: Resource[]): OfferOperation => ({
  type: 'RESERVE',
  reserve: { resources },
});
const create = (id: string, ...volumes: Resource[]): OfferOperation => ({
  type: 'CREATE',
  id: { value: id },
  create: { volumes },
});
const destroy = (id: string, ...volumes: Resource[]): OfferOperation => ({
  type: 'DESTROY',
  id: { value: id },
  destroy: { volumes },
});

function launch(
  offer: Offer,
  tasks: Readonly<Record<string, string>>,
  ...volumes: readonly Resource[]
): OfferOperation {
  const task_infos = Object.entries(tasks).map(([id, value]) =>
    taskInfo(offer, { id, command: { value } }, [...SMALL, ...volumes]),
  );
  return { type: 'LAUNCH', launch: { task_infos } };
}

function volumesOf(offer: Offer): readonly string[] {
  return (offer.resources ?? []).flatMap(({ disk: one }) => one?.persistence?.id ?? []).toSorted();
}

const has =
  (...ids: readonly string[]) =>
  (offer: Offer): boolean =>
    ids.every((id) => volumesOf(offer).includes(id)) &&
    (offer.resources ?? []).some(({ name }) => name === 'cpus');

async function answer(scheduler: TestScheduler, id: string): Promise<string> {
  const status = await scheduler.event(`operation ${id} is answered`, (event) => {
    const told = event.update_operation_status?.status;
    return told?.operation_id?.value === id ? told : undefined;
  });
  return `${status.state.replace('OPERATION_', '')} ${status.message ?? ''}`.trim();
}

describe('Disks and shared volumes', function () {
  this.timeout(60_000);
  let folder: string;
  let path: ResourceDiskInfoSource;
  let mount: ResourceDiskInfoSource;
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  const pathRoot = (): string => join(folder, 'path');
  const mountRoot = (): string => join(folder, 'mount');
  const onPath = (id: string): string => join(pathRoot(), 'volumes', 'roles', ROLE, id);

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-disks-')));
    for (const root of [pathRoot(), mountRoot()]) mkdirSync(root);
    path = { type: 'PATH', path: { root: pathRoot() } };
    mount = { type: 'MOUNT', mount: { root: mountRoot() } };
    const resources = JSON.stringify([
      scalar('cpus', 4),
      scalar('mem', 2048),
      scalar('disk', 1000),
      scalar('disk', PATH_SIZE, { disk: { source: path } }),
      scalar('disk', MOUNT_SIZE, { disk: { source: mount } }),
    ]);
    cluster = await TestCluster.start({ agentFlags: [`--resources=${resources}`] });
    scheduler = await cluster.scheduler({ framework: SHARING });
  });

  after(async () => {
    const left = await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  /** What the agent says that it has, as text. */
  async function agentVolumes(): Promise<readonly string[]> {
    const { get_agents: view } = (await cluster.operator.call({ type: 'GET_AGENTS' })) ?? {};
    return (view?.agents?.[0]?.total_resources ?? [])
      .flatMap(({ disk: one }) => one?.persistence?.id ?? [])
      .toSorted();
  }

  it('make a volume of a part of a PATH disk, and of a MOUNT disk as a whole', async () => {
    const offer = await scheduler.takeOffer();
    const part = volume('part', { size: 100, source: mount });
    await scheduler.accept(offer, [
      reserve(disk(100, path), disk(MOUNT_SIZE, mount)),
      create('part', part),
      create(
        'both',
        volume('on-path', { size: 100, source: path, path: 'p' }),
        volume('on-mount', { size: MOUNT_SIZE, source: mount, path: 'm' }),
      ),
      launch(
        offer,
        { writes: 'echo path > p/file; echo mount > m/file; mkdir m/inner' },
        volume('on-path', { size: 100, source: path, path: 'p' }),
        volume('on-mount', { size: MOUNT_SIZE, source: mount, path: 'm' }),
      ),
    ]);
    expect(await answer(scheduler, 'part')).to.match(/^ERROR .*is needed and/);
    expect(await answer(scheduler, 'both')).to.equal('FINISHED');
    await scheduler.until('writes', 'TASK_FINISHED');
    expect(readFileSync(join(onPath('on-path'), 'file'), 'utf8')).to.equal('path\n');
    expect(readdirSync(mountRoot()).toSorted(), 'the root itself').to.deep.equal(['file', 'inner']);
    const freeOnPath = (offer: Offer): number | undefined =>
      (offer.resources ?? []).find(
        ({ disk: one }) => one?.source?.type === 'PATH' && one.persistence === undefined,
      )?.scalar?.value;
    const rest = await scheduler.takeOffer(
      (one) => has('on-path', 'on-mount')(one) && freeOnPath(one) === PATH_SIZE - 100,
    );
    await scheduler.client.decline([rest.id], { refuse_seconds: 0 });
  });

  it('keep them under a task whose agent is killed, and give them to later tasks', async () => {
    const one = volume('on-mount', { size: MOUNT_SIZE, source: mount });
    const offer = await scheduler.takeOffer(has('on-mount'));
    await scheduler.accept(offer, [launch(offer, { stays: `echo on >> data/file; ${SLOW}` }, one)]);
    await scheduler.until('stays', 'TASK_RUNNING');
    await cluster.restartAgent();
    const during = await scheduler.takeOffer((other) => volumesOf(other).includes('on-path'));
    expect(volumesOf(during)).to.not.include('on-mount');
    await scheduler.accept(during, [destroy('used', one)]);
    expect(await answer(scheduler, 'used')).to.match(/in use/);
    await scheduler.kill('stays');
    await scheduler.until('stays', 'TASK_KILLED');
    expect(readFileSync(join(mountRoot(), 'file'), 'utf8')).to.equal('mount\non\n');
  });

  it('empty the MOUNT disk when its volume is destroyed, and keep the disk', async () => {
    const { ino } = statSync(mountRoot());
    const offer = await scheduler.takeOffer(has('on-path', 'on-mount'));
    await scheduler.accept(offer, [
      destroy('mount', volume('on-mount', { size: MOUNT_SIZE, source: mount })),
      destroy('path', volume('on-path', { size: 100, source: path })),
    ]);
    expect(await answer(scheduler, 'mount')).to.equal('FINISHED');
    expect(await answer(scheduler, 'path')).to.equal('FINISHED');
    await eventually('the disk is empty', () => readdirSync(mountRoot()).length === 0);
    await eventually('the folder is gone', () => !existsSync(onPath('on-path')));
    expect(statSync(mountRoot()).ino).to.equal(ino);
    expect(existsSync(pathRoot())).to.equal(true);
    const again = await scheduler.takeOffer();
    const anew = volume('anew', { size: MOUNT_SIZE, source: mount });
    await scheduler.accept(again, [
      create('anew', anew),
      launch(again, { 'is-new': 'test -z "$(ls data)" && echo new > data/file' }, anew),
    ]);
    await scheduler.until('is-new', 'TASK_FINISHED');
    expect(readFileSync(join(mountRoot(), 'file'), 'utf8')).to.equal('new\n');
  });

  it('are consistent when the agent is killed between its record and its folders', async () => {
    const { get_agents: view } = (await cluster.operator.call({ type: 'GET_AGENTS' })) ?? {};
    const agent_id = view?.agents?.[0]?.agent_info.id ?? { value: '' };
    const anew = volume('anew', { size: MOUNT_SIZE, source: mount, path: 'm' });
    const loop = volume('loop', { size: 100, source: path, path: 'p' });
    const volumes = [anew, loop];
    const destroyAll = (): Promise<unknown> =>
      cluster.operator.call({ type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes } });
    await cluster.operator.call({
      type: 'CREATE_VOLUMES',
      create_volumes: { agent_id, volumes: [loop] },
    });
    for (let round = 0; round < 4; round++) {
      const id = `fills-${round}`;
      const offer = await scheduler.takeOffer(has('anew', 'loop'));
      const command = 'echo old > p/file; mkdir -p m/inner; echo old > m/inner/file';
      await scheduler.accept(offer, [launch(offer, { [id]: command }, ...volumes)]);
      await scheduler.until(id, 'TASK_FINISHED');
      await destroyAll();
      await cluster.restartAgent();
      expect(await agentVolumes(), `round ${round}`).to.deep.equal([]);
      await eventually(
        `nothing is left of the volumes, round ${round}`,
        () => !existsSync(onPath('loop')) && readdirSync(mountRoot()).length === 0,
      );
      await cluster.operator.call({
        type: 'CREATE_VOLUMES',
        create_volumes: { agent_id, volumes },
      });
      await cluster.restartAgent();
      expect(await agentVolumes(), `round ${round}`).to.deep.equal(['anew', 'loop']);
      await eventually(
        `the volumes are there and empty, round ${round}`,
        () => existsSync(onPath('loop')) && readdirSync(onPath('loop')).length === 0,
      );
      expect(readdirSync(mountRoot())).to.deep.equal([]);
    }
    await destroyAll();
  });

  describe('shared volumes', () => {
    const shared = (where = 'data'): Resource => volume('shared', { shared: true, path: where });
    const folderOf = (): string => join(cluster.workDir, 'volumes', 'roles', ROLE, 'shared');

    it('are used by several tasks of one call at the same time', async () => {
      const offer = await scheduler.takeOffer(
        (one) => volumesOf(one).length === 0 && (one.resources ?? []).length > 2,
      );
      const met = (own: string, other: string): string =>
        `echo ${own} > data/${own}; while ! test -e data/${other}; do sleep 0.05; done; ${SLOW}`;
      await scheduler.accept(offer, [
        reserve(disk(32)),
        create('shared', shared()),
        launch(offer, { one: met('one', 'two'), two: met('two', 'one') }, shared()),
      ]);
      expect(await answer(scheduler, 'shared')).to.equal('FINISHED');
      await scheduler.until('one', 'TASK_RUNNING');
      await scheduler.until('two', 'TASK_RUNNING');
      await eventually(
        'both have written',
        () => existsSync(folderOf()) && readdirSync(folderOf()).length === 2,
      );
    });

    it('are offered to another framework of the role meanwhile', async () => {
      const held = await scheduler.takeOffer(has('shared'));
      await scheduler.client.call({ type: 'SUPPRESS', suppress: {} });
      await scheduler.client.decline([held.id], { refuse_seconds: 0 });
      const other = await cluster.scheduler({ framework: { ...SHARING, name: 'other' } });
      const offer = await other.takeOffer(has('shared'));
      await other.accept(offer, [
        launch(offer, { reads: 'cat elsewhere/one elsewhere/two' }, shared('elsewhere')),
      ]);
      await other.until('reads', 'TASK_FINISHED');
      await other.end();
      await scheduler.client.call({ type: 'REVIVE', revive: {} });
    });

    it('stay in use over restarts of agent and master, and end when nobody uses them', async () => {
      await cluster.restartAgent();
      await cluster.master.end('SIGKILL');
      await cluster.master.start();
      await cluster.untilRegistered();
      const offer = await scheduler.takeOffer(has('shared'));
      await scheduler.accept(offer, [destroy('early', shared())]);
      expect(await answer(scheduler, 'early')).to.match(/^ERROR .*in use by a task/);
      await scheduler.kill('one');
      await scheduler.until('one', 'TASK_KILLED');
      const next = await scheduler.takeOffer(has('shared'));
      await scheduler.accept(next, [destroy('later', shared())]);
      expect(await answer(scheduler, 'later')).to.match(/in use by a task/);
      await scheduler.kill('two');
      await scheduler.until('two', 'TASK_KILLED');
      expect(readdirSync(folderOf()).toSorted()).to.deep.equal(['one', 'two']);
      const last = await scheduler.takeOffer(has('shared'));
      await scheduler.accept(last, [destroy('last', shared())]);
      expect(await answer(scheduler, 'last')).to.equal('FINISHED');
      await eventually('the folder is gone', () => !existsSync(folderOf()));
    });
  });

  describe('that cannot be used', () => {
    it('keep an agent from starting, which says why', async () => {
      await cluster.agent.end('SIGTERM');
      const refused = async (source: ResourceDiskInfoSource): Promise<string> => {
        const resources = JSON.stringify([scalar('disk', 10, { disk: { source } })]);
        const agent = cluster.agentWith([`--resources=${resources}`]);
        const error: unknown = await agent.start().catch((caught: unknown) => caught);
        return String(error);
      };
      expect(await refused({ type: 'RAW', id: 'sdb' })).to.match(/type RAW.*PATH or MOUNT/);
      const gone: ResourceDiskInfoSource = { type: 'PATH', path: { root: join(folder, 'gone') } };
      expect(await refused(gone)).to.match(/gone of type PATH cannot be used/);
      await cluster.agent.start();
    });
  });
});
