import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError, VirtualWorld } from '../../../../core/base/index.js';
import { MAX_WATCHED_FILES, ModuleWatch } from '../../../../sdk/hosting/dev/module-watch.js';

describe('The watch over a module', () => {
  const { clock } = new VirtualWorld();
  let folder: string;
  let module: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-watch-'));
    module = join(folder, 'f.js');
    mkdirSync(join(folder, 'parts'));
    writeFileSync(module, '1');
    writeFileSync(join(folder, 'parts', 'p.js'), '1');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Changes that are told within a second after each of the steps. */
  async function changesAfter(
    ...steps: readonly (() => void)[]
  ): Promise<readonly (readonly string[])[]> {
    const watch = new ModuleWatch(`${module}#Name`, clock);
    const abort = new AbortController();
    const told: (readonly string[])[] = [];
    const watching = (async () => {
      for await (const files of watch.changes(abort.signal)) told.push(files.toSorted());
    })();
    for (const step of steps) {
      step();
      await clock.advance(1_000);
    }
    abort.abort();
    await watching;
    expect(clock.pendingTimers, 'timers left behind').to.equal(0);
    return told;
  }

  it('tells of files that are written, renamed over, new, and removed, in folders as well', async () => {
    const part = join(folder, 'parts', 'p.js');
    const told = await changesAfter(
      () => writeFileSync(module, '22'),
      () => {
        writeFileSync(join(folder, 'p.tmp'), '3');
        renameSync(join(folder, 'p.tmp'), part);
      },
      () => writeFileSync(part, '444'),
      () => writeFileSync(join(folder, 'parts', 'new.json'), '{}'),
      () => rmSync(part),
    );
    expect(told).to.deep.equal([['f.js'], ['p.js'], ['p.js'], ['new.json'], ['p.js']]);
  });

  it('waits until the module is back when a build removes everything first', async () => {
    const told = await changesAfter(
      () => rmSync(folder, { recursive: true }),
      () => {
        mkdirSync(folder);
        writeFileSync(join(folder, 'other.js'), '1');
      },
      () => writeFileSync(module, 'again'),
    );
    expect(told).to.deep.equal([['f.js', 'other.js', 'p.js']]);
  });

  it('is blind for packages, hidden folders, and what is not code', async () => {
    const told = await changesAfter(() => {
      for (const name of ['node_modules', '.cache']) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'x.js'), '');
      }
      writeFileSync(join(folder, 'data.mdb'), '');
      writeFileSync(module, 'changed');
    });
    expect(told).to.deep.equal([['f.js']]);
  });

  it('gives the files, the last changed first', () => {
    writeFileSync(module, 'later');
    const [first] = new ModuleWatch(module, clock).files();
    expect(first).to.equal(module);
  });

  it('refuses a module that is not there, and a folder with too much code', () => {
    const refusalOf = (path: string): string => {
      try {
        return new ModuleWatch(path, clock).folder;
      } catch (error) {
        return error instanceof PlateauError ? `${error.code} ${error.message}` : String(error);
      }
    };
    expect(refusalOf(join(folder, 'none.js'))).to.match(/^INVALID_FLAG module .* is not there/);
    for (let index = 0; index < MAX_WATCHED_FILES; index++) {
      writeFileSync(join(folder, `${index}.js`), '');
    }
    expect(refusalOf(module)).to.match(/more than 2000 files of code: compile it into a folder/);
  });
});
