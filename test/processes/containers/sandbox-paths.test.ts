/** Volumes that are folders of sandboxes, with real processes and real links. */
import { lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ContainerSpec } from '../../../core/agent/index.js';
import type { Volume } from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { Host } from './support.js';

function volume(type: 'SELF' | 'PARENT', path: string, at: string): Volume {
  const source = { type: 'SANDBOX_PATH' as const, sandbox_path: { type, path } };
  return { mode: 'RW', container_path: at, source };
}

describe('Volumes of type SANDBOX_PATH', () => {
  let host: Host;
  let parent: string;

  beforeEach(async () => {
    host = await Host.start();
    parent = host.sandbox(id<'ContainerId'>('parent'));
  });

  afterEach(() => host.dispose());

  /** What a container inside of the parent is launched with. */
  function inside(name: string, ...volumes: readonly Volume[]): Partial<ContainerSpec> {
    return {
      containerId: id<'ContainerId'>(name),
      sandbox: join(parent, 'containers', name),
      container: { type: 'MESOS', volumes },
      parent: { sandbox: parent, volumes: [] },
    };
  }

  it('share a folder of the parent between containers inside, each at its own place', async () => {
    await host.output('echo hello > shared/file', inside('one', volume('PARENT', 'a/b', 'shared')));
    const other = inside('two', volume('PARENT', 'a/b', 'deep/er'), volume('PARENT', 'c', 'c'));
    expect(await host.output('cat deep/er/file; ls c', other)).to.equal('hello\n');
    expect(readlinkSync(join(parent, 'containers', 'two', 'deep', 'er'))).to.equal(
      join(parent, 'a', 'b'),
    );
  });

  it('are folders of the own sandbox, without a link where both are one place', async () => {
    const container = {
      type: 'MESOS' as const,
      volumes: [volume('SELF', 'store', 'data'), volume('SELF', './same/', 'same')],
    };
    const spec = { containerId: id<'ContainerId'>('own'), container };
    expect(await host.output('echo x > data/f; cat store/f; touch same/f', spec)).to.equal('x\n');
    const sandbox = host.sandbox(spec.containerId);
    expect(readlinkSync(join(sandbox, 'data'))).to.equal(join(sandbox, 'store'));
    expect(lstatSync(join(sandbox, 'same')).isDirectory()).to.equal(true);
  });

  it('lead to what a persistent volume of the parent has', async () => {
    const folder = join(host.workDir, 'volume');
    mkdirSync(folder);
    const volumes = [{ id: 'v', source: folder, containerPath: 'kept' }];
    const first = inside('one', volume('PARENT', 'kept/inner', 'data'));
    await host.output('echo v > data/f', { ...first, parent: { sandbox: parent, volumes } });
    expect(readlinkSync(join(parent, 'kept'))).to.equal(folder);
    expect(lstatSync(join(folder, 'inner', 'f')).isFile()).to.equal(true);
  });

  it('may be what the executor of a group has of its own', async () => {
    const container = { type: 'MESOS' as const, volumes: [volume('SELF', 'store', 'data')] };
    const spec = inside('one', volume('PARENT', 'store', 'x'));
    await host.output('echo 1 > x/f', {
      ...spec,
      parent: { sandbox: parent, volumes: [], container },
    });
    expect(readlinkSync(join(parent, 'data'))).to.equal(join(parent, 'store'));
    const other: Volume = { mode: 'RW', container_path: 'h', host_path: '/tmp' };
    const bad = { sandbox: parent, volumes: [], container: { ...container, volumes: [other] } };
    const refused = await host.refused({ value: 'true' }, { ...inside('two'), parent: bad });
    expect(refused.message).to.match(/volume 'h' of the executor/);
  });

  it('are refused by name where links cannot give them', async () => {
    const cases: readonly (readonly [Volume, RegExp])[] = [
      [volume('SELF', 'a', '/data'), /'container_path' of volume '\/data' is absolute/],
      [volume('SELF', 'a', '../x'), /'container_path' of volume '..\/x' leads out/],
      [volume('PARENT', '/etc', 'x'), /'source.sandbox_path.path' of volume 'x' is absolute/],
      [volume('PARENT', 'a/../../x', 'x'), /'source.sandbox_path.path' of volume 'x' leads out/],
      [volume('PARENT', '.', 'x'), /'source.sandbox_path.path' of volume 'x' is empty/],
      [{ ...volume('SELF', 'a', 'x'), mode: 'RO' }, /volume 'x' is read-only \('mode' RO\)/],
      [
        {
          mode: 'RW',
          container_path: 'x',
          source: { type: 'SANDBOX_PATH', sandbox_path: { path: 'a' } },
        },
        /'source.sandbox_path.type' of volume 'x' must be SELF or PARENT/,
      ],
      [{ mode: 'RW', container_path: 'x', host_path: '/tmp' }, /container.volumes\[0\]: host_path/],
      [
        {
          mode: 'RW',
          container_path: 'x',
          source: { type: 'HOST_PATH', host_path: { path: '/' } },
        },
        /container.volumes\[0\]: source of type HOST_PATH/,
      ],
    ];
    for (const [index, [wish, message]] of cases.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const refused = await host.refused({ value: 'true' }, inside(`c${index}`, wish));
      expect(refused).to.include({ kind: 'failed', stage: 'command' });
      expect(refused.message).to.match(message);
    }
    const alone = { container: { type: 'MESOS' as const, volumes: [volume('PARENT', 'a', 'x')] } };
    const refused = await host.refused({ value: 'true' }, alone);
    expect(refused.message).to.match(/is PARENT, and the container is inside no other/);
  });

  it('follow no link that a container has put in the way', async () => {
    await host.output('true', inside('one', volume('PARENT', 'a', 'x')));
    symlinkSync('/tmp', join(parent, 'trap'));
    const refused = await host.refused(
      { value: 'true' },
      inside('two', volume('PARENT', 'trap/in', 'x')),
    );
    expect(refused).to.include({ stage: 'sandbox' });
    expect(refused.message).to.match(/cannot put 'trap\/in' of the PARENT sandbox at 'x'/);
  });
});
