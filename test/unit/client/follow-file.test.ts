import { expect } from 'chai';
import { VirtualWorld } from '../../../core/base/index.js';
import { FOLLOW_INTERVAL_MS, type FollowOptions, followFile } from '../../../core/client/index.js';

/** A file in memory that is read in parts of at most three bytes. */
class MemoryFile {
  content = '';

  async readFile(
    _path: string,
    offset: number,
    length = 3,
  ): Promise<{ size: number; data: Buffer }> {
    const part = this.content.slice(offset, offset + Math.min(length, 3));
    return { size: this.content.length, data: Buffer.from(part) };
  }
}

describe('followFile', () => {
  let world: VirtualWorld;
  let file: MemoryFile;
  let seen: string;
  let isEnded: boolean;

  beforeEach(() => {
    world = new VirtualWorld();
    file = new MemoryFile();
    seen = '';
    isEnded = false;
  });

  async function follow(options: Partial<FollowOptions> = {}): Promise<void> {
    for await (const part of followFile({ world, reader: file, path: '/f', ...options })) {
      seen += part.toString();
    }
    isEnded = true;
  }

  it('yields what is there and then what is added, until aborted', async () => {
    const abort = new AbortController();
    file.content = 'abcdefg';
    const following = follow({ signal: abort.signal });
    await world.settle();
    expect(seen).to.equal('abcdefg');
    file.content += 'hij';
    await world.advance(FOLLOW_INTERVAL_MS);
    expect(seen).to.equal('abcdefghij');
    abort.abort();
    await following;
    expect(world.clock.pendingTimers).to.equal(0);
  });

  it('begins again when the file was rotated', async () => {
    const abort = new AbortController();
    file.content = 'old text';
    const following = follow({ signal: abort.signal });
    await world.settle();
    file.content = 'new';
    await world.advance(FOLLOW_INTERVAL_MS);
    expect(seen).to.equal('old textnew');
    abort.abort();
    await following;
  });

  it('begins the wanted number of bytes before the end', async () => {
    file.content = '0123456789';
    await follow({ offset: -4, isComplete: () => true });
    expect(seen).to.equal('6789');
    seen = '';
    await follow({ offset: -400, isComplete: () => true });
    expect(seen).to.equal('0123456789');
  });

  it('ends after one more look once the file is complete', async () => {
    let isComplete = false;
    file.content = 'abc';
    const following = follow({
      isComplete: () => {
        // What is written between the last read and the end must not be missed.
        if (isComplete) file.content += 'def';
        return isComplete;
      },
    });
    await world.advance(3 * FOLLOW_INTERVAL_MS);
    expect(isEnded).to.equal(false);
    isComplete = true;
    await world.advance(FOLLOW_INTERVAL_MS);
    await following;
    expect(seen).to.equal('abcdef');
  });
});
