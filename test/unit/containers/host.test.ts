import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError } from '../../../core/base/index.js';
import {
  HostSandboxes,
  MAX_SOCKET_PATH_BYTES,
  assertLinux,
  defaultRuntimeDir,
  hostFacts,
} from '../../../core/containers/index.js';

describe('Host facts', () => {
  it('are plausible', () => {
    const facts = hostFacts(tmpdir());
    expect(facts.cpus).to.be.at.least(1);
    expect(facts.memoryBytes).to.be.greaterThan(2 ** 26);
    expect(facts.diskBytes).to.be.greaterThan(2 ** 20);
    expect(facts.bootId).to.match(/^[0-9a-f-]{36}$/);
    expect(facts.hostname).not.to.equal('');
  });

  it('are refused beyond Linux, with what works there', () => {
    expect(() => assertLinux('darwin'))
      .to.throw(PlateauError, /darwin.*simulator/)
      .with.property('code', 'WRONG_PLATFORM');
    expect(() => assertLinux('linux')).not.to.throw();
  });
});

describe('The default runtime folder', () => {
  it('is in the work directory where the path of a socket allows', () => {
    expect(defaultRuntimeDir('/var/lib/plateau')).to.equal('/var/lib/plateau/run');
  });

  it('is a short one otherwise, of its own for each work directory', () => {
    const [one, other] = ['a', 'b'].map((name) => defaultRuntimeDir(`/${name.repeat(120)}`));
    expect(one).not.to.equal(other);
    expect(Buffer.byteLength(one ?? '')).to.be.below(MAX_SOCKET_PATH_BYTES);
  });
});

describe('HostSandboxes', () => {
  let folder: string;
  let workDir: string;
  let sandboxes: HostSandboxes;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plateau-sandboxes-'));
    workDir = join(folder, 'work');
    await mkdir(join(workDir, 'runs/one/deep/deeper'), { recursive: true });
    await mkdir(join(folder, 'outside'));
    await writeFile(join(folder, 'outside/precious'), 'untouched');
    sandboxes = new HostSandboxes({ workDir });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const refusal = async (path: string): Promise<unknown> => {
    try {
      await sandboxes.remove(path);
      return undefined;
    } catch (error) {
      return error instanceof PlateauError ? error.code : error;
    }
  };

  it('measure the disk as a part', async () => {
    expect(await sandboxes.diskUsage()).to.be.within(0, 1);
  });

  it('remove a folder with all in it, and take an absent one for removed', async () => {
    await writeFile(join(workDir, 'runs/one/deep/deeper/file'), '');
    await sandboxes.remove(join(workDir, 'runs/one'));
    await sandboxes.remove(join(workDir, 'runs/one'));
    await sandboxes.remove(join(workDir, 'absent/one'));
    expect(await readdir(join(workDir, 'runs'))).to.deep.equal([]);
  });

  it('remove links, not what they lead to', async () => {
    await symlink(join(folder, 'outside'), join(workDir, 'runs/one/deep/link'));
    await symlink(join(folder, 'outside'), join(workDir, 'runs/link'));
    await sandboxes.remove(join(workDir, 'runs/one'));
    await sandboxes.remove(join(workDir, 'runs/link'));
    expect(await readdir(join(workDir, 'runs'))).to.deep.equal([]);
    expect(await readdir(join(folder, 'outside'))).to.deep.equal(['precious']);
  });

  it('refuse what is not below the work directory', async () => {
    await symlink(join(folder, 'outside'), join(workDir, 'link'));
    expect(await refusal(workDir)).to.equal('NOT_FOUND');
    expect(await refusal(join(folder, 'outside'))).to.equal('NOT_FOUND');
    expect(await refusal(join(workDir, '../outside/precious'))).to.equal('NOT_FOUND');
    expect(await refusal(join(workDir, 'link/precious'))).to.equal('NOT_FOUND');
    expect(await refusal(`${workDir}-other`)).to.equal('NOT_FOUND');
    expect(await readdir(join(folder, 'outside'))).to.deep.equal(['precious']);
  });

  it('never leave the folder while a link is swapped in', async () => {
    const victim = join(workDir, 'runs/one/swap');
    for (let round = 0; round < 50; round++) {
      await mkdir(victim, { recursive: true });
      const swap = rm(victim, { recursive: true })
        .then(() => symlink(join(folder, 'outside'), victim))
        .catch(() => undefined);
      await Promise.all([swap, sandboxes.remove(join(workDir, 'runs/one')).catch(() => undefined)]);
      await sandboxes.remove(join(workDir, 'runs/one'));
    }
    expect(await readdir(join(folder, 'outside'))).to.deep.equal(['precious']);
  });
});
