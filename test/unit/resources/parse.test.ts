import { expect } from 'chai';
import {
  Resources,
  defaultResources,
  formatAttributes,
  legacyAttributes,
  parseAttributes,
  parseQuantities,
  parseResourceList,
  parseResources,
  quantitiesContain,
} from '../../../core/resources/index.js';
import { ports, scalar } from './wire-resources.js';

describe('parseResources', () => {
  it('reads scalars, ranges, sets and static reservations', () => {
    const text = 'cpus:4; mem:1024;ports:[31000-32000, 33000-33005];zones:{b,a};cpus(prod):2.5;';
    expect(String(parseResources(text))).to.equal(
      'cpus:4; cpus(prod):2.5; mem:1024; ports:[31000-32000,33000-33005]; zones:{a,b}',
    );
    expect(parseResources('').isEmpty).to.equal(true);
  });

  it('reads what it writes', () => {
    const text = 'cpus:4; cpus(prod):2.5; ports:[1-2,4-5]; zones:{a,b}';
    expect(String(parseResources(text))).to.equal(text);
  });

  it('reserves for the default role what names no role', () => {
    expect(String(parseResources('cpus:4;mem(*):1;disk(prod):2', 'dev'))).to.equal(
      'cpus(dev):4; mem:1; disk(prod):2',
    );
  });

  it('reads a JSON list in both formats', () => {
    const text = JSON.stringify([
      { name: 'cpus', type: 'SCALAR', scalar: { value: 2 } },
      { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, role: 'prod' },
      {
        name: 'disk',
        type: 'SCALAR',
        scalar: { value: 100 },
        disk: { source: { type: 'MOUNT', mount: { root: '/m' } } },
      },
      { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 1, end: 2 }] }, role: '*' },
    ]);
    expect(String(parseResources(text, 'dev'))).to.equal(
      'cpus(dev):2; cpus(prod):1; disk(dev)[mount=/m]:100; ports(dev):[1-2]',
    );
    expect(String(parseResources(text).reserved())).to.equal('cpus(prod):1');
  });

  it('keeps zero amounts in the list', () => {
    expect(parseResourceList('disk:0')).to.deep.equal([scalar('disk', 0)]);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['cpus=4', "'cpus=4': expected name:value"],
    ['cpus:4;:3', "':3': expected"],
    ['cpus:four', "'cpus:four': expected a number"],
    ['cpus:', "'cpus:': the value is empty"],
    ['cpus:-1', "'cpus:-1': resource 'cpus': 'scalar.value' is -1"],
    ['ports:[1-2', 'closing bracket'],
    ['ports:[1-2,x]', "'x' is not a range"],
    ['ports:[1-5,3-9]', 'overlap'],
    ['zones:{a,a}', 'occurs twice'],
    ['zones:{a', 'closing brace'],
    ['cpus(a/):1', "'reservations[0].role' is not valid"],
    ['cpus():1', 'is not valid'],
    ['cpus:1;cpus:[1-2]', 'cannot be SCALAR and RANGES'],
    ['[{', 'resources: '],
    ['[{"name":"cpus"}]', "'[0]': "],
    ['[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"revocable":{}}]', "'revocable'"],
    [
      '[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"a","reservation":{}}]',
      'dynamic reservation',
    ],
  ];
  for (const [text, reason] of refused) {
    it(`refuses ${text}`, () => {
      expect(() => parseResources(text))
        .to.throw(reason)
        .with.property('code', 'INVALID_RESOURCES');
    });
  }
});

