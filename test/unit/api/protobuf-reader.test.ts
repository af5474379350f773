import { expect } from 'chai';
import {
  MAX_PROTOBUF_BYTES,
  MAX_PROTOBUF_VALUES,
  type MessageName,
  type Messages,
  type ProtobufLimits,
  decodeJson,
  decodeProtobuf,
  encodeProtobuf,
} from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

/** Bytes from hex with blanks. */
function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function decode<Name extends MessageName>(name: Name, hex: string): Messages[Name] {
  return decodeProtobuf(name, bytesOf(hex));
}

function refusal(
  name: MessageName,
  input: string | Buffer,
  limits: ProtobufLimits = {},
): { message: string; field: unknown } {
  try {
    decodeProtobuf(name, typeof input === 'string' ? bytesOf(input) : input, limits);
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    const { code, message, context } = error as PlateauError;
    expect(code).to.equal('INVALID_MESSAGE');
    return { message, field: context['field'] };
  }
  throw new Error(`${name} was accepted`);
}

describe('decodeProtobuf', () => {
  it('reads texts and numbers, and takes no bytes for an empty message', () => {
    expect(decode('FrameworkID', '0a 07 74 65 73 74 69 6e 67')).to.deep.equal({ value: 'testing' });
    expect(decode('ProtobufDuration', '08 96 01 10 05')).to.deep.equal({ seconds: 150n, nanos: 5 });
    expect(decode('ProtobufDuration', '')).to.deep.equal({});
  });

  it('reads integers of 64 bits without loss, negative ones too', () => {
    expect(decode('ProtobufDuration', '08 ffffffffffffffff7f')).to.deep.equal({
      seconds: 2n ** 63n - 1n,
    });
    expect(decode('ProtobufDuration', '08 80808080808080808001')).to.deep.equal({
      seconds: -(2n ** 63n),
    });
    const minusOne = 'ffffffffffffffffff01';
    expect(decode('ProtobufDuration', `08 ${minusOne} 10 ${minusOne}`)).to.deep.equal({
      seconds: -1n,
      nanos: -1,
    });
    expect(decode('ValueRange', `08 ${minusOne} 10 8080808010`)).to.deep.equal({
      begin: 2n ** 64n - 1n,
      end: 2n ** 32n,
    });
  });

  it('takes lists of numbers packed, unpacked and mixed', () => {
    const expected = { port: 80, statuses: [200, 302] };
    for (const hex of [
      '08 50 22 04 c801 ae02',
      '08 50 20 c801 20 ae02',
      '08 50 20 c801 22 02 ae02 22 00',
      '22 02 c801 08 50 20 ae02',
    ]) {
      expect(decode('HealthCheckHTTPCheckInfo', hex), hex).to.deep.equal(expected);
    }
    expect(decode('HealthCheckHTTPCheckInfo', '08 50 22 00')).to.deep.equal({ port: 80 });
  });

  it('passes over values of enums that it does not know, in lists packed or not', () => {
    const expected = { capabilities: ['DAC_OVERRIDE', 'KILL'] };
    expect(decode('CapabilityInfo', '0a 06 e907 8f4e ed07')).to.deep.equal(expected);
    expect(decode('CapabilityInfo', '08 e907 08 8f4e 08 ed07')).to.deep.equal(expected);
    expect(decode('CapabilityInfo', '0a 02 8f4e')).to.deep.equal({});
  });

  it('passes over an unknown value of an optional enum, and misses it in a required one', () => {
    expect(decode('SchedulerCall', '10 e707')).to.deep.equal({});
    expect(decode('SchedulerCall', '10 05 10 e707')).to.deep.equal({ type: 'REVIVE' });
    const { message, field } = refusal('Resource', '0a 01 78 10 e707');
    expect(message).to.equal('Resource lacks required fields: type');
    expect(field).to.equal('type');
  });

  it('takes the last of several scalars', () => {
    expect(decode('FrameworkID', '0a 01 61 0a 01 62')).to.deep.equal({ value: 'b' });
  });

  it('merges the pieces of a message, which need not be complete each', () => {
    const url = { scheme: 'http', address: { hostname: 'h', port: 1 } };
    const whole = encodeProtobuf('URL', url);
    expect(decodeProtobuf('URL', whole)).to.deep.equal(url);
    expect(decode('URL', '0a 0468747470 12 03 0a0168 12 02 1801')).to.deep.equal(url);
    expect(decode('URL', '12 02 1801 12 03 0a0168 0a 0468747470')).to.deep.equal(url);
    // Elements of a list are no pieces of one message.
    const { message } = refusal('ValueRanges', '0a 02 0801 0a 02 1002');
    expect(message).to.equal('ValueRanges lacks required fields: range[0].end, range[1].begin');
  });

  it('reads maps: any key, key and value in any order or left out, the last entry counting', () => {
    const quantity = (hex: string): unknown =>
      decode('OfferFiltersResourceQuantities', hex).quantities;
    const one = '1209 09 000000000000f03f';
    expect(quantity(`0a0e 0a0161 ${one} 0a0e ${one} 0a0162`)).to.deep.equal({
      a: { value: 1 },
      b: { value: 1 },
    });
    expect(quantity(`0a0b ${one}`)).to.deep.equal({ '': { value: 1 } });
    const evil = quantity(`0a16 0a09 5f5f70726f746f5f5f ${one}`);
    expect(Object.keys(evil as object)).to.deep.equal(['__proto__']);
    expect(quantity(`0a0e 0a0161 ${one} 0a0e 0a0161 1209 09 0000000000000040`)).to.deep.equal({
      a: { value: 2 },
    });
    const { field, message } = refusal('OfferFiltersResourceQuantities', '0a03 0a0161');
    expect(field).to.equal('quantities.a.value');
    expect(message).to.match(/lacks required fields: quantities\.a\.value$/);
  });

  it('passes over unknown fields, groups, and known fields of another wire type', () => {
    // A group of number 9 with a group and a text in it, then a varint where a text is expected.
    expect(decode('FrameworkID', '4b 53 0801 54 0a0178 4c 0a 01 61 08 05')).to.deep.equal({
      value: 'a',
    });
    // The required field came as a number: it was never there.
    expect(refusal('FrameworkID', '08 05').message).to.equal(
      'FrameworkID lacks required fields: value',
    );
  });

  it('lists missing fields as the reader of JSON does', () => {
    const call = '10 03 22 0c 12 0a 08 01 12 06 0a 04 0a 02 6162';
    const json =
      '{"type":"ACCEPT","accept":{"operations":[{"type":"LAUNCH","launch":{"task_infos":[{"name":"ab"}]}}]}}';
    const fromProtobuf = refusal('SchedulerCall', call);
    let fromJson: unknown;
    try {
      decodeJson('SchedulerCall', json);
    } catch (error) {
      fromJson = error;
    }
    expect(fromJson).to.be.instanceOf(PlateauError);
    expect(fromProtobuf.message).to.equal((fromJson as PlateauError).message);
    expect(fromProtobuf.field).to.equal('accept.operations[0].launch.task_infos[0].task_id');
  });
});

