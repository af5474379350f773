import { expect } from 'chai';
import type { Resource } from '../../../core/api/index.js';
import {
  type Reservation,
  validateNoMixedRevocable,
  validateReserve,
  validateResources,
  validateSingleAllocationRole,
  validateTaskResources,
  validateUniqueVolumes,
  validateUnreserve,
} from '../../../core/resources/index.js';
import { REFINED, STATIC_PROD, ports, scalar, volume } from './wire-resources.js';

/** Each case: what is wrong, the resource, and what the reason has to name. */
const REFUSED: readonly (readonly [string, Resource, string])[] = [
  ['an empty name', scalar('', 1), "'name'"],
  ['a NUL in the name', scalar('a\0b', 1), "'name'"],
  ['a type without its payload', { name: 'cpus', type: 'SCALAR' }, "'scalar' is not set"],
  ['a payload of another type', scalar('cpus', 1, { set: { item: [] } }), "'set' is set"],
  ['text', { name: 'cpus', type: 'TEXT' }, "'type' is TEXT"],
  ['a negative scalar', scalar('cpus', -0.5), "'scalar.value' is -0.5"],
  ['no number', scalar('cpus', Number.NaN), "'scalar.value' is NaN"],
  ['infinity', scalar('cpus', Infinity), "'scalar.value' is Infinity"],
  ['a scalar that vanishes', scalar('cpus', 0.0001), 'rounds to 0'],
  ['a scalar that is too large', scalar('cpus', 1e15), 'must not be above'],
  ['a part of a gpu', scalar('gpus', 0.5), 'whole numbers'],
  ['a range the wrong way round', ports([5, 4]), '[5-4] begins after its end'],
  ['ranges that overlap', ports([4, 9], [1, 4]), '[1-4] and [4-9] overlap'],
  [
    'a range beyond what is exact',
    { name: 'x', type: 'RANGES', ranges: { range: [{ begin: 0n, end: 2n ** 53n }] } },
    '9007199254740991',
  ],
  [
    'an item twice in a set',
    { name: 'x', type: 'SET', set: { item: ['a', 'b', 'a'] } },
    "'set.item' 'a' occurs twice",
  ],
  ['both formats', scalar('cpus', 1, { ...STATIC_PROD, role: 'prod' }), "'role' must not be set"],
  [
    'a list and a reservation',
    scalar('cpus', 1, { ...STATIC_PROD, reservation: {} }),
    "'reservation' must not be set",
  ],
  ['a reservation without role', scalar('cpus', 1, { reservation: {} }), "'reservation' is set"],
  [
    'a type inside the older reservation',
    scalar('cpus', 1, { role: 'a', reservation: { type: 'DYNAMIC' } }),
    "'reservation.type'",
  ],
  ['an invalid older role', scalar('cpus', 1, { role: '/a' }), "'role' is not valid"],
  [
    'a reservation for *',
    scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: '*' }] }),
    '\'reservations[0].role\' is "*"',
  ],
  [
    'a reservation without type',
    scalar('cpus', 1, { reservations: [{ role: 'a' }] }),
    "'reservations[0].type'",
  ],
  [
    'a reservation without role',
    scalar('cpus', 1, { reservations: [{ type: 'STATIC' }] }),
    "'reservations[0].role' is not set",
  ],
  [
    'an invalid role',
    scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: 'a b' }] }),
    "'reservations[0].role' is not valid",
  ],
  [
    'a static refinement',
    scalar('cpus', 1, {
      reservations: [
        { type: 'STATIC', role: 'a' },
        { type: 'STATIC', role: 'a/b' },
      ],
    }),
    "'reservations[1].type' is STATIC",
  ],
  [
    'a refinement for the same role',
    scalar('cpus', 1, {
      reservations: [
        { type: 'STATIC', role: 'a' },
        { type: 'DYNAMIC', role: 'a' },
      ],
    }),
    "'reservations[1].role' 'a' is not below 'a'",
  ],
  ['disk info elsewhere', scalar('mem', 1, { disk: { source: { type: 'PATH' } } }), "'disk'"],
  ['an empty disk info', scalar('disk', 1, { disk: {} }), "'disk' is empty"],
  [
    'a path for a MOUNT disk',
    scalar('disk', 1, { disk: { source: { type: 'MOUNT', path: { root: '/' } } } }),
    "'disk.source.path'",
  ],
  [
    'a mount for a PATH disk',
    scalar('disk', 1, { disk: { source: { type: 'PATH', mount: { root: '/' } } } }),
    "'disk.source.mount'",
  ],
  [
    'a volume that does not persist',
    scalar('disk', 1, { disk: { volume: { mode: 'RW', container_path: 'x' } } }),
    "'disk.volume' is set without",
  ],
  [
    'persistence without a volume',
    scalar('disk', 1, { disk: { persistence: { id: 'x' } } }),
    "'disk.volume' is not set",
  ],
  [
    'a read-only volume',
    volume('v', 1, {
      disk: { persistence: { id: 'v' }, volume: { mode: 'RO', container_path: 'x' } },
    }),
    "'disk.volume.mode' is RO",
  ],
  ['a volume id with a slash', volume('a/b', 1), "'disk.persistence.id' 'a/b'"],
  ['a revocable volume', volume('v', 1, { revocable: {} }), "'revocable'"],
  [
    'a revocable dynamic reservation',
    scalar('cpus', 1, { revocable: {}, role: 'a', reservation: {} }),
    "'revocable'",
  ],
  ['a shared resource that is no volume', scalar('disk', 1, { shared: {} }), "'shared'"],
];

