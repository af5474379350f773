import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  Resources,
  isAncestorRole,
  popReservation,
  pushReservation,
  validateResources,
} from '../../../core/resources/index.js';
import { flatWireList, resources, wireList } from './arbitraries.js';

/** Ranges and sets are idempotent: adding what is there already changes nothing. */
function isDisjoint(one: Resources, other: Resources): boolean {
  return one.nonScalars().minus(other.nonScalars()).equals(one.nonScalars());
}

/** Everything that can be observed, as text. */
function snapshot(bag: Resources): string {
  return JSON.stringify([bag.toWire(), [...bag.quantities()]], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

describe('Resource algebra', () => {
  it('adds in any order', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        expect(one.plus(other).equals(other.plus(one))).to.equal(true);
      }),
    );
  });

  it('adds in any grouping', () => {
    fc.assert(
      fc.property(resources, resources, resources, (one, two, three) => {
        const left = one.plus(two).plus(three);
        expect(left.equals(one.plus(two.plus(three)))).to.equal(true);
        expect(left.equals(Resources.sum([one, two, three]))).to.equal(true);
      }),
    );
  });

  it('takes away what was added, where ranges and sets did not overlap', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        fc.pre(isDisjoint(one, other));
        expect(one.plus(other).minus(other).equals(one)).to.equal(true);
      }),
    );
  });

  it('restores what was taken away from something that contained it', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        const whole = one.plus(other);
        expect(whole.contains(other)).to.equal(true);
        expect(whole.minus(other).plus(other).equals(whole)).to.equal(true);
      }),
    );
  });

  it('never goes below zero and never takes more than there is', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        const rest = one.minus(other);
        expect(one.contains(rest)).to.equal(true);
        for (const amount of rest.quantities().values()) expect(amount).to.be.greaterThan(0);
        expect(one.minus(one).isEmpty).to.equal(true);
      }),
    );
  });

  it('contains as a partial order', () => {
    fc.assert(
      fc.property(resources, resources, resources, (one, two, three) => {
        expect(one.contains(one)).to.equal(true);
        expect(one.contains(two) && two.contains(one)).to.equal(one.equals(two));
        const [middle, large] = [one.plus(two), one.plus(two).plus(three)];
        expect(large.contains(middle) && middle.contains(one) && large.contains(one)).to.equal(
          true,
        );
      }),
    );
  });

  it('contains exactly what minus takes away completely', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        expect(one.contains(other)).to.equal(other.minus(one).isEmpty);
      }),
    );
  });

  it('adds quantities', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        const sum = one.plus(other).quantities();
        const names = new Set([...one.quantities().keys(), ...other.quantities().keys()]);
        expect([...sum.keys()].toSorted()).to.deep.equal([...names].toSorted());
        for (const name of names) {
          expect(sum.get(name)).to.equal(one.scalar(name) + other.scalar(name));
        }
      }),
    );
  });

  it('changes no operand', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        const before = [snapshot(one), snapshot(other)];
        one.plus(other);
        one.minus(other);
        one.contains(other);
        one.allocatedTo('z').unallocated();
        pushReservation(one.unreserved(), { type: 'DYNAMIC', role: 'z' });
        expect([snapshot(one), snapshot(other)]).to.deep.equal(before);
      }),
    );
  });

  it('keeps items sorted by key, each key once', () => {
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        for (const bag of [one.plus(other), one.minus(other), one.allocatedTo('c')]) {
          const keys = bag.items.map(({ key }) => key);
          expect(keys).to.deep.equal([...new Set(keys)].toSorted());
        }
      }),
    );
  });

  it('splits into unreserved and reserved, and by allocation role, without loss', () => {
    fc.assert(
      fc.property(resources, (bag) => {
        expect(bag.unreserved().plus(bag.reserved()).equals(bag)).to.equal(true);
        expect(bag.revocable().plus(bag.nonRevocable()).equals(bag)).to.equal(true);
        const bound = bag.filter(({ allocationRole }) => allocationRole !== undefined);
        const parts = bound.byAllocationRole();
        expect([...parts.keys()].toSorted()).to.deep.equal(bound.allocationRoles());
        expect(Resources.sum(parts.values()).equals(bound)).to.equal(true);
      }),
    );
  });

  it('pops what was pushed', () => {
    fc.assert(
      fc.property(resources, (bag) => {
        const free = bag.unreserved().nonRevocable();
        const reserved = pushReservation(free, { type: 'DYNAMIC', role: 'q', principal: 'p' });
        expect(reserved.reserved('q').equals(reserved)).to.equal(true);
        expect(popReservation(reserved).equals(free)).to.equal(true);
        expect(reserved.quantities()).to.deep.equal(free.quantities());
      }),
    );
  });
});

describe('Resources on the wire', () => {
  it('come back the same in the format with a list of reservations', () => {
    fc.assert(
      fc.property(wireList, (list) => {
        expect(validateResources(list)).to.equal(undefined);
        const bag = Resources.fromWire(list);
        expect(Resources.fromWire(bag.toWire()).equals(bag)).to.equal(true);
      }),
    );
  });

  it('come back the same in the older format when nothing is refined', () => {
    fc.assert(
      fc.property(flatWireList, (list) => {
        const bag = Resources.fromWire(list);
        const older = bag.toWire('pre-refinement');
        expect(validateResources(older)).to.equal(undefined);
        expect(older.every(({ reservations }) => reservations === undefined)).to.equal(true);
        expect(Resources.fromWire(older).equals(bag)).to.equal(true);
      }),
    );
  });

  it('are written equally whatever order they came in', () => {
    fc.assert(
      fc.property(wireList, (list) => {
        const forth = Resources.fromWire(list).toWire();
        expect(Resources.fromWire(list.toReversed()).toWire()).to.deep.equal(forth);
      }),
    );
  });
});

describe('Scalar sums', () => {
  it('are exact to the thousandth', () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(amounts, (list) => {
        const bags = list.map((amount) =>
          Resources.fromWire([{ name: 'cpus', type: 'SCALAR', scalar: { value: amount / 1000 } }]),
        );
        const expected = list.reduce((sum, amount) => sum + amount, 0);
        expect(Resources.sum(bags).scalar('cpus')).to.equal(expected);
        expect(Resources.sum(bags).toWire()[0]?.scalar?.value ?? 0).to.equal(expected / 1000);
      }),
    );
  });
});

describe('Roles', () => {
  it('have the ancestors that a split at slashes gives', () => {
    const role = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'a-b'), { minLength: 1, maxLength: 4 })
      .map((components) => components.join('/'));
    fc.assert(
      fc.property(role, role, (one, other) => {
        const expected = other.split('/').length > one.split('/').length;
        const isPrefix = one.split('/').every((part, index) => other.split('/')[index] === part);
        expect(isAncestorRole(one, other)).to.equal(expected && isPrefix);
      }),
    );
  });
});
