import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LmdbStore, lockWorkDirectory } from '../../../core/store/index.js';
import { Child } from './child.js';

describe('the store among processes', () => {
  let folder: string;
  const children: Child[] = [];

  function start(action: string, maxFileKiB?: number): Child {
    const child = new Child('./holder.js', [action, join(folder, 'shared')], maxFileKiB);
    children.push(child);
    return child;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-processes-'));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('fences the writes of a process when another one has claimed a later epoch', async () => {
    const first = start('lead');
    expect(await first.line()).to.deep.equal({ epoch: 1 });
    const second = start('lead');
    expect(await second.line()).to.deep.equal({ epoch: 2 });
    expect(await first.line()).to.deep.equal({ ended: 'FENCED' });
    const store = new LmdbStore(join(folder, 'shared'));
    expect(await store.claimEpoch()).to.equal(3);
    expect(await second.line()).to.deep.equal({ ended: 'FENCED' });
    await store.close();
  });

  it('lets increments of several processes lose none', async () => {
    const counters = [start('count'), start('count'), start('count')];
    await Promise.all(counters.map((child) => child.line()));
    const store = new LmdbStore(join(folder, 'shared'));
    expect((await store.get('counter'))?.value).to.equal('300');
    await store.close();
  });

  it('has everything that a process was told to be durable after it was killed', async () => {
    const writer = start('write');
    for (let told = 0; told < 200; told++) await writer.line();
    await writer.kill();
    const told = await writer.rest();
    const store = new LmdbStore(join(folder, 'shared'));
    const entries = await store.list('w/');
    expect(entries.length).to.be.at.least(200 + told.length);
    entries.forEach((entry, index) => {
      expect(entry.key).to.equal(`w/${String(index).padStart(8, '0')}`);
    });
    await store.transact({ puts: [{ key: 'after', value: '' }] });
    await store.close();
  });

  it('says so when nothing more can be written, and loses nothing of what was', async () => {
    const line = await start('fill', 8_000).line();
    const { written, ...outcome } = line;
    expect(outcome).to.deep.equal({ code: 'STORE_FAILED', next: 'STORE_FAILED', isText: true });
    expect(written).to.be.within(8, 16);
    const store = new LmdbStore(join(folder, 'shared'));
    expect(await store.list('w/')).to.have.length(Number(written));
    await store.transact({ puts: [{ key: 'after', value: '' }] });
    await store.close();
  });

  it('gives a work directory to exactly one of several processes that start at once', async () => {
    for (let round = 0; round < 3; round++) {
      const starters = Array.from({ length: 4 }, () => start('takeDirectory'));
      const answers = await Promise.all(starters.map((child) => child.line()));
      expect(answers.filter((answer) => answer['took'] === true)).to.have.length(1);
      for (const answer of answers) {
        if (answer['took'] === false) expect(answer['code']).to.equal('WORK_DIR_LOCKED');
      }
      // All are killed, so that the next round races for the lock of a dead process.
      await Promise.all(starters.map((child) => child.kill()));
    }
  });

  it('names the process that has the directory, and takes it once that was killed', async () => {
    const holder = start('takeDirectory');
    expect(await holder.line()).to.deep.equal({ took: true });
    const path = join(folder, 'shared');
    const options = { program: 'agent', format: 1 } as const;
    const refused = await lockWorkDirectory(path, options).then(
      () => 'nothing was refused',
      (error: unknown) => String(error),
    );
    expect(refused).to.match(/agent with pid \d+/);
    await holder.kill();
    const lock = await lockWorkDirectory(path, options);
    await lock.release();
  });
});
