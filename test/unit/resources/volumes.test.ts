import { expect } from 'chai';
import type { Resource, ResourceDiskInfoSource } from '../../../core/api/index.js';
import {
  Resources,
  validateCreate,
  validateDestroy,
  validateReservationUpdate,
  withoutVolumes,
} from '../../../core/resources/index.js';

const PATH: ResourceDiskInfoSource = { type: 'PATH', path: { root: '/disk' } };
const MOUNT: ResourceDiskInfoSource = { type: 'MOUNT', mount: { root: '/mount' } };

interface VolumeFields {
  readonly role?: string;
  readonly size?: number;
  readonly source?: ResourceDiskInfoSource;
  readonly principal?: string;
  readonly more?: Partial<Resource>;
}

function disk(size: number, more: Partial<Resource> = {}): Resource {
  return {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: size },
    reservations: [{ type: 'DYNAMIC', role: 'web' }],
    ...more,
  };
}

function volume(id: string, fields: VolumeFields = {}): Resource {
  const { role = 'web', size = 64, source, principal, more } = fields;
  return disk(size, {
    reservations: [{ type: 'DYNAMIC', role }],
    disk: {
      persistence: { id, principal },
      volume: { mode: 'RW', container_path: 'data' },
      ...(source !== undefined && { source }),
    },
    ...more,
  });
}

/** The same volume, to be seen elsewhere. */
function at(container_path: string): VolumeFields {
  const disk = { persistence: { id: 'v' }, volume: { mode: 'RW' as const, container_path } };
  return { more: { disk } };
}

function total(...list: readonly Resource[]): { total: Resources; used: Resources } {
  return { total: Resources.fromWire(list), used: Resources.EMPTY };
}

describe('withoutVolumes', () => {
  it('turns volumes back into what they were made of, and leaves the rest', () => {
    const rest = [disk(10, { disk: { source: MOUNT } }), { ...disk(1), name: 'cpus' }];
    const made = Resources.fromWire([
      volume('one'),
      volume('two', { size: 36 }),
      volume('on-path', { source: PATH }),
      volume('on-mount', { source: MOUNT, size: 200 }),
      ...rest,
    ]);
    const before = Resources.fromWire([
      disk(100),
      disk(64, { disk: { source: PATH } }),
      disk(200, { disk: { source: MOUNT } }),
      ...rest,
    ]);
    expect(withoutVolumes(made).toString()).to.equal(before.toString());
    expect(withoutVolumes(made).equals(before)).to.equal(true);
    expect(withoutVolumes(before)).to.equal(before);
  });

  it('counts a shared volume once, and equal ones as often as they are there', () => {
    const shared = volume('shared', { more: { shared: {} } });
    expect(withoutVolumes(Resources.fromWire([shared, shared])).scalar('disk')).to.equal(64_000);
    const equal = Resources.fromWire([volume('same'), volume('same')]);
    expect(withoutVolumes(equal).scalar('disk')).to.equal(128_000);
  });

  it('keeps static reservations and allocation roles', () => {
    const reservations = [{ type: 'STATIC' as const, role: 'web' }];
    const allocation_info = { role: 'web' };
    const made = volume('v', { more: { reservations, allocation_info } });
    const [plain] = withoutVolumes(Resources.fromWire([made])).toWire();
    expect(plain).to.deep.equal(disk(64, { reservations, allocation_info }));
  });
});

const SHARED = volume('v', { more: { shared: {} } });

