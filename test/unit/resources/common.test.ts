import { expect } from 'chai';
import type { Resource } from '../../../core/api/index.js';
import { Resources } from '../../../core/resources/index.js';

const list = (cpus: number, more: Partial<Resource> = {}): Resource[] => [
  { name: 'cpus', type: 'SCALAR', scalar: { value: cpus }, ...more },
  { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 1n, end: 9n }] } },
];

describe('Resources.common', () => {
  it('is one object for equal bags, and another for others', () => {
    const one = Resources.fromWire(list(17)).common();
    expect(Resources.fromWire(list(17)).common()).to.equal(one);
    expect(Resources.fromWire(list(18)).common()).to.not.equal(one);
    const reservations = [{ type: 'STATIC' as const, role: 'a' }];
    expect(Resources.fromWire(list(17, { reservations })).common().equals(one)).to.equal(false);
    expect(
      Resources.fromWire(list(17, { revocable: {} }))
        .common()
        .equals(one),
    ).to.equal(false);
  });

  it('is bound to a role, unbound and written once', () => {
    const one = Resources.fromWire(list(17)).common();
    const bound = one.allocatedTo('a');
    expect(one.allocatedTo('a')).to.equal(bound);
    expect(bound.unallocated()).to.equal(one);
    expect(bound.wire()).to.equal(bound.wire());
    expect(bound.wire()).to.deep.equal(bound.toWire());
    expect(one.allocatedTo('b').wire()[0]?.allocation_info).to.deep.equal({ role: 'b' });
  });

  it('leaves volumes as they are: no two agents have the same', () => {
    const disk = { persistence: { id: 'v' }, volume: { container_path: 'p', mode: 'RW' as const } };
    const reservations = [{ type: 'STATIC' as const, role: 'a' }];
    const wire: Resource[] = [
      { name: 'disk', type: 'SCALAR', scalar: { value: 5 }, disk, reservations },
    ];
    const bag = Resources.fromWire(wire);
    expect(bag.common()).to.equal(bag);
    expect(Resources.fromWire(wire).common()).to.not.equal(bag);
  });

  it('tells what kinds of items there are', () => {
    const plain = Resources.fromWire(list(1));
    expect(plain.isPlain).to.equal(true);
    const revocable = Resources.fromWire(list(1, { revocable: {} }));
    expect([revocable.isPlain, revocable.hasRevocable, revocable.hasReserved]).to.deep.equal([
      false,
      true,
      false,
    ]);
    const refined = Resources.fromWire(
      list(1, {
        reservations: [
          { type: 'STATIC', role: 'a' },
          { type: 'DYNAMIC', role: 'a/b' },
        ],
      }),
    );
    expect([refined.hasReserved, refined.hasRefined, refined.hasShared]).to.deep.equal([
      true,
      true,
      false,
    ]);
  });
});
