import { expect } from 'chai';
import { assertDisksApart, configuredDisks } from '../../../core/agent/index.js';
import type { Resource, ResourceDiskInfoSource } from '../../../core/api/index.js';
import { Host } from './host.js';

type Source = ResourceDiskInfoSource;

const path = (root: string): Source => ({ type: 'PATH', path: { root } });
const mount = (root: string): Source => ({ type: 'MOUNT', mount: { root } });

function disk(source: Source, value = 100): Resource {
  return { name: 'disk', type: 'SCALAR', scalar: { value }, disk: { source } };
}

function check(...sources: readonly Source[]): string {
  const workDir = '/work-dir';
  try {
    const disks = configuredDisks({ resources: sources.map((one) => disk(one)), workDir });
    assertDisksApart(disks, workDir);
    return disks.map(({ type, root }) => `${type} ${root}`).join(', ');
  } catch (error) {
    expect(error).to.include({ code: 'INVALID_FLAG' });
    return String(error);
  }
}

describe('configuredDisks', () => {
  it('names disks of type PATH and MOUNT by their absolute roots', () => {
    expect(check(path('/ssd'), mount('/mnt/a'), path('local'), mount('local-disk'))).to.equal(
      'PATH /ssd, MOUNT /mnt/a, PATH /work-dir/local, MOUNT /work-dir/local-disk',
    );
    expect(check(path('/ssd'), path('/ssd/')), 'in two parts').to.equal('PATH /ssd');
    expect(check(path('/mnt'), path('/mnt/inner'), mount('/mnt2'))).to.match(/^PATH .*mnt2$/);
  });

  it('refuses disks without a file system, and says what to do', () => {
    for (const type of ['RAW', 'BLOCK'] as const) {
      expect(check({ type, id: 'sdb' })).to.match(new RegExp(`type ${type}.*PATH or MOUNT`));
    }
  });

  it('refuses roots that are missing or lead elsewhere', () => {
    expect(check({ type: 'PATH' })).to.match(/no 'disk.source.path.root'/);
    expect(check({ type: 'MOUNT' })).to.match(/no 'disk.source.mount.root'/);
    expect(check(mount('/mnt/../home'))).to.match(/no plain path/);
  });

  it('refuses MOUNT disks that overlap with anything', () => {
    const overlap = /overlap/;
    expect(check(mount('/mnt'), mount('/mnt/'))).to.match(/more than once/);
    expect(check(mount('/mnt'), path('/mnt'))).to.match(/more than once/);
    expect(check(mount('/mnt'), path('/mnt/inner'))).to.match(overlap);
    expect(check(path('/disks'), mount('/disks/a'))).to.match(overlap);
    expect(check(mount('/work-dir'))).to.match(/work directory \/work-dir is on the disk/);
    expect(check(mount('/'))).to.match(/work directory/);
    expect(check(mount('volumes/a'))).to.match(/the agent's own/);
  });
});

describe('An agent with disks', () => {
  it('does not start with one that it cannot use', async () => {
    const host = new Host({ config: { resources: [disk({ type: 'RAW', id: 'sdb' })] } });
    const error: unknown = await host.start().catch((caught: unknown) => caught);
    expect(String(error)).to.match(/RAW/);
    expect(host.messages('REGISTER')).to.have.length(0);
  });

  it('clears a MOUNT disk whose volume is destroyed, and takes it anew, in this order', async () => {
    const host = new Host({ config: { resources: [disk(mount('/mnt/a'))] } });
    await host.start();
    const volume: Resource = {
      ...disk(mount('/mnt/a')),
      reservations: [{ type: 'DYNAMIC', role: 'web' }],
      disk: {
        source: mount('/mnt/a'),
        persistence: { id: 'v' },
        volume: { mode: 'RW', container_path: 'data' },
      },
    };
    const remember = (...resources: readonly Resource[]): Promise<void> =>
      host.tell({ type: 'CHECKPOINT_RESOURCES', checkpoint_resources: { resources } });
    await remember(volume);
    host.volumeFailures.set('discard /mnt/a', 'input/output error');
    await remember();
    expect(host.keys()).to.include('destroyed-volumes');
    await remember(volume);
    const kept = host.agent.state.checkpointedResources;
    expect(
      kept.flatMap(({ disk: one }) => one?.persistence?.id ?? []),
      'not clean',
    ).to.deep.equal([]);
    expect(host.keys(), 'is tried again').to.include('destroyed-volumes');
    host.volumeFailures.clear();
    host.volumeCalls.length = 0;
    await remember(volume);
    expect(host.volumeCalls).to.deep.equal(['discard /mnt/a', 'make /mnt/a']);
    expect(host.keys()).to.not.include('destroyed-volumes');
    await host.restart();
    const swept = host.volumeCalls.filter((call) => call.startsWith('sweep'));
    expect(swept).to.deep.equal(['sweep /work-dir']);
  });
});
