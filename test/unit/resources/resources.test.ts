import { expect } from 'chai';
import type { Label, Resource, ResourceDiskInfoSource } from '../../../core/api/index.js';
import {
  type Reservation,
  Resources,
  ScalarItem,
  formatResources,
  popReservation,
  pushReservation,
} from '../../../core/resources/index.js';
import { REFINED, STATIC_PROD, ports, scalar, volume } from './wire-resources.js';

const AGENT = Resources.fromWire([
  scalar('mem', 1024),
  ports([31_000, 32_000]),
  scalar('cpus', 4),
  scalar('cpus', 2, STATIC_PROD),
]);

function of(...list: Resource[]): Resources {
  return Resources.fromWire(list);
}

function label(key: string): Label {
  return { key, value: 'v' };
}

/** One cpu, reserved for r, or with other fields. */
function reserved(fields: Partial<Reservation>): Resource {
  return scalar('cpus', 1, { reservations: [{ type: 'DYNAMIC', role: 'r', ...fields }] });
}

function mount(size: number): Resource {
  return scalar('disk', size, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } });
}

/** Whether a smaller part of such a disk is refused. */
function isWhole(source: ResourceDiskInfoSource): boolean {
  const disk = { source };
  return !of(scalar('disk', 2, { disk })).contains(of(scalar('disk', 1, { disk })));
}