describe('decodeProtobuf on malformed bytes', () => {
  const CASES: readonly [why: string, name: MessageName, hex: string, message: RegExp][] = [
    ['a text longer than the rest', 'FrameworkID', '0a 05 61', /^field 'value': the bytes end/],
    [
      'a text that claims 2 GiB',
      'FrameworkID',
      '0a ffffffff07 61',
      /^field 'value': the bytes end/,
    ],
    ['a length beyond 32 bits', 'FrameworkID', '0a ffffffffff01', /^field 'value': malformed/],
    ['a message longer than the rest', 'SchedulerCall', '0a 05 0a', /^field 'framework_id': the/],
    [
      'a text that leaves its message',
      'SchedulerCall',
      '0a 02 0a 05 6162636465',
      /^field 'framework_id.value': the bytes end in the middle of a value$/,
    ],
    ['a varint without end', 'ProtobufDuration', '08 ff', /^field 'seconds': the bytes end/],
    [
      'a varint of eleven bytes',
      'ProtobufDuration',
      '08 ffffffffffffffffffff01',
      /^field 'seconds': malformed protobuf/,
    ],
    ['half a double', 'ValueScalar', '09 00000000', /^field 'value': the bytes end/],
    ['NaN', 'ValueScalar', '09 000000000000f87f', /^field 'value': expected a number, not NaN$/],
    [
      'text that is no UTF-8',
      'FrameworkID',
      '0a 02 c328',
      /^field 'value': expected text in UTF-8/,
    ],
    ['a tag of number 0', 'FrameworkID', '00 01', /^the body is not a message: malformed/],
    ['a wire type that does not exist', 'FrameworkID', '4e', /^the body is not a message: malf/],
    ['a group that ends without a start', 'FrameworkID', '4c', /^the body is not a message: malf/],
    ['a group that does not end', 'FrameworkID', '4b 0801', /^the body is not a message: the/],
    ['a group that ends as another', 'FrameworkID', '4b 54', /^the body is not a message: malf/],
    ['an unknown field cut short', 'FrameworkID', '4a 05 61', /^the body is not a message: the/],
    ['half a packed number', 'HealthCheckHTTPCheckInfo', '22 01 c8', /^field 'statuses\[0\]': the/],
    [
      'a map with half a value',
      'OfferFiltersResourceQuantities',
      '0a07 0a0161 1202 0900',
      /^field 'quantities\.a\.value': the bytes end/,
    ],
  ];

  for (const [why, name, hex, message] of CASES) {
    it(`refuses ${why}, naming where`, () => {
      expect(refusal(name, hex).message).to.match(message);
    });
  }

  it('names the index in a list', () => {
    const range = '0a 04 0801 1002';
    const { message, field } = refusal('ValueRanges', `${range} ${range} 0a 01 08`);
    expect(field).to.equal('range[2].begin');
    expect(message).to.match(/^field 'range\[2\]\.begin': /);
  });

  it('refuses groups nested without end', () => {
    expect(refusal('FrameworkID', '4b'.repeat(100_000)).message).to.match(/depth/);
  });
});

