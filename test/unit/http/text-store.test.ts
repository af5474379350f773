import { expect } from 'chai';
import { SILENT_LOGGER, VirtualWorld } from '../../../core/base/index.js';
import {
  PageCache,
  PartPool,
  SharedBody,
  TEXT_KEEP_FULL_MS,
  TEXT_KEEP_MS,
  TEXT_SLAB_BYTES,
  type TextPiece,
  TextStore,
  Turns,
  writeText,
} from '../../../core/http/index.js';

interface Thing {
  readonly text: string;
}

function textOf(piece: TextPiece): string {
  if (typeof piece === 'string') return piece;
  if (!('end' in piece)) return piece.toString('latin1');
  return piece.bytes.toString('latin1', piece.start, piece.end);
}

async function bodyOf(pieces: Iterable<TextPiece>): Promise<SharedBody> {
  const body = new SharedBody();
  await writeText(pieces, { body, pool: new PartPool(0), turns: new Turns() });
  return body;
}

async function written(pieces: Iterable<TextPiece>): Promise<string> {
  let text = '';
  for await (const part of (await bodyOf(pieces)).read()) text += part.toString('latin1');
  return text;
}

describe('TextStore', () => {
  let made: number;
  let now = 0;
  let store: TextStore;
  let kept: (thing: Thing) => TextPiece;

  function open(maxBytes?: number): void {
    made = 0;
    store = new TextStore(maxBytes, () => now);
    kept = store.kept(({ text }: Thing) => {
      made++;
      return text;
    });
  }

  beforeEach(() => open());

  function things(count: number, bytes: number): Thing[] {
    return Array.from({ length: count }, (_, index) => ({
      text: String(index).padEnd(bytes, String.fromCodePoint(97 + (index % 26))),
    }));
  }

  it('makes a text once for each object, and gives the same bytes each time', () => {
    const all = [...things(200, 5_000), { text: '' }, { text: 'x'.repeat(2 * TEXT_SLAB_BYTES) }];
    for (let round = 0; round < 3; round++) {
      for (const thing of all) expect(textOf(kept(thing))).to.equal(thing.text);
    }
    expect(made).to.equal(all.length);
    expect(store.bytes).to.be.within(1_000_000, 1_000_000 + 4 * TEXT_SLAB_BYTES);
  });

  it('keeps bytes that are no text', () => {
    const bytes = Buffer.from([0, 255, 44, 10]);
    const message = store.kept((_of: Thing) => bytes);
    const [thing = { text: '' }] = things(1, 1);
    for (let round = 0; round < 2; round++) {
      expect(textOf(message(thing))).to.equal(bytes.toString('latin1'));
    }
  });

  it('never keeps more than it may, and gives all the same what does not fit', () => {
    const bound = 4 * TEXT_SLAB_BYTES;
    open(bound);
    const all = things(400, 5_000);
    for (let round = 0; round < 6; round++) {
      now += TEXT_KEEP_FULL_MS;
      for (const thing of all) {
        expect(textOf(kept(thing))).to.equal(thing.text);
        expect(store.bytes).to.be.at.most(bound);
      }
    }
    // What is wanted again and again stays, though there is more of it than there is room for.
    const inRoom = Math.floor((4 * TEXT_SLAB_BYTES) / 5_001);
    expect(made).to.be.below(all.length + 6 * (all.length - inRoom) + 20);
    expect(textOf(kept({ text: 'y'.repeat(2 * bound) }))).to.have.length(2 * bound);
    expect(store.bytes).to.be.at.most(bound);
  });

  it('drops what is not wanted any more for what is', () => {
    open(4 * TEXT_SLAB_BYTES);
    for (const thing of things(190, 5_000)) kept(thing);
    const next = things(100, 5_000);
    for (let round = 0; round < 3; round++) {
      now += TEXT_KEEP_FULL_MS;
      for (const thing of next) kept(thing);
    }
    made = 0;
    for (const thing of next) expect(textOf(kept(thing))).to.equal(thing.text);
    expect(made).to.equal(0);
  });

  it('does not grow with every version of objects that change', () => {
    const all = things(100, 5_000);
    for (let round = 0; round < 600; round++) {
      now += TEXT_KEEP_MS / 10;
      for (let each = 0; each < 20; each++) {
        const index = (round * 20 + each) % all.length;
        all[index] = { text: `${round}`.padEnd(5_000, 'z') };
      }
      for (const thing of all) expect(textOf(kept(thing))).to.equal(thing.text);
    }
    // Some 60 MB were made, of which half a megabyte is still shown.
    expect(store.bytes).to.be.below(20 * 1024 * 1024);
  });

  it('leaves those a stretch that have it, whatever is dropped', () => {
    open(2 * TEXT_SLAB_BYTES);
    const [first = { text: '' }] = things(1, 5_000);
    const stretch = kept(first);
    for (let round = 0; round < 4; round++) {
      now += TEXT_KEEP_FULL_MS;
      for (const thing of things(100, 5_000)) kept(thing);
    }
    made = 0;
    kept(first);
    expect(made).to.equal(1);
    expect(textOf(stretch)).to.equal(first.text);
  });

  it('makes the same page of kept texts as of new ones', async () => {
    function* list(
      render: (thing: Thing) => TextPiece,
      of: readonly Thing[],
    ): Generator<TextPiece> {
      let separator = '[';
      for (const thing of of) {
        yield separator;
        yield render(thing);
        separator = ',';
      }
      yield ']';
      yield ',';
    }
    const all = [...things(60, 900), { text: 'a' }, { text: 'b'.repeat(TEXT_SLAB_BYTES) }];
    const orders = [all, all.toReversed(), all.filter((_, index) => index % 3 !== 0), []];
    for (const order of [...orders, ...orders]) {
      const pieces = [...list(kept, order), 'x', ',', ...list(kept, all)];
      const expected = [...list(({ text }) => text, order), 'x', ',']
        .concat([...list(({ text }) => text, all)])
        .map(textOf)
        .join('');
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await written(pieces)).to.equal(expected);
    }
    expect(made).to.equal(all.length);
  });

  it('sends long stretches as they lie, without a copy', async () => {
    const all = things(200, 900);
    const pieces = (): TextPiece[] => all.flatMap((thing) => [',', kept(thing)]);
    await written(pieces());
    const body = await bodyOf(pieces());
    expect(body.bytes).to.equal(200 * 901);
    expect(body.borrowed).to.have.length(0);
    const parts: Buffer[] = [];
    for await (const part of body.read()) parts.push(part);
    expect(parts.length).to.be.at.most(3);
  });
});

describe('A page whose versions are not counted', () => {
  it('is the same page while its bytes are the same', async () => {
    const { clock } = new VirtualWorld();
    const cache = new PageCache({ clock, log: SILENT_LOGGER });
    let state = 'one';
    const read = async (): Promise<[tag: string, gzip: SharedBody, text: string]> => {
      let result: [string, SharedBody, string] = ['', new SharedBody(), ''];
      const source = { key: 'a', version: () => undefined, pieces: () => [state] };
      await cache.use(source, async (page) => {
        let text = '';
        for await (const part of page.plain.read()) text += part.toString();
        result = [page.tag, page.gzip(), text];
      });
      return result;
    };
    const [tag, gzip] = await read();
    const again = await Promise.all([read(), read(), read()]);
    for (const [sameTag, sameGzip, text] of again) {
      expect([sameTag, text]).to.deep.equal([tag, 'one']);
      expect(sameGzip).to.equal(gzip);
    }
    state = 'two';
    const [otherTag, , text] = await read();
    expect(otherTag).to.not.equal(tag);
    expect(text).to.equal('two');
    expect(cache.hits).to.equal(2);
    cache.dispose();
  });
});