describe('Resources', () => {
  it('is exact: 0.1 and 0.2 are 0.3', () => {
    const sum = of(scalar('cpus', 0.1)).plus(of(scalar('cpus', 0.2)));
    expect(sum.toWire()).to.deep.equal([scalar('cpus', 0.3)]);
    expect(sum.scalar('cpus')).to.equal(300);
  });

  it('rounds to thousandths', () => {
    expect(of(scalar('cpus', 1.23456)).scalar('cpus')).to.equal(1235);
    expect(of(scalar('cpus', 0.0005)).scalar('cpus')).to.equal(1);
  });

  it('drops what is empty', () => {
    const empty: Resource[] = [
      scalar('cpus', 0),
      ports(),
      { name: 'zones', type: 'SET', set: { item: [] } },
    ];
    expect(Resources.fromWire(empty).isEmpty).to.equal(true);
    expect(Resources.fromWire(empty).equals(Resources.EMPTY)).to.equal(true);
  });

  it('adds up what differs in the amount alone, and keeps the rest apart', () => {
    const bag = of(scalar('cpus', 1), scalar('cpus', 2, STATIC_PROD), scalar('cpus', 3));
    expect(String(bag)).to.equal('cpus:4; cpus(prod):2');
  });

  it('tells reservations apart by type, role, principal and labels, but not by label order', () => {
    const kinds = [
      reserved({}),
      reserved({ type: 'STATIC' }),
      reserved({ role: 'q' }),
      reserved({ principal: 'p' }),
      reserved({ labels: { labels: [label('a'), label('b')] } }),
      reserved({ labels: { labels: [{ key: 'a' }, label('b')] } }),
    ];
    expect(Resources.fromWire(kinds).items).to.have.length(kinds.length);
    const swapped = reserved({ labels: { labels: [label('b'), label('a')] } });
    expect(Resources.fromWire([...kinds, swapped]).items).to.have.length(kinds.length);
    expect(of(reserved({ labels: { labels: [] } })).equals(of(reserved({})))).to.equal(true);
  });

  it('tells revocable, shared, provider, disk and allocation role apart', () => {
    const kinds = [
      scalar('disk', 1),
      scalar('disk', 1, { revocable: {} }),
      scalar('disk', 1, { provider_id: { value: 'p' } }),
      scalar('disk', 1, { provider_id: { value: 'q' } }),
      scalar('disk', 1, { disk: { source: { type: 'PATH', path: { root: '/a' } } } }),
      scalar('disk', 1, { disk: { source: { type: 'PATH', path: { root: '/b' } } } }),
      scalar('disk', 1, { allocation_info: { role: 'a' } }),
      volume('v', 1),
      volume('v', 1, { shared: {} }),
    ];
    expect(Resources.fromWire(kinds).items).to.have.length(kinds.length);
    expect(Resources.fromWire(kinds).scalar('disk')).to.equal(9000);
  });

  it('cuts ports and joins them again', () => {
    const task = of(ports([31_005, 31_006]));
    const rest = AGENT.minus(task);
    expect(String(rest.nonScalars())).to.equal('ports:[31000-31004,31007-32000]');
    expect(rest.plus(task).equals(AGENT)).to.equal(true);
    expect(rest.contains(task)).to.equal(false);
    expect(AGENT.contains(of(ports([31_999, 32_001])))).to.equal(false);
  });

  it('does not take reserved resources for unreserved ones', () => {
    expect(AGENT.contains(of(scalar('cpus', 4)))).to.equal(true);
    expect(AGENT.contains(of(scalar('cpus', 5)))).to.equal(false);
    expect(AGENT.contains(of(scalar('cpus', 1, REFINED)))).to.equal(false);
    expect(
      AGENT.minus(of(scalar('cpus', 9))).equals(
        AGENT.filter((i) => i.role !== '*' || i.name !== 'cpus'),
      ),
    ).to.equal(true);
  });

  it('offers to a role what is unreserved or reserved for it or above it', () => {
    const bag = of(
      scalar('cpus', 1),
      scalar('cpus', 2, STATIC_PROD),
      scalar('cpus', 4, REFINED),
      scalar('cpus', 8, { reservations: [{ type: 'STATIC', role: 'production' }] }),
    );
    const amount = (role: string): number => bag.reservableTo(role).scalar('cpus');
    expect(amount('other')).to.equal(1000);
    expect(amount('prod')).to.equal(3000);
    expect(amount('prod/web')).to.equal(7000);
    expect(amount('prod/web/a')).to.equal(7000);
    expect(amount('production')).to.equal(9000);
    expect(bag.reserved('prod').scalar('cpus')).to.equal(2000);
    expect(bag.reserved().scalar('cpus')).to.equal(14_000);
    expect(bag.unreserved().scalar('cpus')).to.equal(1000);
  });

  it('binds to an allocation role and back', () => {
    const bound = AGENT.allocatedTo('prod');
    expect(bound.allocationRoles()).to.deep.equal(['prod']);
    expect(bound.toWire().every((r) => r.allocation_info?.role === 'prod')).to.equal(true);
    expect(AGENT.contains(bound)).to.equal(false);
    expect(bound.unallocated().equals(AGENT)).to.equal(true);
    expect(bound.quantities()).to.deep.equal(AGENT.quantities());
    expect(bound.allocatedTo('prod')).to.equal(bound);
  });

  it('adds up what becomes the same when it is unbound', () => {
    const one = of(scalar('cpus', 1)).allocatedTo('a');
    const two = one.plus(of(scalar('cpus', 2)).allocatedTo('b'));
    expect(
      [...two.byAllocationRole()].map(([role, bag]) => `${role} ${String(bag)}`),
    ).to.deep.equal(['a cpus:1', 'b cpus:2']);
    expect(String(two.unallocated())).to.equal('cpus:3');
    expect(() => two.plus(AGENT).byAllocationRole()).to.throw('not bound to a role');
  });

  it('returns itself when nothing changes', () => {
    expect(AGENT.plus(Resources.EMPTY)).to.equal(AGENT);
    expect(Resources.EMPTY.plus(AGENT)).to.equal(AGENT);
    expect(AGENT.minus(Resources.EMPTY)).to.equal(AGENT);
    expect(AGENT.filter(() => true)).to.equal(AGENT);
    expect(AGENT.unallocated()).to.equal(AGENT);
  });

  it('orders items by name as people expect, then unreserved first', () => {
    expect(formatResources(AGENT)).to.equal('cpus:4; cpus(prod):2; mem:1024; ports:[31000-32000]');
  });

  it('freezes items', () => {
    const [item] = AGENT.items;
    expect(item).to.be.instanceOf(ScalarItem);
    expect(Object.isFrozen(item)).to.equal(true);
    expect(Object.isFrozen(item?.identity)).to.equal(true);
  });
});