describe('validateCreate', () => {
  it('accepts new volumes on all disks that can have them', () => {
    const list = [volume('a'), volume('b', { source: PATH }), volume('c', { source: MOUNT })];
    expect(validateCreate(list, total(disk(1000)))).to.equal(undefined);
  });

  it('accepts an id that another role has on the agent, even one above it', () => {
    const there = total(volume('v', { role: 'web/blog' }), volume('v', { role: 'w' }));
    expect(validateCreate([volume('v')], there)).to.equal(undefined);
  });

  const refused: readonly (readonly [string, readonly Resource[], RegExp])[] = [
    ['nothing', [], /'volumes' is empty/],
    ['a plain disk', [disk(64)], /'disk.persistence' is not set/],
    ['one twice', [volume('v'), volume('v', { size: 1 })], /occurs twice/],
    ['one of no size', [volume('v', { size: 0 })], /empty/],
    ['what is not reserved', [volume('v', { more: { reservations: [] } })], /not reserved/],
    ['an id that is taken', [volume('taken', { size: 3 })], /id of another volume of role 'web'/],
    ['a shared one of an id twice', [SHARED, volume('v', { size: 1 })], /two with one/],
    ['one shared volume twice', [SHARED, SHARED], /one twice/],
    ['a raw disk', [volume('v', { source: { type: 'RAW' } })], /type RAW/],
    ['an id that is too long', [volume('é'.repeat(128))], /more than 255 bytes/],
    ['control characters', [volume('a\u0007b')], /cannot name a folder/],
    ['half a character', [volume('\ud800')], /cannot name a folder/],
    ['a long role', [volume('v', { role: `a/${'b'.repeat(255)}` })], /role of more than 255/],
    [
      'a place outside of sandboxes',
      [volume('v', at('../x'))],
      /'disk.volume.container_path'.*leads out/,
    ],
    ['a place that leads out later', [volume('v', at('a/../../x'))], /leads out of the sandbox/],
    ['no place', [volume('v', at('./'))], /names no place/],
    ['half a place', [volume('v', at('a\0b'))], /NUL/],
    ['a folder above', [volume('..')], /must be one name of a directory/],
  ];
  for (const [what, list, reason] of refused) {
    it(`refuses ${what}`, () => {
      expect(validateCreate(list, total(disk(1000), volume('taken')))).to.match(reason);
    });
  }

  it('takes shared volumes of those who can share', () => {
    expect(validateCreate([SHARED], total(disk(64)))).to.equal(undefined);
    expect(validateCreate([SHARED], { ...total(disk(64)), canShare: true })).to.equal(undefined);
    const reason = validateCreate([SHARED], { ...total(disk(64)), canShare: false });
    expect(reason).to.match(/'shared', which needs the capability SHARED_RESOURCES/);
  });

  it('refuses read-only volumes, and ones without a place', () => {
    const { persistence } = volume('v').disk ?? {};
    const readOnly = { persistence, volume: { mode: 'RO' as const, container_path: 'data' } };
    expect(validateCreate([disk(1, { disk: readOnly })], total())).to.match(/must be RW/);
    expect(validateCreate([disk(1, { disk: { persistence } })], total())).to.match(/'disk.volume'/);
  });

  it('wants the principal of a caller that has one', () => {
    const context = { ...total(disk(64)), principal: 'me' };
    expect(validateCreate([volume('v', { principal: 'me' })], context)).to.equal(undefined);
    expect(validateCreate([volume('v', { principal: 'you' })], context)).to.match(/is 'you'/);
    expect(validateCreate([volume('v')], context)).to.match(/is not set/);
    expect(validateCreate([volume('v', { principal: 'you' })], total())).to.equal(undefined);
  });
});

describe('validateDestroy', () => {
  it('accepts what is there and not used, wherever the caller would have it', () => {
    const moved = {
      persistence: { id: 'v' },
      volume: { mode: 'RW' as const, container_path: 'x' },
    };
    expect(validateDestroy([disk(64, { disk: moved })], total(volume('v')))).to.equal(undefined);
  });

  it('refuses what is not there, is used, or is of another size', () => {
    const there = total(volume('v'));
    expect(validateDestroy([volume('w')], there)).to.match(/does not exist/);
    expect(validateDestroy([volume('v', { role: 'db' })], there)).to.match(/does not exist/);
    expect(validateDestroy([volume('v', { size: 1 })], there)).to.match(/differs from/);
    expect(validateDestroy([volume('v')], { ...there, used: there.total })).to.match(/in use/);
    expect(validateDestroy([], there)).to.match(/is empty/);
  });
});

describe('validateReservationUpdate', () => {
  const stack = (...roles: readonly string[]): Partial<Resource> => ({
    reservations: roles.map((role) => ({ type: 'DYNAMIC' as const, role })),
  });
  const check = (source: readonly Resource[], resources: readonly Resource[]) =>
    validateReservationUpdate(source, resources, {});

  it('accepts other roles, labels and depths for the same amounts', () => {
    const labels = { labels: [{ key: 'k', value: 'v' }] };
    const labelled = disk(5, { reservations: [{ type: 'DYNAMIC', role: 'web', labels }] });
    expect(check([disk(5)], [labelled])).to.equal(undefined);
    expect(check([disk(5)], [disk(5, stack('db'))])).to.equal(undefined);
    expect(check([disk(5, stack('a', 'a/b'))], [disk(5, stack('a'))])).to.equal(undefined);
    expect(check([disk(5)], [disk(2), disk(3)])).to.equal(undefined);
  });

  it('refuses other amounts, mixed stacks, volumes, and changes of static reservations', () => {
    expect(check([disk(5)], [disk(6)])).to.match(/not the same amounts/);
    expect(check([disk(5), disk(1, stack('db'))], [disk(6)])).to.match(/several stacks/);
    expect(check([disk(6)], [disk(5), disk(1, stack('db'))])).to.match(/several stacks/);
    expect(check([volume('v')], [disk(64)])).to.match(/persistent volume/);
    const fixed = { type: 'STATIC' as const, role: 'web' };
    const refined = { type: 'DYNAMIC' as const, role: 'web/a' };
    expect(check([disk(5, { reservations: [fixed] })], [disk(5)])).to.match(/static/);
    const onFixed = disk(5, { reservations: [fixed, refined] });
    expect(check([disk(5, { reservations: [fixed] })], [onFixed])).to.equal(undefined);
  });
});
