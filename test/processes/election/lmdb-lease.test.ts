import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../store/child.js';

describe('LmdbLease among processes', () => {
  let folder: string;
  const children: Child[] = [];

  async function start(id: string, ttlMs: number): Promise<Child> {
    const child = new Child('../election/candidate.js', [join(folder, 'db'), id, String(ttlMs)]);
    children.push(child);
    expect(await child.line()).to.deep.equal({ standing: id });
    return child;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-election-'));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('passes to a standby at once when the process of the holder is killed', async () => {
    const first = await start('a', 600_000);
    expect(await first.line()).to.deep.equal({ acquired: 'a' });
    const second = await start('b', 600_000);
    await first.kill();
    // Far sooner than the time to live, which no test would wait for.
    expect(await second.line()).to.deep.equal({ acquired: 'b' });
  });

  it('passes on when the holder hangs, which learns of it when it wakes', async () => {
    const first = await start('a', 1_000);
    expect(await first.line()).to.deep.equal({ acquired: 'a' });
    const second = await start('b', 1_000);
    first.signal('SIGSTOP');
    expect(await second.line()).to.deep.equal({ acquired: 'b' });
    first.signal('SIGCONT');
    expect(await first.line()).to.have.property('lost');
  });
});