describe('Indivisible resources', () => {
  it('are contained only as a whole', () => {
    expect(of(mount(100)).contains(of(mount(100)))).to.equal(true);
    expect(of(mount(100)).contains(of(mount(40)))).to.equal(false);
    expect(
      of(mount(100))
        .minus(of(mount(40)))
        .equals(of(mount(100))),
    ).to.equal(true);
    expect(of(volume('v', 5)).contains(of(volume('v', 4)))).to.equal(false);
    expect(of(volume('v', 5)).contains(of(volume('w', 5)))).to.equal(false);
  });

  it('are never merged: two stay two', () => {
    const two = of(mount(100), mount(100));
    expect(two.toWire()).to.deep.equal([mount(100), mount(100)]);
    expect(two.scalar('disk')).to.equal(200_000);
    expect(two.contains(of(mount(200)))).to.equal(false);
    expect(two.minus(of(mount(100))).equals(of(mount(100)))).to.equal(true);
    expect(String(two)).to.equal('disk[mount=/m]:100; disk[mount=/m]:100');
  });

  it('compare volumes by id, not by where they are mounted', () => {
    const elsewhere = volume('v', 5, {
      disk: {
        persistence: { id: 'v', principal: 'p' },
        volume: { mode: 'RW', container_path: 'other' },
      },
    });
    expect(of(volume('v', 5)).equals(of(elsewhere))).to.equal(true);
    expect(of(elsewhere).toWire()).to.deep.equal([elsewhere]);
  });

  it('count a shared volume once, however many use it', () => {
    const shared = volume('v', 5, { shared: {} });
    const used = of(shared, shared, shared);
    expect(used.scalar('disk')).to.equal(5000);
    expect(used.toWire()).to.have.length(3);
    expect(used.minus(of(shared)).contains(of(shared, shared))).to.equal(true);
    expect(used.minus(of(shared)).contains(used)).to.equal(false);
  });

  it('are a RAW disk with an id and a BLOCK disk, but not a RAW disk without, nor a PATH', () => {
    expect(isWhole({ type: 'RAW', id: 'x' })).to.equal(true);
    expect(isWhole({ type: 'BLOCK' })).to.equal(true);
    expect(isWhole({ type: 'RAW' })).to.equal(false);
    expect(isWhole({ type: 'PATH' })).to.equal(false);
  });
});

describe('Reservations', () => {
  it('push and pop keep the amounts and the allocation role', () => {
    const offered = of(scalar('cpus', 1), scalar('mem', 512)).allocatedTo('prod');
    const reserved = pushReservation(offered, { type: 'DYNAMIC', role: 'prod', principal: 'ops' });
    expect(String(reserved)).to.equal('cpus(+prod@ops):1; mem(+prod@ops):512');
    expect(reserved.allocationRoles()).to.deep.equal(['prod']);
    expect(popReservation(reserved).equals(offered)).to.equal(true);
  });

  it('refine downwards only, and never statically', () => {
    const reserved = of(scalar('cpus', 1, STATIC_PROD));
    const refined = pushReservation(reserved, {
      type: 'DYNAMIC',
      role: 'prod/web',
      principal: 'ops',
    });
    expect(refined.equals(of(scalar('cpus', 1, REFINED)))).to.equal(true);
    expect(popReservation(refined).equals(reserved)).to.equal(true);
    expect(() => pushReservation(reserved, { type: 'DYNAMIC', role: 'dev' })).to.throw(
      "not below 'prod'",
    );
    expect(() => pushReservation(reserved, { type: 'STATIC', role: 'prod/web' })).to.throw(
      'static',
    );
  });

  it('cannot be popped off what is not reserved', () => {
    expect(() => popReservation(of(scalar('cpus', 1)))).to.throw('cpus:1 is not reserved');
  });

  it('keep a MOUNT disk whole', () => {
    const disk = { source: { type: 'MOUNT' } } as const;
    const reserved = pushReservation(of(scalar('disk', 9, { disk })), {
      type: 'DYNAMIC',
      role: 'r',
    });
    expect(
      reserved.equals(
        of(scalar('disk', 9, { disk, reservations: [{ type: 'DYNAMIC', role: 'r' }] })),
      ),
    ).to.equal(true);
  });
});
