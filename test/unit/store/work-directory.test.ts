import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError } from '../../../core/base/index.js';
import { LmdbStore, lockWorkDirectory, ownIdentity } from '../../../core/store/index.js';

describe('lockWorkDirectory', () => {
  let folder: string;
  let path: string;
  const agent = { program: 'agent', format: 3 } as const;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-work-'));
    path = join(folder, 'deep', 'work');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes the directory and gives it back', async () => {
    const lock = await lockWorkDirectory(path, agent);
    expect(lock.path).to.equal(path);
    expect(lock.previousFormat).to.equal(undefined);
    await lock.release();
    const again = await lockWorkDirectory(path, agent);
    expect(again.previousFormat).to.equal(3);
    await again.release();
  });

  it('refuses a second holder of the same process until the first disposed of its lock', async () => {
    const lock = await lockWorkDirectory(path, agent);
    const error = await refusal(path, agent);
    expect(error.code).to.equal('WORK_DIR_LOCKED');
    expect(error.message).to.contain(`pid ${process.pid}`);
    lock.dispose();
    const again = await lockWorkDirectory(path, agent);
    await again.release();
    await lock.release();
  });

  it('lets exactly one of several starters win', async () => {
    const attempts = Array.from({ length: 8 }, () => lockWorkDirectory(path, agent));
    const outcomes = await Promise.allSettled(attempts);
    const won = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    );
    expect(won).to.have.length(1);
    await Promise.all(won.map((lock) => lock.release()));
  });

  it('refuses the directory of another program, naming it', async () => {
    await (await lockWorkDirectory(path, { program: 'master', format: 1 })).release();
    const error = await refusal(path, agent);
    expect(error.code).to.equal('WORK_DIR_FORMAT');
    expect(error.message).to.contain("'master'").and.to.contain("'agent'");
  });

  it('refuses a newer format and takes an older one', async () => {
    await (await lockWorkDirectory(path, { program: 'agent', format: 2 })).release();
    const lock = await lockWorkDirectory(path, agent);
    expect(lock.previousFormat).to.equal(2);
    await lock.release();
    const error = await refusal(path, { program: 'agent', format: 2 });
    expect(error.code).to.equal('WORK_DIR_FORMAT');
    expect(error.message).to.contain('format 3');
  });

  const own = ownIdentity();
  const gone = {
    'a process that used our pid before': { ...own },
    'a pid that is used again': { ...own, pid: process.ppid, startTime: '1' },
    'a pid that nobody uses': { ...own, pid: 2 ** 22 + 1 },
    'an earlier boot': { ...own, pid: process.ppid, bootId: 'another' },
  };
  for (const [name, identity] of Object.entries(gone)) {
    it(`takes over from ${name}`, async () => {
      await leaveHolder(path, identity);
      const lock = await lockWorkDirectory(path, agent);
      await lock.release();
    });
  }

  it('leaves the successor alone when a lock is released that was taken over', async () => {
    const lock = await lockWorkDirectory(path, agent);
    await leaveHolder(path, { ...own, pid: 2 ** 22 + 1 });
    const successor = await lockWorkDirectory(path, agent);
    await lock.release();
    expect((await refusal(path, agent)).code).to.equal('WORK_DIR_LOCKED');
    await successor.release();
  });
});

/** Writes the record that a holder leaves behind when it dies. */
async function leaveHolder(path: string, identity: object): Promise<void> {
  const store = new LmdbStore(join(path, 'lock'));
  const value = JSON.stringify({ ...identity, program: 'agent', token: 'of the dead' });
  await store.transact({ puts: [{ key: 'holder', value }] });
  await store.close();
}

async function refusal(
  path: string,
  options: Parameters<typeof lockWorkDirectory>[1],
): Promise<PlateauError> {
  try {
    await (await lockWorkDirectory(path, options)).release();
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    return error as PlateauError;
  }
  throw new Error('nothing was refused');
}
