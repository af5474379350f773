/** Folders of persistent volumes on a real disk, and the links to them. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LogFields, Logger } from '../../../core/base/index.js';
import { SILENT_LOGGER } from '../../../core/base/index.js';
import { HostVolumes } from '../../../core/containers/index.js';

describe('HostVolumes', () => {
  let folder: string;
  let root: string;
  let warnings: string[];
  let volumes: HostVolumes;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-volumes-')));
    root = join(folder, 'disk');
    mkdirSync(root);
    warnings = [];
    const warn = (message: string, _fields?: LogFields): unknown => warnings.push(message);
    const log: Logger = { ...SILENT_LOGGER, warn };
    volumes = new HostVolumes({ log });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function place(id: string, role = 'web'): { readonly root: string; readonly folder: string } {
    return { root, folder: join(root, 'volumes', 'roles', role, id) };
  }

  function below(...names: readonly string[]): readonly string[] {
    return readdirSync(join(root, 'volumes', ...names)).toSorted();
  }

  it('makes an empty folder that the agent alone may enter, whatever the name', async () => {
    for (const [id, role] of [
      ['v', 'web'],
      ['odd:id%2F*?', 'a b'],
      ['.hidden', 'web'],
    ] as const) {
      const made = place(id, role);
      await volumes.make(made);
      expect(statSync(made.folder).mode & 0o777).to.equal(0o700);
      expect(readdirSync(made.folder)).to.deep.equal([]);
    }
    expect(statSync(join(root, 'volumes', 'roles', 'web')).mode & 0o777).to.equal(0o755);
  });

  it('does not make a root that is not there: a disk may be unmounted', async () => {
    const gone = { root: join(folder, 'gone'), folder: join(folder, 'gone/volumes/roles/r/v') };
    const error: unknown = await volumes.make(gone).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'NOT_FOUND' });
    expect(existsSync(gone.root)).to.equal(false);
    const astray = { root, folder: join(root, 'volumes', 'elsewhere') };
    expect(await volumes.make(astray).catch((caught: unknown) => caught)).to.include({
      code: 'NOT_FOUND',
    });
  });

  it('makes a folder anew when an empty one is there, and puts files aside', async () => {
    await volumes.make(place('v'));
    chmodSync(place('v').folder, 0o755);
    await volumes.make(place('v'));
    expect(statSync(place('v').folder).mode & 0o777).to.equal(0o700);
    expect(warnings).to.have.length(0);
    writeFileSync(join(place('v').folder, 'file'), 'precious');
    await volumes.make(place('v'));
    expect(readdirSync(place('v').folder)).to.deep.equal([]);
    expect(warnings).to.have.length(1);
    const [kept = ''] = below('put-aside');
    expect(readFileSync(join(root, 'volumes', 'put-aside', kept, 'file'), 'utf8')).to.equal(
      'precious',
    );
    await volumes.sweep(root);
    expect(below('put-aside')).to.have.length(1);
  });

  it('frees the place at once and removes the files when asked, links unfollowed', async () => {
    writeFileSync(join(folder, 'outside'), 'kept');
    mkdirSync(join(folder, 'outside-folder'));
    writeFileSync(join(folder, 'outside-folder', 'file'), 'kept');
    await volumes.make(place('v'));
    mkdirSync(join(place('v').folder, 'inner'));
    writeFileSync(join(place('v').folder, 'inner', 'file'), 'gone');
    symlinkSync(join(folder, 'outside'), join(place('v').folder, 'link'));
    symlinkSync(join(folder, 'outside-folder'), join(place('v').folder, 'inner', 'link'));
    await volumes.discard(place('v'));
    expect(existsSync(place('v').folder)).to.equal(false);
    expect(below('discarded')).to.have.length(1);
    await volumes.make(place('v'));
    await Promise.all([volumes.sweep(root), volumes.sweep(root)]);
    expect(below('discarded')).to.deep.equal([]);
    expect(existsSync(place('v').folder)).to.equal(true);
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('kept');
    expect(readFileSync(join(folder, 'outside-folder', 'file'), 'utf8')).to.equal('kept');
  });

  it('takes absent folders for discarded and swept', async () => {
    await volumes.discard(place('v'));
    await volumes.sweep(root);
    await volumes.sweep(join(folder, 'gone'));
    expect(existsSync(join(folder, 'gone'))).to.equal(false);
  });

  describe('on a whole disk', () => {
    const whole = (): { readonly root: string; readonly folder: string } => ({
      root,
      folder: root,
    });

    it('are its root, which stays when they are destroyed', async () => {
      chmodSync(root, 0o755);
      await volumes.make(whole());
      expect(statSync(root).mode & 0o777).to.equal(0o700);
      expect(readdirSync(root)).to.deep.equal([]);
      mkdirSync(join(root, 'inner/most'), { recursive: true });
      writeFileSync(join(root, 'inner/most/file'), 'gone');
      writeFileSync(join(folder, 'outside'), 'kept');
      symlinkSync(join(folder, 'outside'), join(root, 'link'));
      mkdirSync(join(root, 'lost+found'));
      writeFileSync(join(root, 'lost+found', '#1'), 'gone');
      chmodSync(root, 0o750);
      const { ino } = statSync(root);
      await volumes.discard(whole());
      expect(readdirSync(root)).to.deep.equal(['lost+found']);
      expect(readdirSync(join(root, 'lost+found'))).to.deep.equal([]);
      expect(statSync(root).ino).to.equal(ino);
      expect(statSync(root).mode & 0o777).to.equal(0o700);
      expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('kept');
      await volumes.discard(whole());
      await volumes.make(whole());
    });

    it('are not made over files, which stay', async () => {
      writeFileSync(join(root, 'precious'), 'kept');
      const error: unknown = await volumes.make(whole()).catch((caught: unknown) => caught);
      expect(error).to.include({ code: 'DISK_NOT_EMPTY' });
      expect(readFileSync(join(root, 'precious'), 'utf8')).to.equal('kept');
    });

    it('are neither made nor destroyed while the disk is away', async () => {
      const gone = { root: join(folder, 'gone'), folder: join(folder, 'gone') };
      for (const act of [volumes.make(gone), volumes.discard(gone)]) {
        // oxlint-disable-next-line no-await-in-loop -- two
        expect(await act.catch((caught: unknown) => caught)).to.include({ code: 'NOT_FOUND' });
      }
    });
  });

  describe('links', () => {
    let sandbox: string;

    beforeEach(async () => {
      sandbox = join(folder, 'sandbox');
      mkdirSync(sandbox);
      await volumes.make(place('v'));
    });

    function link(containerPath: string): Promise<unknown> {
      const source = place('v').folder;
      return volumes
        .link({ sandbox, user: undefined, volumes: [{ id: 'v', source, containerPath }] })
        .catch((error: unknown) => error);
    }

    it('lead to the volume, in folders that are made, and may be there already', async () => {
      expect(await link('data')).to.equal(undefined);
      expect(await link('./deep//er/data')).to.equal(undefined);
      expect(await link('data')).to.equal(undefined);
      expect(readlinkSync(join(sandbox, 'data'))).to.equal(place('v').folder);
      expect(readlinkSync(join(sandbox, 'deep/er/data'))).to.equal(place('v').folder);
      expect(statSync(place('v').folder).mode & 0o777).to.equal(0o750);
    });

    it('are refused outside of the sandbox', async () => {
      for (const path of ['/data', '../data', 'a/../../data', '', '.', './/', 'a\0b']) {
        expect(await link(path), path).to.include({ stage: 'command' });
      }
      expect(readdirSync(sandbox)).to.deep.equal([]);
    });

    it('do not go through links or over what is there', async () => {
      const outside = join(folder, 'outside');
      mkdirSync(outside);
      symlinkSync(outside, join(sandbox, 'way'));
      writeFileSync(join(sandbox, 'file'), '');
      symlinkSync('elsewhere', join(sandbox, 'other'));
      for (const path of ['way/data', 'way', 'file', 'file/data', 'other']) {
        expect(await link(path), path).to.include({ stage: 'sandbox' });
      }
      expect(readdirSync(outside)).to.deep.equal([]);
      expect(lstatSync(join(sandbox, 'file')).isFile()).to.equal(true);
    });

    it('need the volume to be there, and to be a folder', async () => {
      rmSync(place('v').folder, { recursive: true });
      expect(String(await link('data'))).to.match(/volume 'v' is not there/);
      symlinkSync(folder, place('v').folder);
      expect(String(await link('data'))).to.match(/volume 'v' is not there/);
    });
  });
});
