import { expect } from 'chai';
import { MAX_JSON_DEPTH, parseJson } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

function refusal(source: string | Uint8Array): string {
  try {
    parseJson(source);
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    const { code, message } = error as PlateauError;
    expect(code).to.equal('INVALID_MESSAGE');
    return message;
  }
  throw new Error('the text was accepted');
}

describe('parseJson', () => {
  it('reads text and bytes alike', () => {
    expect(parseJson('{"a":[1,true,null,"é"]}')).to.deep.equal({ a: [1, true, null, 'é'] });
    expect(parseJson(Buffer.from('{"a":"é"}'))).to.deep.equal({ a: 'é' });
  });

  it('accepts 200 levels and refuses 201', () => {
    expect(parseJson(nested(MAX_JSON_DEPTH))).to.be.an('array');
    expect(refusal(nested(MAX_JSON_DEPTH + 1))).to.match(/deeper than 200/);
    expect(refusal('{"a":'.repeat(201) + '1' + '}'.repeat(201))).to.match(/deeper than 200/);
  });

  it('refuses a million brackets without running out of stack', () => {
    expect(refusal('['.repeat(1_000_000))).to.match(/deeper than 200/);
    expect(refusal('{"a":['.repeat(500_000))).to.match(/deeper than 200/);
  });

  it('does not count brackets inside strings, whatever is escaped in them', () => {
    const brackets = '['.repeat(500);
    for (const text of [brackets, `\\"${brackets}`, `\\\\\\"${brackets}`, `${brackets}\\\\`]) {
      expect(parseJson(`{"a":"${text}","b":[1]}`)).to.have.property('b');
    }
  });

  it('counts levels that were closed only once', () => {
    expect(parseJson(`[${Array(500).fill('[[]]').join(',')}]`)).to.have.lengthOf(500);
  });

  it('refuses bytes that are not UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      expect(refusal(Buffer.from(bytes))).to.match(/UTF-8/);
    }
  });

  it('refuses a byte order mark, comments, trailing commas and what else is not JSON', () => {
    const texts = [
      '\uFEFF{}',
      '{}//x',
      '{/**/}',
      '{"a":1,}',
      '[1,]',
      '',
      ' ',
      '{} x',
      "{'a':1}",
      '01',
      '+1',
      '.5',
      'NaN',
      '0x10',
      '"\n"',
      '"\\x41"',
      '[1 2]',
      'Infinit',
    ];
    for (const text of texts) {
      refusal(text);
      refusal(Buffer.from(text));
    }
  });

  it('refuses the same when a long integer calls for the other parser', () => {
    const long = '12345678901234567890';
    for (const text of [
      `[${long},]`,
      `{"a":${long},}`,
      `[${long}] x`,
      `[0${long}]`,
      `["\n",${long}]`,
      `[${long}//x\n]`,
      `[.${long}]`,
      `[${long}.]`,
      `[${long}e]`,
    ]) {
      refusal(text);
    }
  });

  it('keeps every digit of long integers', () => {
    expect(parseJson('[9007199254740993,-9223372036854775808,18446744073709551615]')).to.deep.equal(
      [9007199254740993n, -9223372036854775808n, 18446744073709551615n],
    );
  });

  it('leaves fractions, exponents and short integers to doubles', () => {
    expect(
      parseJson('[1795343034.0864971,0.30000000000000004,1e18,999999999999999]'),
    ).to.deep.equal([1795343034.0864971, 0.30000000000000004, 1e18, 999999999999999]);
    expect(parseJson('[12345678901234567890.5,12345678901234567890e1]')).to.deep.equal([
      Number('12345678901234567890.5'),
      Number('12345678901234567890e1'),
    ]);
  });

  it('lets the last of equal keys win, also with long integers', () => {
    expect(parseJson('{"a":1,"a":2}')).to.deep.equal({ a: 2 });
    expect(parseJson('{"a":1234567890123456789,"a":2}')).to.deep.equal({ a: 2 });
  });

  it('reads an integer of a million digits in no time, as infinite', () => {
    expect(parseJson(`[${'9'.repeat(1_000_000)}]`)).to.deep.equal([Infinity]);
  });

  it('reads the bare word Infinity as text, and the word in strings as it stands', () => {
    expect(
      parseJson('{"a":Infinity,"b":-Infinity,"c":"Infinity","d":[Infinity,-1]}'),
    ).to.deep.equal({
      a: 'Infinity',
      b: '-Infinity',
      c: 'Infinity',
      d: ['Infinity', -1],
    });
    for (const text of ['+Infinity', 'InfinityInfinity', '1Infinity', '--Infinity', '{Infinity:1'])
      refusal(text);
  });

  it('makes __proto__ an ordinary key', () => {
    for (const tail of ['1', '12345678901234567890']) {
      const value = parseJson(`{"__proto__":{"polluted":true},"x":${tail}}`) as object;
      expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
      expect(Object.hasOwn(value, '__proto__')).to.equal(true);
    }
  });
});
