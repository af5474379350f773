import { expect } from 'chai';
import { type MessageName, type Messages, decodeJson, fromJson } from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

const data = (json: string): unknown => scalar('UUID', 'value', json);

function refusal(name: MessageName, text: string): { message: string; field: unknown } {
  try {
    decodeJson(name, text);
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    const { code, message, context } = error as PlateauError;
    expect(code).to.equal('INVALID_MESSAGE');
    return { message, field: context['field'] };
  }
  throw new Error(`${name} was accepted: ${text}`);
}

/** One scalar field of a message, decoded. */
function scalar<Name extends MessageName>(
  name: Name,
  field: keyof Messages[Name] & string,
  json: string,
): unknown {
  return fieldOf(decodeJson(name, `{"${field}":${json}}`), field);
}

function fieldOf<T, K extends keyof T>(message: T, field: K): T[K] {
  return message[field];
}

const FRAMEWORK = '"user":"u","name":"n"';

describe('decodeJson', () => {
  it('keeps known fields only, in declaration order, and ignores the rest at every depth', () => {
    const call = decodeJson(
      'SchedulerCall',
      '{"whatever":{"x":[]},"type":"DECLINE","decline":{"filters":{"refuse_seconds":1,"unknown":null},"offer_ids":[{"extra":1,"value":"o"}]},"framework_id":{"value":"f"}}',
    );
    expect(call).to.deep.equal({
      framework_id: { value: 'f' },
      type: 'DECLINE',
      decline: { offer_ids: [{ value: 'o' }], filters: { refuse_seconds: 1 } },
    });
    expect(Object.keys(call)).to.deep.equal(['framework_id', 'type', 'decline']);
  });

  it('takes null as unset', () => {
    expect(decodeJson('SchedulerCall', '{"type":null,"framework_id":null}')).to.deep.equal({});
    expect(refusal('FrameworkID', '{"value":null}').message).to.match(/value/);
  });

  it('fills in no defaults', () => {
    expect(decodeJson('Filters', '{}')).to.deep.equal({});
  });

  it('takes empty lists and maps as unset', () => {
    expect(
      decodeJson('FrameworkInfo', `{${FRAMEWORK},"roles":[],"offer_filters":{}}`),
    ).to.deep.equal({
      user: 'u',
      name: 'n',
    });
  });

  it('names the path of a field of the wrong type', () => {
    const task = '{"name":"t","task_id":{"value":"t"},"agent_id":{"value":"a"}}';
    const bad = '{"name":"t","task_id":{"value":"t"},"agent_id":{"value":"a"},"resources":"all"}';
    const { message, field } = refusal(
      'SchedulerCall',
      `{"accept":{"operations":[{"type":"LAUNCH","launch":{"task_infos":[${task},${task},${bad}]}}]}}`,
    );
    expect(field).to.equal('accept.operations[0].launch.task_infos[2].resources');
    expect(message).to.include("'accept.operations[0].launch.task_infos[2].resources'");
  });

  it('refuses values of the wrong type', () => {
    const id = '{"value":"f"}';
    for (const text of [
      '{"type":"REVIVE","framework_id":"f"}',
      '{"type":"REVIVE","framework_id":{"value":["f"]}}',
      `{"type":"REVIVE","framework_id":[${id}]}`,
      '{"type":"DECLINE","decline":{"offer_ids":["o"]}}',
      '{"type":"DECLINE","decline":{"offer_ids":[],"filters":{"refuse_seconds":{}}}}',
      '{"type":"DECLINE","decline":"all"}',
      '{"type":["REVIVE"]}',
      '{"type":"REVIVE","revive":{"roles":[17]}}',
      '{"type":17}',
      '{"framework_id":{"value":5}}',
      '{"subscribe":{"framework_info":{"user":"u","name":"n","offer_filters":[]}}}',
    ]) {
      refusal('SchedulerCall', text);
    }
  });

  it('refuses a body that is no object', () => {
    for (const text of ['[]', '1', '"x"', 'null', 'true', '12345678901234567890']) {
      expect(refusal('SchedulerCall', text)).to.deep.include({ field: '' });
    }
  });

  it('lists every missing required field', () => {
    const { message, field } = refusal(
      'SchedulerCall',
      '{"acknowledge":{"agent_id":{"value":"a"},"task_id":{}},"subscribe":{}}',
    );
    expect(field).to.equal('subscribe.framework_info');
    for (const path of [
      'subscribe.framework_info',
      'acknowledge.task_id.value',
      'acknowledge.uuid',
    ]) {
      expect(message).to.include(path);
    }
  });

  it('bounds the list of missing fields and the length of a path', () => {
    const offers = Array(1000).fill('{}').join(',');
    const { message } = refusal('SchedulerCall', `{"decline":{"offer_ids":[${offers}]}}`);
    expect(message).to.include('offer_ids[19].value').and.not.include('offer_ids[20].value');
    expect(message).to.match(/980 more/);
    const long = refusal('Task', `{"limits":{"${'x'.repeat(5000)}":7}}`);
    expect(long.message.length).to.be.lessThan(500);
  });

  it('takes a bare value as a list of one, and passes over null in lists', () => {
    expect(decodeJson('SchedulerCallRevive', '{"roles":"a"}')).to.deep.equal({ roles: ['a'] });
    expect(decodeJson('SchedulerCallRevive', '{"roles":[null,"a",null]}')).to.deep.equal({
      roles: ['a'],
    });
    expect(decodeJson('SchedulerCallRevive', '{"roles":[null]}')).to.deep.equal({});
    expect(decodeJson('SchedulerCallDecline', '{"offer_ids":{"value":"o"}}')).to.deep.equal({
      offer_ids: [{ value: 'o' }],
    });
  });

  it('accepts numbers and booleans as text, and no other text', () => {
    expect(
      decodeJson('FrameworkInfo', `{${FRAMEWORK},"failover_timeout":"45","checkpoint":"false"}`),
    ).to.deep.equal({ user: 'u', name: 'n', failover_timeout: 45, checkpoint: false });
    expect(scalar('TimeInfo', 'nanoseconds', '"1900000000123456789"')).to.equal(
      1900000000123456789n,
    );
    expect(scalar('Port', 'number', '"80"')).to.equal(80);
    for (const json of [
      '"x"',
      '""',
      '" 1"',
      '"0x10"',
      '"1_0"',
      '"NaN"',
      '"nan"',
      'true',
      '{}',
      '[1,2]',
      '"1e400"',
    ]) {
      refusal('TimeInfo', `{"nanoseconds":${json}}`);
      refusal('Filters', `{"refuse_seconds":${json}}`);
      refusal('Port', `{"number":${json}}`);
    }
    for (const json of ['1', '0', '"1"', '"TRUE"', '""', '{}']) {
      refusal('FrameworkInfo', `{${FRAMEWORK},"checkpoint":${json}}`);
    }
  });

  it('takes infinite doubles from their names only', () => {
    expect(scalar('ValueScalar', 'value', '"Infinity"')).to.equal(Infinity);
    expect(scalar('ValueScalar', 'value', '"-Infinity"')).to.equal(-Infinity);
    expect(scalar('ValueScalar', 'value', 'Infinity')).to.equal(Infinity);
    for (const json of ['1e400', '-1e400', '9'.repeat(500), '"1e400"']) {
      expect(refusal('ValueScalar', `{"value":${json}}`).field).to.equal('value');
    }
    refusal('ValueScalar', '{"value":NaN}');
    expect(refusal('Port', '{"number":"Infinity"}').field).to.equal('number');
    expect(refusal('TimeInfo', '{"nanoseconds":"Infinity"}').field).to.equal('nanoseconds');
  });

  it('cuts fractions off integers and accepts exponents', () => {
    for (const [json, value] of [
      ['1500000000.7', 1500000000n],
      ['1e18', 10n ** 18n],
      ['1.5e3', 1500n],
      ['-0.5', 0n],
      ['"7.9"', 7n],
    ] as const) {
      expect(scalar('TimeInfo', 'nanoseconds', json), json).to.equal(value);
    }
    expect(
      Object.is(decodeJson('RLimitInfoRLimit', '{"type":"RLMT_AS","hard":0}').hard, 0n),
    ).to.equal(true);
    expect(decodeJson('Port', '{"number":80.9}').number).to.equal(80);
    expect(Object.is(decodeJson('Port', '{"number":-0.5}').number, 0)).to.equal(true);
  });

  it('wraps 64-bit integers around and refuses 32-bit ones out of range', () => {
    expect(scalar('TimeInfo', 'nanoseconds', '9223372036854775808')).to.equal(
      -9223372036854775808n,
    );
    expect(scalar('TimeInfo', 'nanoseconds', '"18446744073709551616"')).to.equal(0n);
    expect(decodeJson('ValueRange', '{"begin":-1,"end":18446744073709551617}')).to.deep.equal({
      begin: 18446744073709551615n,
      end: 1n,
    });
    for (const json of ['4294967296', '-1', '12345678901234567890']) {
      expect(refusal('Port', `{"number":${json}}`).field).to.equal('number');
    }
    expect(decodeJson('Port', '{"number":4294967295}').number).to.equal(4294967295);
  });

  it('loses no digit of long integers', () => {
    for (const digits of ['1900000000123456789', '9223372036854775807', '9007199254740993']) {
      expect(scalar('TimeInfo', 'nanoseconds', digits)).to.equal(BigInt(digits));
    }
  });

  it('reads bytes with and without padding and blanks, into one form', () => {
    expect(data('"aGVsbG8="')).to.equal('aGVsbG8=');
    expect(data('"aGVsbG8"')).to.equal('aGVsbG8=');
    expect(data('"aGVs bG8=\\n"')).to.equal('aGVsbG8=');
    expect(data('""')).to.equal('');
    expect(data('"aGl="')).to.equal('aGk=');
    for (const json of ['"***"', '"_-8="', '"aGVsb"', '"a=b="', '"===="', '5', 'true', '{}']) {
      expect(refusal('UUID', `{"value":${json}}`).field).to.equal('value');
    }
  });

  it('passes over unknown enum values unless the field is required', () => {
    expect(decodeJson('SchedulerCall', '{"type":"NO_SUCH_TYPE"}')).to.deep.equal({});
    expect(
      decodeJson(
        'FrameworkInfo',
        `{${FRAMEWORK},"capabilities":[{"type":"NEW"},{"type":"MULTI_ROLE"}]}`,
      ),
    ).to.deep.equal({ user: 'u', name: 'n', capabilities: [{}, { type: 'MULTI_ROLE' }] });
    const status = refusal('TaskStatus', '{"task_id":{"value":"t"},"state":"TASK_NEW"}');
    expect(status.field).to.equal('state');
    expect(refusal('TaskStatus', '{"task_id":{"value":"t"},"state":1}').field).to.equal('state');
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(decodeJson('SchedulerCall', `{"type":"${name}"}`)).to.deep.equal({});
    }
  });

  it('takes hostile keys as nothing special', () => {
    const call = decodeJson(
      'SchedulerCall',
      '{"__proto__":{"type":"REVIVE","polluted":1},"constructor":{"prototype":{"polluted":1}},"framework_id":{"__proto__":{"x":1},"value":"__proto__"}}',
    );
    expect(call).to.deep.equal({ framework_id: { value: '__proto__' } });
    expect(call.type).to.equal(undefined);
    expect(Object.getPrototypeOf(call)).to.equal(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('keeps every key of a map, and a map finds nothing but its own keys', () => {
    const limits = fieldOf(
      decodeJson(
        'TaskInfo',
        '{"name":"t","task_id":{"value":"t"},"agent_id":{"value":"a"},"limits":{"__proto__":{"value":1},"constructor":{"value":2},"cpus":{"value":"Infinity"},"gone":null}}',
      ),
      'limits',
    );
    expect(Object.keys(limits ?? {})).to.deep.equal(['__proto__', 'constructor', 'cpus']);
    expect(limits?.['__proto__']).to.deep.equal({ value: 1 });
    expect(limits?.['toString']).to.equal(undefined);
  });

  it('makes maps that chai finds equal to plain ones', () => {
    expect(
      decodeJson('OfferFiltersResourceQuantities', '{"quantities":{"cpus":{"value":1}}}'),
    ).to.deep.equal({
      quantities: { cpus: { value: 1 } },
    });
  });

  it('refuses limits in the bare form, which the documentation shows', () => {
    refusal('OfferFiltersResourceQuantities', '{"quantities":{"cpus":"Infinity"}}');
  });

  it('reads messages that contain themselves', () => {
    const id = decodeJson(
      'ContainerID',
      '{"value":"a","parent":{"value":"b","parent":{"value":"c"}}}',
    );
    expect(id.parent?.parent?.value).to.equal('c');
  });
});

describe('fromJson', () => {
  it('reads values that were parsed elsewhere', () => {
    expect(fromJson('TimeInfo', { nanoseconds: 5 })).to.deep.equal({ nanoseconds: 5n });
    expect(() => fromJson('TimeInfo', undefined)).to.throw(PlateauError);
  });
});