describe('defaultResources', () => {
  for (const [stated, problem] of [
    ['cpus:[1-2]', "'cpus' is of type RANGES; it must be a number"],
    ['mem:{a}', "'mem' is of type SET; it must be a number of MiB"],
    ['gpus:[0-1]', "'gpus' is of type RANGES; it must be a number"],
    ['ports:4', "'ports' is of type SCALAR; it must be ranges, such as ports:[31000-32000]"],
  ] as const) {
    it(`refuses ${stated}, which no task could use`, () => {
      const host = { cpus: 1, memoryBytes: undefined, diskBytes: undefined };
      expect(() => defaultResources(host, { stated: parseResourceList(stated) }))
        .to.throw(problem)
        .with.property('code', 'INVALID_RESOURCES');
    });
  }

  const GIB = 2 ** 30;

  it('leaves 1 GiB of memory and 5 GiB of disk to the system', () => {
    const facts = { cpus: 8, memoryBytes: 16 * GIB, diskBytes: 100 * GIB };
    expect(String(defaultResources(facts))).to.equal(
      `cpus:8; mem:${15 * 1024}; disk:${95 * 1024}; ports:[31000-32000]`,
    );
  });

  it('takes half of a small machine', () => {
    const facts = { cpus: 1, memoryBytes: 1.5 * GIB, diskBytes: 8 * GIB };
    const bag = defaultResources(facts);
    expect(bag.scalar('mem')).to.equal(768_000);
    expect(bag.scalar('disk')).to.equal(4096 * 1000);
    const limit = { cpus: 1, memoryBytes: 2 * GIB, diskBytes: 10 * GIB };
    expect(defaultResources(limit).scalar('mem')).to.equal(1_024_000);
    expect(defaultResources(limit).scalar('disk')).to.equal(5120 * 1000);
  });

  it('assumes figures for what cannot be found out', () => {
    const facts = { cpus: undefined, memoryBytes: undefined, diskBytes: undefined };
    expect(String(defaultResources(facts))).to.equal(
      'cpus:1; mem:1024; disk:10240; ports:[31000-32000]',
    );
  });

  it('fills in only the names that were not stated, zero amounts included', () => {
    const facts = { cpus: 8, memoryBytes: 4 * GIB, diskBytes: 100 * GIB };
    const stated = parseResourceList('cpus(prod):2;disk:0;ports:[1-2]');
    expect(String(defaultResources(facts, { stated }))).to.equal(
      'cpus(prod):2; mem:3072; ports:[1-2]',
    );
    const reserved = defaultResources(facts, { stated: [], defaultRole: 'dev' });
    expect(reserved.reserved('dev').equals(reserved)).to.equal(true);
  });
});

describe('parseQuantities', () => {
  it('reads alternatives in thousandths', () => {
    expect(parseQuantities('cpus:0.01|mem:32')).to.deep.equal([
      new Map([['cpus', 10]]),
      new Map([['mem', 32_000]]),
    ]);
    expect(parseQuantities('cpus:1; mem:2;cpus:0.5')).to.deep.equal([
      new Map([
        ['cpus', 1500],
        ['mem', 2000],
      ]),
    ]);
    expect(parseQuantities('')).to.deep.equal([]);
  });

  it('refuses what is no amount', () => {
    for (const text of ['cpus', 'cpus:x', 'cpus:-1', 'cpus(a):1', ':1', 'ports:[1-2]']) {
      expect(() => parseQuantities(`mem:1;${text}`), text)
        .to.throw(`'${text}'`)
        .with.property('code', 'INVALID_FLAG');
    }
  });

  it('are compared name by name', () => {
    const have = Resources.fromWire([scalar('cpus', 1), ports([1, 2])]).quantities();
    expect(quantitiesContain(have, new Map([['cpus', 1000]]))).to.equal(true);
    expect(quantitiesContain(have, new Map([['cpus', 1001]]))).to.equal(false);
    expect(quantitiesContain(have, new Map([['mem', 1]]))).to.equal(false);
    expect(quantitiesContain(have, new Map())).to.equal(true);
  });
});

describe('parseAttributes', () => {
  const text = 'rack:r1;level:3;ports:[1-5,7-9];tags:{b,a};rack:r2;url:http://h:80/';

  it('types values, keeps the order, and lets names repeat', () => {
    expect(parseAttributes(text)).to.deep.equal([
      { name: 'rack', type: 'TEXT', text: { value: 'r1' } },
      { name: 'level', type: 'SCALAR', scalar: { value: 3 } },
      {
        name: 'ports',
        type: 'RANGES',
        ranges: {
          range: [
            { begin: 1n, end: 5n },
            { begin: 7n, end: 9n },
          ],
        },
      },
      { name: 'tags', type: 'SET', set: { item: ['b', 'a'] } },
      { name: 'rack', type: 'TEXT', text: { value: 'r2' } },
      { name: 'url', type: 'TEXT', text: { value: 'http://h:80/' } },
    ]);
  });

  it('is undone by formatAttributes', () => {
    expect(formatAttributes(parseAttributes(text))).to.equal(text);
  });

  it('shows values by name on the older pages', () => {
    expect(legacyAttributes(parseAttributes(text))).to.deep.equal({
      rack: 'r2',
      level: 3,
      ports: '[1-5, 7-9]',
      tags: '{b, a}',
      url: 'http://h:80/',
    });
  });

  it('names the part that is wrong', () => {
    for (const part of ['rack', ':r1', 'rack:', 'ports:[1-']) {
      expect(() => parseAttributes(`zone:a;${part}`), part)
        .to.throw(`'${part}'`)
        .with.property('code', 'INVALID_FLAG');
    }
  });
});