describe('validateResources', () => {
  for (const [what, resource, reason] of REFUSED) {
    it(`refuses ${what}`, () => {
      expect(validateResources([scalar('cpus', 1), resource])).to.include(reason);
    });
  }

  it('names the resource', () => {
    expect(validateResources([scalar('mem', -1)])).to.match(/^resource 'mem': /);
  });

  it('accepts what is well-formed', () => {
    const list = [
      scalar('cpus', 0),
      scalar('gpus', 2),
      scalar('cpus', 1, REFINED),
      scalar('cpus', 1, { role: 'a', reservation: {} }),
      scalar('cpus', 1, { role: '*', reservations: [] }),
      scalar('cpus', 1, { revocable: {}, ...STATIC_PROD }),
      ports([1, 2], [3, 4]),
      volume('v', 1, { shared: {} }),
      scalar('disk', 1, { disk: { source: { type: 'MOUNT', mount: { root: '/m' } } } }),
    ];
    expect(validateResources(list)).to.equal(undefined);
  });
});

function bound(role: string): Resource {
  return scalar('cpus', 1, { allocation_info: { role } });
}

/** One cpu that the principal ops reserves for prod, or with other fields. */
function reserved(fields: Partial<Reservation> = {}): Resource {
  return scalar('cpus', 1, {
    reservations: [{ type: 'DYNAMIC', role: 'prod', principal: 'ops', ...fields }],
  });
}

describe('validateTaskResources', () => {
  it('refuses revocable and not of one name', () => {
    const mixed = [scalar('cpus', 1), scalar('cpus', 1, { revocable: {} })];
    expect(validateTaskResources(mixed)).to.include("resource 'cpus': 'revocable'");
    expect(
      validateNoMixedRevocable([scalar('mem', 1), scalar('cpus', 1, { revocable: {} })]),
    ).to.equal(undefined);
  });

  it('refuses several allocation roles, or one for some only', () => {
    expect(validateTaskResources([bound('a'), bound('b')])).to.include("'b'");
    expect(validateSingleAllocationRole([bound('a'), scalar('mem', 1)])).to.include('none');
    expect(validateSingleAllocationRole([bound('a'), bound('a')])).to.equal(undefined);
    expect(validateSingleAllocationRole([])).to.equal(undefined);
  });

  it('refuses a volume id twice in one role', () => {
    const elsewhere = volume('v', 1, { reservations: [{ type: 'DYNAMIC', role: 'other' }] });
    expect(validateTaskResources([volume('v', 1), volume('v', 2)])).to.include("'v' occurs twice");
    expect(validateUniqueVolumes([volume('v', 1), volume('w', 2), elsewhere])).to.equal(undefined);
  });
});

describe('validateReserve', () => {
  const framework = { principal: 'ops', allocationRole: 'prod', frameworkRoles: ['prod', 'dev'] };

  it('accepts what a framework may reserve', () => {
    expect(validateReserve([reserved()], framework)).to.equal(undefined);
    const offered = { ...reserved(), allocation_info: { role: 'prod' } };
    expect(validateReserve([offered], framework)).to.equal(undefined);
  });

  it('refuses what is not dynamic, or a volume, or nothing', () => {
    expect(validateReserve([scalar('cpus', 1)], framework)).to.include('not dynamically reserved');
    expect(validateReserve([scalar('cpus', 1, STATIC_PROD)], framework)).to.include('cpus(prod):1');
    expect(validateReserve([volume('v', 1)], {})).to.include('persistent volume');
    expect(validateReserve([], framework)).to.include("'resources' is empty");
    expect(validateReserve([scalar('cpus', -1)], framework)).to.include("'scalar.value'");
  });

  it('refuses another principal than that of the caller', () => {
    expect(validateReserve([reserved({ principal: 'eve' })], framework)).to.include("'eve'");
    expect(validateReserve([reserved({ principal: undefined })], framework)).to.include('not set');
    const { principal: _principal, ...anonymous } = framework;
    expect(validateReserve([reserved({ principal: 'eve' })], anonymous)).to.equal(undefined);
  });

  it('refuses another role than that of the offer, and one that is not of the framework', () => {
    expect(validateReserve([reserved({ role: 'dev' })], framework)).to.include(
      "offered to role 'prod'",
    );
    expect(validateReserve([reserved()], { ...framework, frameworkRoles: ['dev'] })).to.include(
      "not one of the framework's roles",
    );
    const offered = { ...reserved(), allocation_info: { role: 'dev' } };
    expect(validateReserve([offered], framework)).to.include("'allocation_info.role' 'dev'");
  });

  it('lets an operator reserve for any role, but nothing that is allocated', () => {
    expect(validateReserve([reserved()], { principal: 'ops' })).to.equal(undefined);
    const offered = { ...reserved(), allocation_info: { role: 'prod' } };
    expect(validateReserve([offered], { principal: 'ops' })).to.include("'allocation_info' set");
  });
});

describe('validateUnreserve', () => {
  it('accepts dynamic reservations alone', () => {
    expect(validateUnreserve([scalar('cpus', 1, REFINED)])).to.equal(undefined);
    expect(validateUnreserve([scalar('cpus', 1, STATIC_PROD)])).to.include('not dynamically');
    expect(validateUnreserve([scalar('cpus', 1)])).to.include('not dynamically');
    expect(validateUnreserve([volume('v', 1)])).to.include('DESTROY');
  });
});
