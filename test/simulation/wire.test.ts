import { expect } from 'chai';
import type { SchedulerCall } from '../../core/api/index.js';
import { SeededRandom, VirtualWorld } from '../../core/base/index.js';
import { Trace, wireOf } from '../../core/simulation/index.js';

const CALL: SchedulerCall = {
  type: 'DECLINE',
  decline: { offer_ids: [{ value: 'one' }, { value: 'two' }], filters: { refuse_seconds: 5 } },
};

describe('wireOf', () => {
  it('packs a message as the text of the codec, or as itself', () => {
    const [json, objects] = [wireOf('json'), wireOf('objects')];
    const text = json.pack('SchedulerCall', CALL);
    expect(text).to.be.a('string');
    expect(json.unpack('SchedulerCall', text)).to.deep.equal(CALL);
    expect(json.unpack('SchedulerCall', text)).not.to.equal(CALL);
    const parcel = objects.pack('SchedulerCall', CALL);
    expect(objects.unpack('SchedulerCall', parcel)).to.equal(CALL);
    // Whoever packs in one form is understood in the other.
    expect(objects.unpack('SchedulerCall', text)).to.deep.equal(CALL);
    expect(json.unpack('SchedulerCall', parcel)).to.equal(CALL);
  });

  it('freezes objects to their leaves, so that a change of one is noticed', () => {
    const parcel = wireOf('objects').pack('SchedulerCall', structuredClone(CALL));
    const call = wireOf('objects').unpack('SchedulerCall', parcel);
    expect(() => Object.assign(call, { type: 'REVIVE' })).to.throw(TypeError);
    expect(() => Object.assign(call.decline?.offer_ids?.[1] ?? {}, { value: '' })).to.throw(
      TypeError,
    );
  });
});

describe('Trace', () => {
  const hashOf = (...contents: readonly (string | object)[]): string => {
    const trace = new Trace(new VirtualWorld().clock);
    for (const content of contents) trace.add('master', 'from agent-0', content);
    return trace.hash();
  };

  it('hashes what differs differently: order, texts, sizes, fields and values', () => {
    const trace = new Trace(new VirtualWorld().clock);
    trace.add('agent', 'from agent-0', 'text');
    const hashes = [
      trace.hash(),
      hashOf(),
      hashOf('text'),
      hashOf('texts'),
      hashOf('text', 'other'),
      hashOf('other', 'text'),
      hashOf(CALL),
      hashOf({ ...CALL, type: 'REVIVE' }),
      hashOf({ ...CALL, decline: { offer_ids: [{ value: 'one' }, { value: 'owt' }] } }),
      hashOf({ count: 5n }),
      hashOf({ count: 5.5 }),
      hashOf({ count: 5.501 }),
      hashOf({ count: true }),
      hashOf({ count: false }),
      hashOf({ count: [] }),
      hashOf({ count: ['5'] }),
      hashOf({ total: ['5'] }),
    ];
    // Of keys only the lengths count: the last two stay the same.
    expect(new Set(hashes).size).to.equal(hashes.length - 1);
  });

  it('hashes texts that differ near one of their ends differently, however long they are', () => {
    const random = new SeededRandom('texts');
    const long = Array.from({ length: 5_000 }, () => random.below(10)).join('');
    const texts = [long, `x${long.slice(1)}`, `${long.slice(0, -1)}x`, `${long}0`, ''];
    expect(new Set(texts.map((text) => hashOf(text))).size).to.equal(texts.length);
  });

  it('leaves out fields that are unset, as texts do', () => {
    expect(hashOf({ one: 1, other: undefined })).to.equal(hashOf({ one: 1 }));
  });

  it('keeps the last events for people', () => {
    const trace = new Trace(new VirtualWorld().clock);
    for (let index = 0; index < 2_000; index++) trace.add('master', 'note', { index, big: 1n });
    expect(trace.count).to.equal(2_000);
    const lines = trace.tail(2).split('\n');
    expect(lines).to.have.length(2);
    expect(lines[1]).to.match(/^ +0\.000 master +note +\{"index":1999,"big":"1"\}$/);
  });
});
