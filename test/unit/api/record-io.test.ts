import { expect } from 'chai';
import { RecordDecoder, encodeRecord } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

function decode(stream: string | Buffer, options = {}): string[] {
  return new RecordDecoder(options).push(Buffer.from(stream)).map(String);
}

describe('encodeRecord', () => {
  it('counts bytes, not characters', () => {
    expect(encodeRecord('hé').toString()).to.equal('3\nhé');
    expect(encodeRecord(Buffer.from([1, 2])).equals(Buffer.from('2\n\u0001\u0002'))).to.equal(true);
    expect(encodeRecord('').toString()).to.equal('0\n');
  });
});

describe('RecordDecoder', () => {
  it('takes records apart, however they are cut', () => {
    const stream = Buffer.concat(['{"a":1}', '', 'é', '\n5\n'].map((text) => encodeRecord(text)));
    for (let size = 1; size <= stream.length; size++) {
      const decoder = new RecordDecoder();
      const records: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        records.push(...decoder.push(stream.subarray(at, at + size)).map(String));
      }
      decoder.finish();
      expect(records, `pieces of ${size}`).to.deep.equal(['{"a":1}', '', 'é', '\n5\n']);
    }
  });

  it('refuses lengths that are not plain decimal numbers', () => {
    for (const header of [
      '-1',
      '+5',
      '0x10',
      ' 5',
      '5 ',
      '5\r',
      '05',
      '00',
      '',
      'x',
      '1e3',
      '5.0',
      '٣',
      '1_0',
    ]) {
      expect(() => decode(`${header}\nhello`), JSON.stringify(header)).to.throw(
        PlateauError,
        /length/,
      );
    }
  });

  it('refuses lengths with more than 20 digits, with or without a line feed', () => {
    expect(() => decode('1'.repeat(21))).to.throw(PlateauError, /20 digits/);
    expect(() => decode('1'.repeat(1_000_000))).to.throw(PlateauError, /20 digits/);
  });

  it('refuses a record over the limit as soon as its length is known', () => {
    expect(decode('5\nhello', { maxRecordBytes: 5 })).to.deep.equal(['hello']);
    expect(() => decode('6\n', { maxRecordBytes: 5 })).to.throw(PlateauError, /limit of 5/);
    expect(() => decode('99999999999999999999\n')).to.throw(PlateauError, /limit/);
  });

  it('takes no room for bytes that were only announced', () => {
    const decoder = new RecordDecoder({ maxRecordBytes: 2 ** 40 });
    expect(decoder.push(Buffer.from(`${2 ** 40}\nx`))).to.deep.equal([]);
    expect(() => decoder.finish()).to.throw(PlateauError, /1099511627775 bytes before/);
  });

  it('throws again after an error', () => {
    const decoder = new RecordDecoder();
    expect(() => decoder.push(Buffer.from('x'))).to.throw(PlateauError);
    expect(() => decoder.push(Buffer.from('1\na'))).to.throw(PlateauError);
    expect(() => decoder.finish()).to.throw(PlateauError);
  });

  it('tells at the end whether a record is incomplete', () => {
    ended('');
    ended('2\nab');
    expect(() => ended('2\na')).to.throw(PlateauError, /1 bytes before/);
    expect(() => ended('2\n')).to.throw(PlateauError, /2 bytes before/);
    expect(() => ended('2\nab1')).to.throw(PlateauError, /inside the length/);
  });

  it('needs time linear in the size of a record that comes byte by byte', () => {
    const size = 4_000_000;
    const decoder = new RecordDecoder();
    decoder.push(Buffer.from(`${size}\n`));
    const byte = Buffer.from('x');
    let records: Buffer[] = [];
    for (let count = 0; count < size; count++) records = decoder.push(byte);
    expect(records).to.have.lengthOf(1);
    expect(records[0]?.length).to.equal(size);
  });
});

function ended(stream: string): void {
  const decoder = new RecordDecoder();
  decoder.push(Buffer.from(stream));
  decoder.finish();
}
