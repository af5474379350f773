import { expect } from 'chai';
import { SILENT_LOGGER, VirtualWorld } from '../../../core/base/index.js';
import {
  MAX_PAGE_PART_BYTES,
  PAGE_KEEP_MS,
  type Page,
  PageCache,
  type PageSource,
  type VersionedSource,
  SharedBody,
} from '../../../core/http/index.js';

async function textOf(page: Page): Promise<string> {
  let text = '';
  for await (const part of page.plain.read()) text += part.toString('latin1');
  return text;
}

describe('PageCache', () => {
  const world = new VirtualWorld();
  let cache: PageCache;
  let version: number;
  let made: string[];

  beforeEach(() => {
    cache = new PageCache({ clock: world.clock, log: SILENT_LOGGER });
    version = 1;
    made = [];
  });

  afterEach(() => cache.dispose());

  function source(key: string, pieces?: () => Iterable<string | Buffer>): VersionedSource {
    return {
      key,
      version: () => version,
      pieces: () => {
        made.push(`${key}${version}`);
        return pieces === undefined ? [`${key}${version}`] : pieces();
      },
    };
  }

  async function read(from: PageSource): Promise<string> {
    let text = '';
    await cache.use(from, async (page) => {
      text = await textOf(page);
    });
    return text;
  }

  it('makes a page once for all who ask at the same time, and while nothing changes', async () => {
    const texts = await Promise.all([1, 2, 3].map(() => read(source('a'))));
    expect(texts).to.deep.equal(['a1', 'a1', 'a1']);
    expect(await read(source('a'))).to.equal('a1');
    expect(made).to.deep.equal(['a1']);
    expect(cache.hits).to.equal(3);
    version = 2;
    expect(await read(source('a'))).to.equal('a2');
  });

  it('gives who asks while an older version is being made the next one, made once', async () => {
    const slow = source('a', function* pieces() {
      for (let index = 0; index < 1_000; index++) yield 'x'.repeat(1_000);
    });
    const first = read(slow);
    await Promise.resolve();
    version = 2;
    const later = [read(slow), read(slow)];
    expect((await first).length).to.equal(1_000_000);
    await Promise.all(later);
    expect(made).to.deep.equal(['a1', 'a2']);
  });

  it('takes a snapshot at once, though its text comes later', async () => {
    let state = 'before';
    const page = cache.snapshot(
      source('a', () => {
        const seen = state;
        return (function* lazily() {
          yield seen;
        })();
      }),
    );
    state = 'after';
    expect(await textOf(page)).to.equal('before');
    page.release();
  });

  it('lets others have their turn while a long page is made', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const busy = source('a', function* pieces() {
      for (let index = 0; index < 20; index++) {
        const start = performance.now();
        while (performance.now() - start < 2) yield 'x';
      }
    });
    await read(busy);
    clearInterval(timer);
    expect(turns).to.be.greaterThan(3);
  });

  it('tells all readers when a page cannot be made, and makes it anew for the next', async () => {
    let isBroken = true;
    const broken = source('a', function* pieces() {
      yield 'begin';
      if (isBroken) throw new Error('no such thing');
    });
    const outcomes = await Promise.allSettled([read(broken), read(broken)]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    isBroken = false;
    expect(await read(broken)).to.equal('begin');
    const early = source('b', () => {
      throw new Error('at once');
    });
    expect(await read(early).catch(String)).to.match(/at once/);
    expect(await read(source('c'))).to.equal('c1');
  });

  it('forgets pages that nobody asks for', async () => {
    await read(source('a'));
    expect(cache.cachedBytes).to.equal(2);
    await world.advance(2 * PAGE_KEEP_MS + 1);
    expect(cache.cachedBytes).to.equal(0);
    expect(await read(source('a'))).to.equal('a1');
    expect(made).to.have.length(2);
  });

  it('keeps no more bytes than it may', async () => {
    cache = new PageCache({ clock: world.clock, log: SILENT_LOGGER, maxCachedBytes: 1_000 });
    for (const key of ['a', 'b', 'c']) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      await read(source(key, () => ['x'.repeat(400)]));
    }
    expect(cache.cachedBytes).to.equal(800);
  });

  it('cuts readers of outdated pages off when they hold too much', async () => {
    cache = new PageCache({ clock: world.clock, log: SILENT_LOGGER, maxOutdatedBytes: 1_000 });
    const cut: number[] = [];
    const pages: Page[] = [];
    for (version = 1; version <= 3; version++) {
      const page = cache.snapshot(source('a', () => ['x'.repeat(600)]));
      const own = version;
      page.onCutOff(() => cut.push(own));
      // oxlint-disable-next-line no-await-in-loop -- one version after the other
      await textOf(page);
      pages.push(page);
    }
    expect(cut).to.deep.equal([1]);
    version = 4;
    await read(source('a'));
    expect(cut).to.deep.equal([1, 2]);
    for (const page of pages) page.release();
  });

  it('never writes a new page over one that is still read', async () => {
    const size = 2 * MAX_PAGE_PART_BYTES;
    const filled = (letter: string): VersionedSource =>
      source('a', () => Array.from({ length: size / 1024 }, () => letter.repeat(1024)));
    const old = cache.snapshot(filled('o'));
    expect(await textOf(old)).to.equal('o'.repeat(size));
    for (version = 2; version < 6; version++) {
      // oxlint-disable-next-line no-await-in-loop -- one version after the other
      expect(await read(filled(String(version)))).to.equal(String(version).repeat(size));
    }
    expect(await textOf(old)).to.equal('o'.repeat(size));
    old.release();
    version = 7;
    expect(await read(filled('n'))).to.equal('n'.repeat(size));
  });
});

describe('SharedBody', () => {
  it('gives early and late readers the same', async () => {
    const body = new SharedBody();
    const collect = async (): Promise<string> => {
      let text = '';
      for await (const part of body.read()) text += part.toString();
      return text;
    };
    const early = collect();
    body.push(Buffer.from('one '));
    await Promise.resolve();
    body.push(Buffer.from('two'));
    body.finish();
    expect(await early).to.equal('one two');
    expect(await collect()).to.equal('one two');
    expect(body.bytes).to.equal(7);
  });
});
