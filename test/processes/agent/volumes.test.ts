/** Persistent volumes over restarts, as frameworks and operators use them. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Offer, OfferOperation, Resource } from '../../../core/api/index.js';
import { OfferRemainder } from '../../../core/client/index.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually, executorInfo, taskInfo } from './scheduler.js';

const ROLE = 'tests';
const SLOW = 'while :; do sleep 0.1; done';
const isRoot = process.getuid?.() === 0;

function reserved(name: string, value: number, more: Partial<Resource> = {}): Resource {
  return {
    name,
    type: 'SCALAR',
    scalar: { value },
    reservations: [{ type: 'DYNAMIC', role: ROLE }],
    ...more,
  };
}

function volume(id: string, path = 'data', size = 32): Resource {
  return reserved('disk', size, {
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: path } },
  });
}

const COMPUTE: readonly Resource[] = [reserved('cpus', 0.2), reserved('mem', 32)];

function reserve(resources: readonly Resource[]): OfferOperation {
  return { type: 'RESERVE', reserve: { resources } };
}

function volumesOf(offer: Offer): readonly string[] {
  return (offer.resources ?? []).flatMap(({ disk }) => disk?.persistence?.id ?? []).toSorted();
}

function hasReserved(offer: Offer, cpus = 0.2): boolean {
  return (offer.resources ?? []).some(
    ({ name, reservations = [], scalar }) =>
      name === 'cpus' && reservations.length > 0 && (scalar?.value ?? 0) >= cpus,
  );
}

function hasUnreserved(offer: Offer): boolean {
  return new OfferRemainder({
    ...offer,
    resources: (offer.resources ?? []).filter(({ reservations }) => reservations === undefined),
  }).fits({ cpus: 0.2, memoryMiB: 64 });
}

describe('Persistent volumes', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function folderOf(id: string): string {
    return join(cluster.workDir, 'volumes', 'roles', ROLE, id);
  }

  /** Launches a task on the reservation, after some operations in the same call. */
  async function launch(
    id: string,
    command: string,
    given: { readonly volumes: readonly Resource[]; readonly first?: readonly OfferOperation[] },
  ): Promise<void> {
    const { volumes, first = [] } = given;
    const names = volumes.flatMap(({ disk }) => disk?.persistence?.id ?? []);
    const offer = await scheduler.takeOffer(
      (one) =>
        first.length > 0 ||
        (hasReserved(one) && names.every((name) => volumesOf(one).includes(name))),
    );
    const task = taskInfo(offer, { id, command: { value: command } }, [...COMPUTE, ...volumes]);
    await scheduler.accept(offer, [...first, { type: 'LAUNCH', launch: { task_infos: [task] } }]);
  }

  it('are reserved, created and used in one call', async () => {
    await launch(
      'writes',
      'echo kept > data/file && mkdir data/inner && echo in > data/inner/file',
      {
        volumes: [volume('vol')],
        first: [
          reserve([...COMPUTE, reserved('disk', 32)]),
          { type: 'CREATE', create: { volumes: [volume('vol')] } },
        ],
      },
    );
    await scheduler.until('writes', 'TASK_FINISHED');
    expect(readFileSync(join(folderOf('vol'), 'file'), 'utf8')).to.equal('kept\n');
    expect(statSync(folderOf('vol')).uid).to.equal(process.getuid?.());
  });

  it('are read by another task at another place', async () => {
    await launch('reads', 'test "$(cat deep/er/file)" = kept && exit 17', {
      volumes: [volume('vol', './deep//er/')],
    });
    expect((await scheduler.until('reads', 'TASK_FAILED')).message).to.match(/status 17/);
  });

  it('outlive an agent that is killed', async () => {
    await cluster.restartAgent();
    await launch('reads-again', 'cat data/file data/inner/file', { volumes: [volume('vol')] });
    await scheduler.until('reads-again', 'TASK_FINISHED');
    expect(SandboxReader.of(cluster, scheduler, 'reads-again').text('stdout')).to.equal(
      'kept\nin\n',
    );
  });

  it('stay with a task over a restart, and cannot be destroyed meanwhile', async () => {
    await launch('stays', `echo more >> data/file; ${SLOW}`, { volumes: [volume('vol')] });
    await scheduler.until('stays', 'TASK_RUNNING');
    await cluster.restartAgent();
    const { get_agents: view } = (await cluster.operator.call({ type: 'GET_AGENTS' })) ?? {};
    const agent_id = view?.agents?.[0]?.agent_info.id ?? { value: '' };
    const destroying = cluster.operator.call({
      type: 'DESTROY_VOLUMES',
      destroy_volumes: { agent_id, volumes: [volume('vol')] },
    });
    expect(String(await destroying.catch((error: unknown) => error))).to.match(/in use/);
    await scheduler.kill('stays');
    await scheduler.until('stays', 'TASK_KILLED');
    expect(readFileSync(join(folderOf('vol'), 'file'), 'utf8')).to.equal('kept\nmore\n');
  });

  it('are refused at places that are taken or lead out, and the reason is told', async () => {
    for (const [path, reason] of [
      ['stdout/../../out', /leads out/],
      ['/absolute', /is absolute/],
      ['.', /is empty/],
    ] as const) {
      const id = `at-${path.replaceAll(/\W/g, '')}`;
      await launch(id, 'true', { volumes: [volume('vol', path)] });
      const { message, reason: code } = await scheduler.until(id, 'TASK_FAILED');
      expect(message).to.match(reason);
      expect(code).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
    }
    const uri = join(cluster.folder, 'data');
    writeFileSync(uri, 'fetched');
    const offer = await scheduler.takeOffer((one) => hasReserved(one) && volumesOf(one).length > 0);
    const command = { value: 'true', uris: [{ value: uri, extract: false }] };
    const task = taskInfo(offer, { id: 'taken', command }, [...COMPUTE, volume('vol')]);
    await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos: [task] } }]);
    expect((await scheduler.until('taken', 'TASK_FAILED')).message).to.match(/something else/);
  });

  it('are given to executors, with the first task and with later ones', async () => {
    const program = fileURLToPath(new URL('executor-program.js', import.meta.url));
    const executor = executorInfo(scheduler, { id: 'custom', program });
    async function give(id: string, path: string): Promise<void> {
      const offer = await scheduler.takeOffer(
        (one) => hasReserved(one) && volumesOf(one).includes('vol') && hasUnreserved(one),
      );
      const task = taskInfo(offer, { id, executor }, [...COMPUTE, volume('vol', path)]);
      await scheduler.accept(offer, [{ type: 'LAUNCH', launch: { task_infos: [task] } }]);
    }
    await give('first', 'data');
    await scheduler.until('first', 'TASK_RUNNING');
    const sandbox = SandboxReader.of(cluster, scheduler, 'first');
    expect(sandbox.text('data/file')).to.equal('kept\nmore\n');
    await scheduler.kill('first');
    await scheduler.until('first', 'TASK_KILLED');
    await give('second', 'elsewhere/data');
    await scheduler.until('second', 'TASK_RUNNING');
    expect(sandbox.text('elsewhere/data/file')).to.equal('kept\nmore\n');
    await scheduler.kill('second');
    await scheduler.until('second', 'TASK_KILLED');
    await give('third', 'executor.log');
    const told = await scheduler.until('third', 'TASK_FAILED');
    const { message, reason, agent_id: { value: agentId } = { value: '' } } = told;
    expect(message).to.match(/something else is there/);
    expect(reason).to.equal('REASON_CONTAINER_UPDATE_FAILED');
    const shutdown = { executor_id: { value: 'custom' }, agent_id: { value: agentId } };
    await scheduler.client.call({ type: 'SHUTDOWN', shutdown });
    await scheduler.event('the executor has ended', ({ failure }) => failure?.executor_id);
  });

  it('are destroyed, folder and all, and their disk is reserved as before', async () => {
    const offer = await scheduler.takeOffer((one) => volumesOf(one).includes('vol'));
    await scheduler.accept(offer, [{ type: 'DESTROY', destroy: { volumes: [volume('vol')] } }]);
    await eventually('the folder is gone', () => !existsSync(folderOf('vol')));
    const discarded = join(cluster.workDir, 'volumes', 'discarded');
    await eventually('its files are gone', () => readdirSync(discarded).length === 0);
    const after = await scheduler.takeOffer((one) =>
      (one.resources ?? []).some(({ name, reservations }) => name === 'disk' && reservations),
    );
    expect(volumesOf(after)).to.deep.equal([]);
    await scheduler.client.decline([after.id], { refuse_seconds: 0 });
  });

  it('are new when they are created again, and destroyed and created in one call', async () => {
    const CREATE: OfferOperation = { type: 'CREATE', create: { volumes: [volume('vol')] } };
    const DESTROY: OfferOperation = { type: 'DESTROY', destroy: { volumes: [volume('vol')] } };
    await launch('fills', 'test ! -e data/file && echo old > data/file', {
      volumes: [volume('vol')],
      first: [CREATE],
    });
    await scheduler.until('fills', 'TASK_FINISHED');
    const offer = await scheduler.takeOffer(
      (one) => hasReserved(one) && volumesOf(one).includes('vol'),
    );
    const command = { value: 'test ! -e data/file && echo new > data/file' };
    const task = taskInfo(offer, { id: 'is-new', command }, [...COMPUTE, volume('vol')]);
    const LAUNCH: OfferOperation = { type: 'LAUNCH', launch: { task_infos: [task] } };
    await scheduler.accept(offer, [DESTROY, CREATE, LAUNCH]);
    await scheduler.until('is-new', 'TASK_FINISHED');
    expect(readFileSync(join(folderOf('vol'), 'file'), 'utf8')).to.equal('new\n');
  });

  it('belong to the user of the first task', async () => {
    // Only root may run a task as somebody else; others see that it is theirs.
    const other = isRoot ? 'nobody' : userInfo().username;
    const offer = await scheduler.takeOffer(
      (one) => hasReserved(one) && volumesOf(one).includes('vol') && hasUnreserved(one),
    );
    const fresh = volume('fresh', 'its/own', 16);
    const command = { value: 'id -u; touch its/own/file', user: other };
    const task = taskInfo(offer, { id: 'other-user', command }, [...COMPUTE, fresh]);
    await scheduler.accept(offer, [
      reserve([reserved('disk', 16)]),
      { type: 'CREATE', create: { volumes: [fresh] } },
      { type: 'LAUNCH', launch: { task_infos: [task] } },
    ]);
    await scheduler.until('other-user', 'TASK_FINISHED');
    const uid = Number(SandboxReader.of(cluster, scheduler, 'other-user').text('stdout'));
    expect(statSync(folderOf('fresh')).uid).to.equal(uid);
  });

  it('outlive an agent that comes back with another make-up', async () => {
    await cluster.agent.end('SIGKILL');
    cluster.agent = cluster.agentWith([
      '--attributes=rack:r9',
      '--resources=cpus:6;mem:4096;disk:2048',
    ]);
    await cluster.agent.start();
    await cluster.untilRegistered();
    const offer = await scheduler.takeOffer((one) => volumesOf(one).includes('vol'));
    await scheduler.client.decline([offer.id], { refuse_seconds: 0 });
    expect(readFileSync(join(folderOf('vol'), 'file'), 'utf8')).to.equal('new\n');
  });
});
