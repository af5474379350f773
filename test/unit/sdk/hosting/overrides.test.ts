import { expect } from 'chai';
import { readOverrides } from '../../../../sdk/hosting/index.js';

describe('readOverrides', () => {
  it('reads texts, lists and flags', () => {
    const texts = [
      'name=web',
      'roles=a, b',
      'gpus=true',
      'failoverTimeout=2h',
      'webuiUrl=http://h/?a=b',
    ];
    expect(readOverrides(texts)).to.deep.equal({
      name: 'web',
      roles: ['a', 'b'],
      gpus: true,
      failoverTimeout: '2h',
      webuiUrl: 'http://h/?a=b',
    });
    expect(readOverrides([])).to.deep.equal({});
  });

  const refused: Readonly<Record<string, readonly string[]>> = {
    "'name' is not of the form name=value": ['name'],
    "'=x' is not of the form": ['=x'],
    "'name' is there twice": ['name=a', 'name=b'],
    "'labels' cannot be given here": ['labels=x'],
  };
  for (const [message, texts] of Object.entries(refused)) {
    it(`refuses ${texts.join(' ')}`, () => {
      expect(() => readOverrides(texts)).to.throw(`--option: ${message}`);
    });
  }
});