describe('Bounds of decodeProtobuf', () => {
  it('refuses a message larger than its bound before it reads it', () => {
    expect(refusal('FrameworkID', Buffer.alloc(11), { maxBytes: 10 }).message).to.match(
      /11 bytes exceeds the limit of 10/,
    );
    const { message } = refusal('FrameworkID', Buffer.alloc(MAX_PROTOBUF_BYTES + 1));
    expect(message).to.match(/exceeds the limit of 16777216$/);
  });

  it('refuses more values than its bound: scalars, messages, entries of maps', () => {
    // The text in each of three ids, and the ids: six.
    const ids = '0a 03 0a0161'.repeat(3);
    expect(decodeProtobuf('SchedulerCallDecline', bytesOf(ids), { maxValues: 6 })).to.deep.equal({
      offer_ids: [{ value: 'a' }, { value: 'a' }, { value: 'a' }],
    });
    const { message, field } = refusal('SchedulerCallDecline', ids, { maxValues: 5 });
    expect(message).to.match(/holds more than 5 values$/);
    expect(field).to.equal('offer_ids[2].value');
    const packed = '22 03 010203';
    expect(refusal('HealthCheckHTTPCheckInfo', packed, { maxValues: 2 }).message).to.match(
      /than 2/,
    );
    const entries = '0a00'.repeat(3);
    expect(refusal('OfferFiltersResourceQuantities', entries, { maxValues: 2 }).message).to.match(
      /than 2/,
    );
  });

  it('bounds what two bytes a piece can make of a body', () => {
    const body = bytesOf('0a00'.repeat(MAX_PROTOBUF_VALUES + 1));
    const { message } = refusal('ValueRanges', body);
    expect(message).to.match(/holds more than 500000 values$/);
  });

  it('counts nothing that it passes over', () => {
    const unknown = bytesOf(`0a0161 ${'4801'.repeat(10)}`);
    expect(decodeProtobuf('FrameworkID', unknown, { maxValues: 1 })).to.deep.equal({ value: 'a' });
  });
});
