import { expect } from 'chai';
import type { Attribute } from '../../../../core/api/index.js';
import type { Constraint, TaskRecord } from '../../../../sdk/decisions/index.js';
import type { PlaceOptions } from '../../../../sdk/matching/index.js';
import { type OfferOptions, WEB, offer, offersFor, record } from './support.js';

type Racks = Readonly<Record<string, OfferOptions>>;

/** Three racks, two agents each, and one agent without a rack. */
const CLUSTER: Racks = {
  a1: { attributes: { rack: 'a' }, zone: 'z1' },
  a2: { attributes: { rack: 'a' }, zone: 'z1' },
  b1: { attributes: { rack: 'b' }, zone: 'z2' },
  b2: { attributes: { rack: 'b' }, zone: 'z2' },
  c1: { attributes: { rack: 'c' }, zone: 'z2' },
  x: {},
};

interface Run extends PlaceOptions {
  readonly count?: number;
  readonly on?: Racks;
  readonly tasks?: readonly TaskRecord[];
}

/** Hosts of what is placed under constraints, in order of names. */
function hosts(constraints: readonly Constraint[], run: Run = {}): string {
  const { count = 20, on = CLUSTER, tasks = [], ...options } = run;
  const offers = Object.entries(on).map(([name, facts]) => offer(name, { cpus: 4, ...facts }));
  const { placed } = offersFor(offers, { tasks }).fit(
    { ...WEB, constraints },
    { count, ...options },
  );
  return placed
    .map(({ view }) => view.hostname.replace('host-', ''))
    .toSorted()
    .join(' ');
}

describe('Constraints', () => {
  it('UNIQUE: one task for each value, those that run counted', () => {
    expect(hosts([['@hostname', 'UNIQUE']])).to.equal('a1 a2 b1 b2 c1 x');
    expect(hosts([['hostname', 'UNIQUE']]), 'the older name').to.equal('a1 a2 b1 b2 c1 x');
    expect(hosts([['rack', 'UNIQUE']]).split(' ')).to.have.lengthOf(3);
    const tasks = [
      record({ id: '1', attributes: { rack: 'a' } }),
      record({ id: '2', attributes: { rack: 'b' }, state: 'UNREACHABLE' }),
      record({ id: '3', attributes: { rack: 'c' }, state: 'FAILED' }),
      record({ id: '4', attributes: { rack: 'c' }, name: 'other' }),
    ];
    expect(hosts([['rack', 'UNIQUE']], { tasks })).to.equal('c1');
  });

  it('counts what earlier calls of the turn have placed', () => {
    const offers = offersFor([offer('a'), offer('b')]);
    const spec = { ...WEB, constraints: [['@hostname', 'UNIQUE']] as const };
    expect(offers.fit(spec).placed).to.have.lengthOf(1);
    expect(offers.fit(spec).placed).to.have.lengthOf(1);
    expect(offers.fit(spec).placed).to.have.lengthOf(0);
  });

  it('CLUSTER: all on the given value, or on that of the first', () => {
    expect(hosts([['rack', 'CLUSTER', 'b']])).to.match(/^(b[12] ?){8}$/);
    expect(hosts([['rack', 'CLUSTER']])).to.match(/^((a. ?){8}|(b. ?){8}|(c1 ?){4})$/);
    const tasks = [record({ id: '1', attributes: { rack: 'c' } })];
    expect(hosts([['rack', 'CLUSTER']], { tasks })).to.equal('c1 c1 c1 c1');
  });

  it('MAX_PER: so many for each value', () => {
    expect(hosts([['rack', 'MAX_PER', '2']]).replaceAll(/\d/g, '')).to.equal('a a b b c c');
  });

  it('GROUP_BY: evenly over the values, as far as there is room', () => {
    const racks = (count: number, ...rest: readonly string[]): string =>
      hosts([['rack', 'GROUP_BY', ...rest] as unknown as Constraint], { count }).replaceAll(
        /\d/g,
        '',
      );
    expect(racks(6)).to.equal('a a b b c c');
    expect(racks(7, '3')).to.have.lengthOf(13);
    expect(racks(20), 'rack c has room for four').to.equal('a a a a a b b b b b c c c c');
    expect(racks(20, '4'), 'a fourth rack is missing').to.equal('a b c');
  });

  it('LIKE and UNLIKE: the whole value; what is missing is like nothing', () => {
    expect(hosts([['rack', 'LIKE', '[ab]']], { count: 16 }).split(' ')).to.have.lengthOf(16);
    expect(hosts([['@hostname', 'LIKE', 'host']])).to.equal('');
    expect(hosts([['rack', 'UNLIKE', '[ab]']])).to.equal('c1 c1 c1 c1 x x x x');
  });

  it('IS: the same text, number or range', () => {
    const typed: readonly Attribute[] = [
      { name: 'level', type: 'SCALAR', scalar: { value: 2.50004 } },
      {
        name: 'slots',
        type: 'RANGES',
        ranges: {
          range: [
            { begin: 1n, end: 3n },
            { begin: 5n, end: 7n },
          ],
        },
      },
      { name: 'tags', type: 'SET', set: { item: ['x', 'y'] } },
    ];
    const on = { a: { attributes: { rack: 'r1' }, typed } };
    const is = (field: string, value: string): boolean =>
      hosts([[field, 'IS', value]], { on, count: 1 }) === 'a';
    expect(is('rack', 'r1')).to.equal(true);
    expect(is('rack', 'r')).to.equal(false);
    expect(is('level', '2.5')).to.equal(true);
    expect(is('level', '2.500')).to.equal(true);
    expect(is('level', '2.501')).to.equal(false);
    expect(is('slots', '[1-3, 5-7]')).to.equal(true);
    expect(is('tags', '{x,y}')).to.equal(true);
    expect(is('none', '')).to.equal(false);
  });

  it('looks at regions and zones', () => {
    expect(hosts([['@zone', 'CLUSTER', 'z1']])).to.match(/^(a[12] ?){8}$/);
    expect(hosts([['@region', 'IS', 'eu']], { count: 1 })).to.have.lengthOf(2);
    expect(hosts([['@zone', 'UNIQUE']]).split(' ')).to.have.lengthOf(2);
  });

  it('holds all of several', () => {
    const all = hosts([
      ['@hostname', 'UNIQUE'],
      ['rack', 'MAX_PER', '1'],
      ['rack', 'UNLIKE', 'c'],
    ]);
    expect(all).to.match(/^a. b.$/);
  });

  it('tells which constraint does not hold', () => {
    const offers = offersFor([offer('a'), offer('b', { attributes: { rack: 'r1' } })]);
    const constraints = [
      ['rack', 'LIKE', 'r1'],
      ['@hostname', 'UNIQUE'],
    ] as const;
    const { unplaced } = offers.fit({ ...WEB, constraints }, { count: 2 });
    expect(unplaced[0]?.refusals).to.have.deep.members([
      { reason: 'CONSTRAINT', detail: 'rack LIKE r1', offers: 1 },
      { reason: 'CONSTRAINT', detail: '@hostname UNIQUE', offers: 1 },
    ]);
  });
});

