import { expect } from 'chai';
import {
  MAX_QUOTA_RESOURCES,
  type QuotaConfig,
  parseWeights,
  validateQuotaConfig,
  validateWeight,
} from '../../../core/api/index.js';

function limited(name: string, value: number): QuotaConfig {
  return { role: 'prod', limits: { [name]: { value } } };
}

describe('validateQuotaConfig', () => {
  it('takes amounts up to the largest, and none at all', () => {
    for (const good of [
      { role: 'prod' },
      { role: '*', limits: {} },
      limited('cpus', 0),
      limited('gpus', 0),
      limited('gpus', 2),
      limited('cpus', 1e12),
      limited('mem', 1_099_511_627_776),
      limited('disk', 1_099_511_627_776),
      { role: 'prod', guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 1 } } },
      { role: 'prod', guarantees: { cpus: { value: 1 } }, limits: { mem: { value: 0 } } },
    ]) {
      expect(validateQuotaConfig(good), JSON.stringify(good)).to.equal(undefined);
    }
  });

  it('names role, field and resource of what is wrong', () => {
    const cases: readonly [QuotaConfig, RegExp][] = [
      [{ role: '' }, /Role cannot be empty/],
      [{ role: 'bad role' }, /bad role/],
      [{ role: 'a/b', limits: { cpus: { value: 1 } } }, /'a\/b' is nested.*not supported/],
      [limited('cpus', -1), /'limits' of role 'prod': resource "cpus".*negative/],
      [limited('cpus', Number.NaN), /"cpus" is NaN/],
      [limited('cpus', Number.POSITIVE_INFINITY), /"cpus" is Infinity/],
      [limited('cpus', 1e12 + 1), /"cpus".*above 1000000000000$/],
      [limited('mem', 1_099_511_627_777), /"mem".*above 1099511627776$/],
      [limited('disk', 1_099_511_627_777), /"disk".*above/],
      [limited('cpus', 0.0001), /"cpus".*rounds to 0/],
      [limited('', 1), /empty name/],
      [limited('ports', 10), /"ports" is no amount/],
      [limited('gpus', 0.5), /"gpus" is 0.5; gpus come as whole numbers only/],
      [limited('\ud800', 1), /halves of characters/],
      [limited('x'.repeat(256), 1), /more than 255 characters/],
      [
        { role: 'prod', guarantees: { cpus: { value: 3 } }, limits: { cpus: { value: 2 } } },
        /'guarantees' of role 'prod': resource 'cpus' is 3.*limit 2/,
      ],
      [{ role: 'prod', guarantees: { cpus: { value: -1 } } }, /'guarantees' of role 'prod'/],
    ];
    for (const [config, pattern] of cases) expect(validateQuotaConfig(config)).to.match(pattern);
  });

  it('bounds the number of resources', () => {
    const names = Array.from({ length: MAX_QUOTA_RESOURCES + 1 }, (_, index) => `r${index}`);
    const all = Object.fromEntries(names.map((name) => [name, { value: 1 }]));
    expect(validateQuotaConfig({ role: 'a', limits: all })).to.match(/at most 100/);
    delete all['r0'];
    expect(validateQuotaConfig({ role: 'a', limits: all })).to.equal(undefined);
  });
});

describe('Weights', () => {
  it('are positive numbers of roles', () => {
    expect(validateWeight({ role: 'a/b', weight: 0.1 })).to.equal(undefined);
    expect(validateWeight({ role: '*', weight: 3 })).to.equal(undefined);
    expect(validateWeight({ weight: 1 })).to.match(/'role'/);
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(validateWeight({ role: 'a', weight })).to.match(/role 'a' must be a positive number/);
    }
  });

  it('are read from text', () => {
    expect(parseWeights('')).to.deep.equal([]);
    expect(parseWeights(' prod=2, a/b = 0.5 ,')).to.deep.equal([
      { role: 'prod', weight: 2 },
      { role: 'a/b', weight: 0.5 },
    ]);
  });

  it('are never called NaN to those who wrote something else', () => {
    expect(() => parseWeights('prod=x')).to.throw("'prod=x' is not of the form role=number");
  });

  for (const bad of ['prod', 'prod=', '=1', 'prod=0', 'prod=x', 'a b=1', 'prod=1,prod=2']) {
    it(`are refused as '${bad}'`, () => {
      expect(() => parseWeights(bad))
        .to.throw(/^weights: /)
        .with.property('code', 'INVALID_FLAG');
    });
  }
});
