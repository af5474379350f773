import { expect } from 'chai';
import {
  type MessageName,
  type Messages,
  decodeProtobuf,
  encodeProtobuf,
} from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

function hex<Name extends MessageName>(name: Name, message: Messages[Name]): string {
  return encodeProtobuf(name, message).toString('hex');
}

/** The error of writing what the types would not let through. */
function refusal(name: MessageName, message: unknown): PlateauError {
  try {
    encodeProtobuf(name, message as Messages[MessageName]);
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    return error as PlateauError;
  }
  throw new Error('it was written');
}

describe('encodeProtobuf', () => {
  it('writes fields by number, whatever the order of the object, and no defaults', () => {
    expect(hex('FrameworkInfo', { name: 'n', user: 'u' })).to.equal('0a017512016e');
    expect(hex('Filters', {})).to.equal('');
    expect(hex('Filters', { refuse_seconds: 5 })).to.equal('090000000000001440');
  });

  it('leaves out what is undefined, and empty lists', () => {
    expect(hex('SchedulerCall', { type: undefined, framework_id: undefined })).to.equal('');
    expect(hex('SchedulerCallDecline', { offer_ids: [] })).to.equal('');
  });

  it('writes empty messages and texts, which differ from unset ones', () => {
    expect(hex('SchedulerCall', { decline: { offer_ids: [] } })).to.equal('2a00');
    expect(hex('FrameworkID', { value: '' })).to.equal('0a00');
  });

  it('writes integers of 64 bits without loss, negative ones in ten bytes', () => {
    expect(hex('ProtobufDuration', { seconds: -1n, nanos: -1 })).to.equal(
      '08ffffffffffffffffff0110ffffffffffffffffff01',
    );
    expect(hex('ValueRange', { begin: 2n ** 64n - 1n, end: 2n ** 32n })).to.equal(
      '08ffffffffffffffffff01108080808010',
    );
    expect(hex('TimeInfo', { nanoseconds: 2n ** 53n + 1n })).to.equal('088180808080808010');
  });

  it('writes lists of numbers one by one, as proto2 does', () => {
    const message = { port: 80, statuses: [200, 302] };
    expect(hex('HealthCheckHTTPCheckInfo', message)).to.equal('085020c80120ae02');
  });

  it('writes the bytes behind base64 text', () => {
    expect(hex('UUID', { value: 'AP/+' })).to.equal('0a0300fffe');
  });

  it('writes infinite doubles', () => {
    expect(hex('ValueScalar', { value: -Infinity })).to.equal('09000000000000f0ff');
  });

  it('writes texts of any length and alphabet', () => {
    for (const length of [0, 1, 39, 40, 63, 64, 127, 128, 5_000, 20_000]) {
      for (const unit of ['a', 'é', '✓', '🙂']) {
        const value = unit.repeat(length);
        const bytes = encodeProtobuf('FrameworkID', { value });
        expect(decodeProtobuf('FrameworkID', bytes).value).to.equal(value);
        expect(bytes.subarray(bytes.length - Buffer.byteLength(value)).toString()).to.equal(value);
      }
    }
  });

  it('does not share memory between messages', () => {
    const one = encodeProtobuf('FrameworkID', { value: 'one' });
    const before = one.toString('hex');
    encodeProtobuf('FrameworkID', { value: 'two' }).fill(0);
    expect(one.toString('hex')).to.equal(before);
  });

  it('refuses what a field cannot hold, naming it', () => {
    const scalar = refusal('ValueScalar', { value: Number.NaN });
    expect(scalar.code).to.equal('INVALID_MESSAGE');
    expect(scalar.message).to.equal("field 'value': is not a number");
    expect(scalar.context).to.deep.equal({ field: 'value' });
    expect(refusal('SchedulerCall', { type: 'DANCE' }).message).to.match(/'DANCE' is no value of/);
    expect(refusal('SchedulerCall', { framework_id: 'f' }).message).to.match(/as FrameworkID$/);
  });
});
