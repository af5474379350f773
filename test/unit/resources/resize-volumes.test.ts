import { expect } from 'chai';
import type { Resource } from '../../../core/api/index.js';
import { Resources, growVolume, shrinkVolume } from '../../../core/resources/index.js';

const RESERVATIONS: Resource['reservations'] = [{ type: 'DYNAMIC', role: 'web' }];

function disk(value: number, extra: Partial<Resource> = {}): Resource {
  return { name: 'disk', type: 'SCALAR', scalar: { value }, reservations: RESERVATIONS, ...extra };
}

const PERSISTENT = {
  persistence: { id: 'v' },
  volume: { container_path: 'data', mode: 'RW' as const },
};

function volume(value: number, extra: Partial<Resource> = {}): Resource {
  return disk(value, { disk: PERSISTENT, ...extra });
}

const ON_PATH = { type: 'PATH' as const, path: { root: '/mnt/a' } };
const ON_MOUNT = { type: 'MOUNT' as const, mount: { root: '/mnt/b' } };

function text(list: readonly Resource[]): string {
  return Resources.fromWire(list).toString();
}

describe('growVolume', () => {
  it('makes one volume of volume and addition, exactly', () => {
    const grown = growVolume(volume(0.1), disk(0.2));
    if (grown.problem !== undefined) expect.fail(grown.problem);
    expect(text(grown.from)).to.equal(text([volume(0.1), disk(0.2)]));
    expect(grown.to).to.deep.equal([volume(0.3)]);
  });

  it('takes what is on the same disk', () => {
    const source = { disk: { ...PERSISTENT, source: ON_PATH } };
    const grown = growVolume(volume(64, source), disk(8, { disk: { source: ON_PATH } }));
    if (grown.problem !== undefined) expect.fail(grown.problem);
    expect(grown.to).to.deep.equal([volume(72, source)]);
    expect(growVolume(volume(64, source), disk(8)).problem).to.match(/on its disk/);
  });

  const refused: [string, Resource, Resource, RegExp][] = [
    ['what is no volume', disk(64), disk(8), /'volume' is not a persistent volume/],
    ['what is not well-formed', { ...volume(64), type: 'SET' }, disk(8), /'volume' is not valid/],
    ['a shared volume', volume(64, { shared: {} }), disk(8), /shared/],
    ['a volume of a provider', volume(64, { provider_id: { value: 'p' } }), disk(8), /provider/],
    [
      'a MOUNT disk',
      volume(64, { disk: { ...PERSISTENT, source: ON_MOUNT } }),
      disk(8, { disk: { source: ON_MOUNT } }),
      /type MOUNT/,
    ],
    ['nothing', volume(64), disk(0), /greater than zero/],
    ['less than nothing', volume(64), disk(-1), /'addition' is not valid/],
    ['what is reserved otherwise', volume(64), disk(8, { reservations: [] }), /its reservations/],
    ['another resource', volume(64), { ...disk(8), name: 'mem' }, /its reservations/],
    ['another volume', volume(64), volume(8), /its reservations/],
    ['too much', volume(9e12), disk(9e12), /too large/],
  ];
  for (const [what, given, addition, reason] of refused) {
    it(`refuses ${what}`, () => {
      expect(growVolume(given, addition).problem).to.match(reason);
    });
  }
});

describe('shrinkVolume', () => {
  it('gives back a part of the disk with its reservations', () => {
    const shrunk = shrinkVolume(volume(64), 24.5);
    if (shrunk.problem !== undefined) expect.fail(shrunk.problem);
    expect(shrunk.from).to.deep.equal([volume(64)]);
    expect(text(shrunk.to)).to.equal(text([volume(39.5), disk(24.5)]));
  });

  const refused: [string, Resource, number, RegExp][] = [
    ['to nothing', volume(64), 64, /less than the size/],
    ['by more than there is', volume(64), 65, /less than the size/],
    ['by nothing', volume(64), 0, /greater than zero/],
    ['by less than nothing', volume(64), -1, /must not be negative/],
    ['by what rounds to nothing', volume(64), 0.0001, /rounds to 0/],
    ['by what is no number', volume(64), Number.NaN, /finite/],
    ['a MOUNT disk', volume(64, { disk: { ...PERSISTENT, source: ON_MOUNT } }), 8, /type MOUNT/],
    ['a shared volume', volume(64, { shared: {} }), 8, /shared/],
    ['what is no volume', disk(64), 8, /not a persistent volume/],
  ];
  for (const [what, given, subtract, reason] of refused) {
    it(`refuses ${what}`, () => {
      expect(shrinkVolume(given, subtract).problem).to.match(reason);
    });
  }
});