describe('Preferences', () => {
  it('go before fitness, by the sum of their weights', () => {
    const offers = [
      offer('small', { cpus: 1 }),
      offer('one', { cpus: 8, attributes: { ssd: 'yes' } }),
      offer('both', { cpus: 16, attributes: { ssd: 'yes', net: 'fast' } }),
      offer('net', { cpus: 2, attributes: { net: 'fast' } }),
    ];
    const preferences = [
      { constraint: ['ssd', 'IS', 'yes'] as const, weight: 0.002 },
      { constraint: ['net', 'IS', 'fast'] as const, weight: 0.001 },
    ];
    const order = ['both', 'one', 'net', 'small'].map((name) => `host-${name}`);
    const chosen: string[] = [];
    const set = offersFor(offers);
    for (const wanted of order) {
      const where = (view: { readonly hostname: string }): boolean =>
        !chosen.includes(view.hostname);
      const { placed } = set.fit({ ...WEB, preferences }, { where });
      chosen.push(placed[0]?.view.hostname ?? '');
      expect(chosen.at(-1)).to.equal(wanted);
      expect(placed[0]?.fitness).to.be.within(0, 1);
    }
  });

  it('may count tasks: spread over racks while that is possible', () => {
    const offers = ['a', 'b'].map((rack) => offer(rack, { attributes: { rack } }));
    const preferences = [{ constraint: ['rack', 'UNIQUE'] as const }];
    const { placed } = offersFor(offers).fit({ ...WEB, preferences }, { count: 4 });
    const [first, second] = placed.map(({ view }) => view.hostname);
    expect(first).to.not.equal(second);
    expect(placed).to.have.lengthOf(4);
  });
});
