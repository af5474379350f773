import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Disposable, VirtualWorld } from '../../../core/base/index.js';
import {
  WHITELIST_INTERVAL_MS,
  type Whitelist,
  parseWhitelist,
  watchWhitelist,
} from '../../../core/cli/whitelist.js';

describe('parseWhitelist', () => {
  it('reads host names, each once, without empty lines and remarks', () => {
    expect(parseWhitelist(' b \n\na # the first\r\nb\n#c\n')).to.deep.equal(['a', 'b']);
    expect(parseWhitelist('')).to.deep.equal([]);
  });

  it('takes * for all hosts', () => {
    expect(parseWhitelist('a\n*\n')).to.equal(undefined);
  });
});

describe('watchWhitelist', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-whitelist-'));
  const file = join(folder, 'hosts');
  let watching: Disposable | undefined;
  afterEach(() => watching?.dispose());
  after(() => rmSync(folder, { recursive: true }));

  /** Reading a file takes real time, which virtual time knows nothing of. */
  async function until(isDone: () => boolean, world: VirtualWorld): Promise<void> {
    while (!isDone()) {
      // oxlint-disable-next-line no-await-in-loop -- until it is so
      await new Promise((resolve) => setImmediate(resolve));
      // oxlint-disable-next-line no-await-in-loop -- until it is so
      await world.advance(WHITELIST_INTERVAL_MS);
    }
  }

  it('tells of the first list, and of each that differs, until it is disposed of', async () => {
    const world = new VirtualWorld();
    const told: Whitelist[] = [];
    writeFileSync(file, '');
    watching = await watchWhitelist({ world, flag: file, onChange: (list) => told.push(list) });
    expect(told).to.deep.equal([[]]);
    writeFileSync(file, 'a\n');
    await until(() => told.length === 2, world);
    rmSync(file);
    await world.advance(3 * WHITELIST_INTERVAL_MS);
    writeFileSync(file, '*\n');
    await until(() => told.length === 3, world);
    expect(told).to.deep.equal([[], ['a'], undefined]);
  });

  it('does not begin without the file', async () => {
    const given = { world: new VirtualWorld(), flag: join(folder, 'none'), onChange() {} };
    const failed = await watchWhitelist(given).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failed).to.have.property('code', 'INVALID_FLAG');
    expect(failed)
      .to.have.property('message')
      .that.matches(/^--whitelist: '.*none' cannot be read/);
  });

  it('watches nothing when all hosts are listed', async () => {
    const told: Whitelist[] = [];
    const world = new VirtualWorld();
    watching = await watchWhitelist({ world, flag: '*', onChange: (list) => told.push(list) });
    await world.advance(WHITELIST_INTERVAL_MS);
    expect(told).to.deep.equal([]);
  });
});
