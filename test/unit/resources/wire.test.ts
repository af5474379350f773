import { expect } from 'chai';
import type { Resource } from '../../../core/api/index.js';
import { Resources, legacyObject } from '../../../core/resources/index.js';
import { REFINED, STATIC_PROD, ports, scalar, volume } from './wire-resources.js';

describe('Resource formats', () => {
  it('read the older pair of fields as a reservation', () => {
    const older = Resources.fromWire([
      scalar('cpus', 1, { role: '*' }),
      scalar('cpus', 2, { role: 'prod' }),
      scalar('cpus', 3, { role: 'prod', reservation: { principal: 'ops' } }),
    ]);
    expect(older.toWire()).to.deep.equal([
      scalar('cpus', 1),
      scalar('cpus', 3, {
        reservations: [{ type: 'DYNAMIC', role: 'prod', principal: 'ops' }],
      }),
      scalar('cpus', 2, STATIC_PROD),
    ]);
  });

  it('write the older pair of fields for those who expect it', () => {
    const list = [
      scalar('cpus', 1),
      scalar('cpus', 2, STATIC_PROD),
      scalar('mem', 3, {
        reservations: [
          { type: 'DYNAMIC', role: 'a', principal: 'p', labels: { labels: [{ key: 'k' }] } },
        ],
      }),
    ];
    expect(Resources.fromWire(list).toWire('pre-refinement')).to.deep.equal([
      scalar('cpus', 1, { role: '*' }),
      scalar('cpus', 2, { role: 'prod' }),
      scalar('mem', 3, {
        role: 'a',
        reservation: { principal: 'p', labels: { labels: [{ key: 'k' }] } },
      }),
    ]);
  });

  it('refuse to write a refined reservation in the older format', () => {
    expect(() => Resources.fromWire([scalar('cpus', 1, REFINED)]).toWire('pre-refinement'))
      .to.throw("'cpus' has a refined reservation for 'prod/web'")
      .with.property('code', 'INVALID_RESOURCES');
  });

  it('show both on the pages, as recorded from Mesos', () => {
    const bag = Resources.fromWire([
      scalar('cpus', 2, STATIC_PROD),
      scalar('mem', 8192),
      scalar('disk', 256, {
        reservations: [{ type: 'DYNAMIC', role: 'golden/web' }],
        disk: { persistence: { id: 'vol-1' }, volume: { mode: 'RW', container_path: 'data' } },
      }),
      ports([31_000, 32_000]),
    ]);
    expect(bag.toEndpoint()).to.deep.equal([
      { ...scalar('cpus', 2, STATIC_PROD), role: 'prod' },
      { ...scalar('mem', 8192), role: '*' },
      {
        ...scalar('disk', 256),
        role: 'golden/web',
        reservation: {},
        reservations: [{ type: 'DYNAMIC', role: 'golden/web' }],
        disk: { persistence: { id: 'vol-1' }, volume: { mode: 'RW', container_path: 'data' } },
      },
      { ...ports([31_000, 32_000]), role: '*' },
    ]);
  });

  it('read what the pages show, unless it contradicts itself', () => {
    const bag = Resources.fromWire([
      scalar('cpus', 1),
      scalar('cpus', 2, STATIC_PROD),
      scalar('cpus', 4, REFINED),
      volume('v', 5),
    ]);
    expect(Resources.fromWire(bag.toEndpoint()).equals(bag)).to.equal(true);
    for (const fields of [{ role: 'dev' }, { role: 'prod', reservation: {} }]) {
      expect(() => Resources.fromWire([scalar('cpus', 1, { ...STATIC_PROD, ...fields })])).to.throw(
        "'role' must not be set",
      );
    }
  });

  it('show no role of a refined reservation on the pages', () => {
    const [shown] = Resources.fromWire([scalar('cpus', 1, REFINED)]).toEndpoint();
    expect(shown).to.deep.equal(scalar('cpus', 1, REFINED));
  });

  it('keep all properties', () => {
    const everything: Resource = volume('v', 5, {
      provider_id: { value: 'provider' },
      allocation_info: { role: 'role' },
      shared: {},
    });
    expect(Resources.fromWire([everything]).toWire()).to.deep.equal([everything]);
    const spare = scalar('cpus', 1, { revocable: {} });
    expect(Resources.fromWire([spare]).toWire()).to.deep.equal([spare]);
  });

  it('merge ranges that touch', () => {
    expect(Resources.fromWire([ports([5, 6], [1, 2], [3, 4])]).toWire()).to.deep.equal([
      ports([1, 6]),
    ]);
  });

  it('are refused with the reason when they are not well-formed', () => {
    expect(() => Resources.fromWire([scalar('cpus', -1)]))
      .to.throw("resource 'cpus': 'scalar.value' is -1")
      .with.property('code', 'INVALID_RESOURCES');
  });
});

describe('legacyObject', () => {
  it('shows disk, mem, gpus and cpus always, and ranges as text', () => {
    expect(legacyObject(Resources.EMPTY)).to.deep.equal({ disk: 0, mem: 0, gpus: 0, cpus: 0 });
    const bag = Resources.fromWire([
      scalar('cpus', 9.5),
      scalar('mem', 8128),
      ports([31_007, 32_000], [31_000, 31_004]),
      { name: 'zones', type: 'SET', set: { item: ['b', 'a'] } },
    ]);
    const shown = legacyObject(bag);
    expect(shown).to.deep.equal({
      disk: 0,
      mem: 8128,
      gpus: 0,
      cpus: 9.5,
      ports: '[31000-31004, 31007-32000]',
      zones: '{a, b}',
    });
    expect(Object.keys(shown).slice(0, 4)).to.deep.equal(['disk', 'mem', 'gpus', 'cpus']);
  });

  it('adds up reservations and keeps revocable resources apart', () => {
    const bag = Resources.fromWire([
      scalar('cpus', 1),
      scalar('cpus', 2, STATIC_PROD),
      scalar('cpus', 4, { revocable: {} }),
    ]);
    expect(legacyObject(bag)).to.include({ cpus: 3, cpus_revocable: 4 });
  });
});
