import { expect } from 'chai';
import {
  Framework,
  type Offers,
  OnOffers,
  type Provided,
  inject,
  provide,
  task,
  token,
} from '../../../sdk/index.js';
import { record, replay, runSeed, simulate } from '../../../sdk/testing/index.js';

const COUNT = token<number>('count');
const LOG_BOOK = token<string[]>('log book');
const CONNECTION = token('connection', {
  make: () => {
    const book = inject(LOG_BOOK);
    book.push('made');
    return { close: (): void => void book.push('closed') };
  },
});

@Framework({ name: 'injected' })
class Injected {
  readonly connection = inject(CONNECTION);
  constructor(readonly count = inject(COUNT)) {}

  @OnOffers() place(offers: Offers) {
    return offers.keep(this.count, task({ name: 'web', cpus: 1, memMiB: 64, command: 'hang' }));
  }
}

function provided(book: string[], count = 2): readonly Provided[] {
  return [provide(LOG_BOOK, { value: book }), provide(COUNT, { value: count })];
}

describe('What is provided for a framework on a simulated cluster', () => {
  it('is there for its class, and closed when it ends', async () => {
    const book: string[] = [];
    const cluster = simulate();
    const framework = cluster.run(Injected, { provide: provided(book) });
    expect(framework.instance.count).to.equal(2);
    await cluster.advance('10s');
    framework.expect.running(2);
    expect(book).to.deep.equal(['made']);
    await cluster.close();
    expect(book).to.deep.equal(['made', 'closed']);
  });

  it('is made anew after a crash, which closes nothing', async () => {
    const book: string[] = [];
    const cluster = simulate();
    const framework = cluster.run(() => new Injected(), { provide: provided(book) });
    await cluster.advance('10s');
    cluster.crash(framework);
    await cluster.advance('10s');
    expect(book).to.deep.equal(['made']);
    cluster.restart(framework);
    await cluster.advance('10s');
    await cluster.close();
    expect(book).to.deep.equal(['made', 'made', 'closed']);
  });

  it('is closed for each term of each copy', async () => {
    const book: string[] = [];
    const cluster = simulate();
    const copies = cluster.runCopies(Injected, 2, { provide: provided(book) });
    await cluster.advance('30s');
    copies.find(({ isActive }) => isActive)?.loseLease();
    await cluster.advance('1m');
    expect(book.filter((line) => line === 'closed')).to.have.length(1);
    await cluster.close();
    const closed = book.filter((line) => line === 'closed');
    expect(closed.length)
      .to.be.greaterThan(1)
      .and.equal(book.length / 2);
  });

  it('fails at once when it lacks, or is for an object', () => {
    const cluster = simulate({ hygiene: 'off' });
    expect(() => cluster.run(Injected)).to.throw("connection needs 'log book'");
    expect(() => cluster.run(Injected, { provide: provided([]).slice(0, 1) })).to.throw(
      "Injected needs 'count', and nobody provides it",
    );
    class Alone extends Injected {
      override readonly connection = { close: () => {} };
    }
    const [, count] = provided([]);
    const object = Object.assign(Object.create(Alone.prototype) as Alone, { count: 1 });
    expect(() => cluster.run(object, { provide: count === undefined ? [] : [count] })).to.throw(
      'it is made already',
    );
  });

  it('is there in a scenario, and in a replay', async () => {
    const book: string[] = [];
    const scenario = { framework: Injected, provide: provided(book), agents: 3 };
    expect((await runSeed(scenario, 1)).failed).to.equal(undefined);
    expect(book).to.include('closed');

    const cluster = simulate();
    const lines: string[] = [];
    const interceptors = [record(cluster.clock, (line) => lines.push(line))];
    cluster.run(Injected, { interceptors, provide: provided([]) });
    await cluster.advance('10s');
    await cluster.close();
    const recording = lines.join('\n');
    const again: string[] = [];
    const same = await replay(recording, Injected, { provide: provided(again) });
    expect(same.differences).to.deep.equal([]);
    expect(again).to.deep.equal(['made', 'closed']);
    const other = await replay(recording, Injected, { provide: provided([], 3) });
    expect(other.differences).to.have.length.greaterThan(0);
  });
});
