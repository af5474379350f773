/** What every `Lease` has to do. Each implementation runs this suite in `lease.test.ts`. */
import { expect } from 'chai';
import {
  type Candidacy,
  type Lease,
  type LeaseHolder,
  PlateauError,
  at,
} from '../../core/base/index.js';

/** One lease for which several candidates, each with a `Lease` of its own, may stand. */
export interface LeasePlace {
  open(): Lease;
  /** Lets `durationMs` pass on the clock that the leases use. */
  pass(durationMs: number): Promise<void>;
  readonly ttlMs: number;
  /** Closes what was opened and removes all traces. */
  remove(): Promise<void>;
}

/** Declares the suite for an implementation. */
export function describeLease(name: string, makePlace: () => LeasePlace): void {
  describe(`${name} as a Lease`, () => {
    let place: LeasePlace;

    beforeEach(() => {
      place = makePlace();
    });
    afterEach(() => place.remove());

    describeHolding(() => place);
    describeResigning(() => place);
    describeWatching(() => place);
  });
}

function describeHolding(place: () => LeasePlace): void {
  it('is acquired by a candidate that is alone, and kept', async () => {
    const candidacy = place().open().contend(holder('a'));
    await until(place(), candidacy.acquired);
    const lost = stateOf(candidacy.lost);
    await place().pass(place().ttlMs * 3);
    expect(lost.isSettled).to.equal(false);
  });

  it('has one holder among several candidates', async () => {
    const candidates = ['a', 'b', 'c'].map((id) => place().open().contend(holder(id)));
    const acquired = candidates.map((candidacy) => stateOf(candidacy.acquired));
    await until(place(), Promise.race(candidates.map((candidacy) => candidacy.acquired)));
    await place().pass(place().ttlMs * 2);
    expect(acquired.filter((state) => state.isSettled)).to.have.length(1);
  });

  it('keeps two candidates apart that use the same id', async () => {
    const first = place().open().contend(holder('a'));
    await until(place(), first.acquired);
    const second = stateOf(place().open().contend(holder('a')).acquired);
    await place().pass(place().ttlMs * 2);
    expect(second.isSettled).to.equal(false);
  });
}

function describeResigning(place: () => LeasePlace): void {
  it('passes to another candidate when its holder resigns', async () => {
    const first = place().open().contend(holder('a'));
    await until(place(), first.acquired);
    const second = place().open().contend(holder('b'));
    await until(place(), first.resign());
    expect(await first.lost).to.contain('resigned');
    await until(place(), second.acquired);
  });

  it('goes round: each of several candidates holds it once the others resigned', async () => {
    const waiting = new Map<string, Candidacy>();
    for (const id of ['a', 'b', 'c', 'd']) waiting.set(id, place().open().contend(holder(id)));
    const order: string[] = [];
    while (waiting.size > 0) {
      const winners = [...waiting].map(([id, candidacy]) => candidacy.acquired.then(() => id));
      const winner = await until(place(), Promise.race(winners));
      order.push(winner);
      await until(place(), Promise.resolve(waiting.get(winner)?.resign()));
      waiting.delete(winner);
    }
    expect(order.toSorted()).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('rejects the acquisition of a candidate that resigned before', async () => {
    const first = place().open().contend(holder('a'));
    await until(place(), first.acquired);
    const second = place().open().contend(holder('b'));
    await until(place(), second.resign());
    const error = await second.acquired.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(PlateauError);
    expect((error as PlateauError).code).to.equal('LEASE_LOST');
    await second.lost;
    await until(place(), second.resign());
  });

  it('frees the lease when it is closed', async () => {
    const lease = place().open();
    const first = lease.contend(holder('a'));
    await until(place(), first.acquired);
    await until(place(), lease.close());
    await first.lost;
    await until(place(), place().open().contend(holder('b')).acquired);
  });
}

function describeWatching(place: () => LeasePlace): void {
  it('tells a watcher who holds it, from nobody to nobody', async () => {
    const seen: (string | undefined)[] = [];
    place()
      .open()
      .watch((current) => seen.push(current && `${current.id} at ${current.info}`));
    await place().pass(place().ttlMs);
    const first = place().open().contend(holder('a'));
    await until(place(), first.acquired);
    await place().pass(place().ttlMs * 2);
    await until(place(), first.resign());
    await place().pass(place().ttlMs);
    expect(seen).to.deep.equal([undefined, 'a at info of a', undefined]);
  });

  it('tells a late watcher the present holder, and nothing after it stopped', async () => {
    const first = place().open().contend(holder('a'));
    await until(place(), first.acquired);
    const seen: (string | undefined)[] = [];
    const watching = place()
      .open()
      .watch((current) => seen.push(current?.id));
    await place().pass(place().ttlMs);
    watching.dispose();
    await until(place(), first.resign());
    await place().pass(place().ttlMs);
    expect(seen).to.deep.equal(['a']);
  });
}

function holder(id: string): LeaseHolder {
  return { id, info: `info of ${id}` };
}

/** Whether a promise has settled by now. */
export function stateOf(promise: Promise<unknown>): { readonly isSettled: boolean } {
  const state = { isSettled: false };
  const settle = (): void => {
    state.isSettled = true;
  };
  promise.then(settle, settle);
  return state;
}

/** Lets time pass until the promise resolves; fails when it takes too long. */
export async function until<T>(
  place: Pick<LeasePlace, 'pass' | 'ttlMs'>,
  promise: Promise<T>,
): Promise<T> {
  const results: T[] = [];
  const done = promise.then((value) => results.push(value));
  for (let step = 0; step < 100 && results.length === 0; step++) {
    await place.pass(place.ttlMs / 10);
  }
  if (results.length === 0) throw new Error('waited for ten times the time to live in vain');
  await done;
  return at(results, 0);
}
