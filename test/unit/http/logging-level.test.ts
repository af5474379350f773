import { expect } from 'chai';
import { VirtualWorld } from '../../../core/base/index.js';
import {
  type AdjustableLog,
  LoggingLevel,
  MAX_LOGGING_LEVEL_MS,
} from '../../../core/http/logging-level.js';

const SECOND = { nanoseconds: 1_000_000_000n };

describe('LoggingLevel', () => {
  it('lets the log say everything for a time, then what it was started with', async () => {
    const clock = new VirtualWorld().clock;
    const log: AdjustableLog = { level: 'warn' };
    const logging = new LoggingLevel(clock, log);
    expect(logging.level).to.equal(0);
    expect(logging.set({ level: 2, duration: SECOND })).to.equal(undefined);
    expect([logging.level, log.level]).to.deep.equal([2, 'debug']);
    await clock.advance(999);
    expect(log.level).to.equal('debug');
    await clock.advance(1);
    expect([logging.level, log.level]).to.deep.equal([0, 'warn']);
  });

  it('counts from the latest call', async () => {
    const clock = new VirtualWorld().clock;
    const log: AdjustableLog = { level: 'info' };
    const logging = new LoggingLevel(clock, log);
    logging.set({ level: 1, duration: SECOND });
    await clock.advance(900);
    logging.set({ level: 3, duration: SECOND });
    await clock.advance(900);
    expect([logging.level, log.level]).to.deep.equal([3, 'debug']);
    logging.dispose();
    expect([logging.level, log.level]).to.deep.equal([0, 'info']);
  });

  it('names what is wrong, and changes nothing then', () => {
    const log: AdjustableLog = { level: 'info' };
    const logging = new LoggingLevel(new VirtualWorld().clock, log);
    expect(logging.set({ level: -1, duration: SECOND })).to.match(/level/);
    const long = { nanoseconds: BigInt(MAX_LOGGING_LEVEL_MS + 1) * 1_000_000n };
    expect(logging.set({ level: 1, duration: long })).to.match(/duration/);
    expect(logging.set({ level: 1, duration: { nanoseconds: -1n } })).to.match(/duration/);
    expect([logging.level, log.level]).to.deep.equal([0, 'info']);
  });
});
