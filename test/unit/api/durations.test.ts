import { expect } from 'chai';
import {
  durationInfoMs,
  fitsDuration,
  formatDuration,
  parseDuration,
  protobufDurationMs,
  timeInfoMs,
  toDurationInfo,
  toProtobufDuration,
  toTimeInfo,
} from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

describe('parseDuration', () => {
  it('reads every unit', () => {
    const texts = ['1ns', '1us', '1ms', '1secs', '1mins', '1hrs', '1days', '1weeks'];
    expect(texts.map(parseDuration)).to.deep.equal([
      0.000001, 0.001, 1, 1000, 60_000, 3_600_000, 86_400_000, 604_800_000,
    ]);
  });

  it('reads fractions, exponents and signs', () => {
    expect(parseDuration('1.5secs')).to.equal(1500);
    expect(parseDuration('.5hrs')).to.equal(1_800_000);
    expect(parseDuration('1e2ms')).to.equal(100);
    expect(parseDuration('-10mins')).to.equal(-600_000);
    expect(parseDuration('0ns')).to.equal(0);
  });

  it('refuses what is no duration and says which units there are', () => {
    for (const text of [
      '',
      '5',
      'secs',
      '5 secs',
      '5s',
      '5sec',
      '5Secs',
      '0x5secs',
      '5secsx',
      'Infinitysecs',
      ' 5secs',
      '1e300secs',
      '16000weeks',
    ]) {
      expect(() => parseDuration(text), text).to.throw(PlateauError);
    }
    expect(() => parseDuration('5s')).to.throw(/'5s'.*secs/);
  });
});

describe('formatDuration', () => {
  it('picks the largest unit that the duration fills', () => {
    const texts = new Map([
      [0, '0ns'],
      [0.000001, '1ns'],
      [0.001, '1us'],
      [1, '1ms'],
      [15_000, '15secs'],
      [600_000, '10mins'],
      [3_600_000, '1hrs'],
      [86_400_000, '1days'],
      [604_800_000, '1weeks'],
      [1_209_600_000, '2weeks'],
    ]);
    for (const [ms, text] of texts) expect(formatDuration(ms)).to.equal(text);
  });

  it('goes down one unit when only that gives a whole number', () => {
    expect(formatDuration(75_000)).to.equal('75secs');
    expect(formatDuration(1500)).to.equal('1500ms');
    expect(formatDuration(864_000_000)).to.equal('10days');
    expect(formatDuration(5_400_000)).to.equal('90mins');
  });

  it('writes a fraction when that does not help', () => {
    expect(formatDuration(90_500)).to.equal('1.50833333333333mins');
    expect(formatDuration(1500.5)).to.equal('1.5005secs');
    expect(formatDuration(-15_000)).to.equal('-15secs');
  });
});

describe('messages that carry time', () => {
  it('convert to milliseconds and back without losing a nanosecond', () => {
    const now = { nanoseconds: 1900000000123456789n };
    expect(timeInfoMs(now)).to.be.closeTo(1900000000123.4568, 0.001);
    expect(toTimeInfo(1900000000123.25)).to.deep.equal({ nanoseconds: 1900000000123250000n });
    expect(durationInfoMs({ nanoseconds: 1_500_000_000n })).to.equal(1500);
    expect(durationInfoMs({ nanoseconds: -1n })).to.equal(-0.000001);
    expect(toDurationInfo(1500)).to.deep.equal({ nanoseconds: 1_500_000_000n });
    expect(protobufDurationMs({ seconds: 2n, nanos: 500_000_000 })).to.equal(2500);
    expect(protobufDurationMs({})).to.equal(0);
    expect(toProtobufDuration(2500)).to.deep.equal({ seconds: 2n, nanos: 500_000_000 });
    expect(toProtobufDuration(-1500)).to.deep.equal({ seconds: -1n, nanos: -500_000_000 });
  });

  it('hold to what 64 bits can express', () => {
    expect(toDurationInfo(Infinity)).to.deep.equal({ nanoseconds: 2n ** 63n - 1n });
    expect(toDurationInfo(-Infinity)).to.deep.equal({ nanoseconds: -(2n ** 63n) });
    expect(toDurationInfo(1e18)).to.deep.equal({ nanoseconds: 2n ** 63n - 1n });
    expect(fitsDuration(9e9)).to.equal(true);
    expect(fitsDuration(1e10)).to.equal(false);
    expect(fitsDuration(-1e10)).to.equal(false);
    expect(fitsDuration(NaN)).to.equal(false);
  });
});
