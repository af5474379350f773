import { expect } from 'chai';
import {
  type TaskStatus,
  decodeJson,
  defaultOf,
  encodeJson,
  encodeJsonOnce,
  messagesEqual,
} from '../../../core/api/index.js';
import { PlateauError } from '../../../core/base/index.js';

const written = (value: number): string => encodeJson('ValueScalar', { value });

describe('encodeJson', () => {
  it('writes fields in declaration order, whatever the order of the object', () => {
    const call = { type: 'REVIVE', framework_id: { value: 'f' } } as const;
    expect(encodeJson('SchedulerCall', call)).to.equal(
      '{"framework_id":{"value":"f"},"type":"REVIVE"}',
    );
  });

  it('leaves out unset fields, empty lists and empty maps', () => {
    expect(encodeJson('SchedulerCall', {})).to.equal('{}');
    expect(
      encodeJson('SchedulerCall', { type: undefined, accept: { offer_ids: [], operations: [] } }),
    ).to.equal('{"accept":{}}');
    expect(encodeJson('OfferFiltersResourceQuantities', { quantities: {} })).to.equal('{}');
  });

  it('writes declared defaults of unset fields, but not of deprecated ones', () => {
    expect(encodeJson('FrameworkInfo', { user: 'u', name: 'n' })).to.equal(
      '{"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false}',
    );
    expect(encodeJson('FrameworkInfo', { user: 'u', name: 'n', role: '*' })).to.include(
      '"role":"*"',
    );
    expect(encodeJson('HealthCheck', { type: 'COMMAND', command: { value: 'true' } })).to.equal(
      '{"delay_seconds":15.0,"interval_seconds":10.0,"timeout_seconds":20.0,"consecutive_failures":3,' +
        '"grace_period_seconds":10.0,"type":"COMMAND","command":{"shell":true,"value":"true"}}',
    );
    expect(encodeJson('EnvironmentVariable', { name: 'A', value: 'b' })).to.equal(
      '{"name":"A","type":"VALUE","value":"b"}',
    );
  });

  it('writes doubles with a decimal point or an exponent', () => {
    expect([0, -0, 2, 0.5, -3, 1e20, 1e21, 5e-7, 2 ** 53].map(written)).to.deep.equal(
      [
        '0.0',
        '-0.0',
        '2.0',
        '0.5',
        '-3.0',
        '100000000000000000000.0',
        '1e+21',
        '5e-7',
        '9007199254740992.0',
      ].map((text) => `{"value":${text}}`),
    );
    expect(written(Infinity)).to.equal('{"value":Infinity}');
    expect(written(-Infinity)).to.equal('{"value":-Infinity}');
    expect(() => written(NaN)).to.throw(PlateauError, /'value'/);
  });

  it('writes integers without a decimal point, 64-bit ones in full', () => {
    expect(encodeJson('ValueRange', { begin: 31000n, end: 18446744073709551615n })).to.equal(
      '{"begin":31000,"end":18446744073709551615}',
    );
    expect(encodeJson('Port', { number: 80 })).to.equal('{"number":80}');
  });

  it('escapes everything beyond printable ASCII, lone surrogates too', () => {
    const written = encodeJson('FrameworkID', { value: 'a"\\\n\u0000é€😀\ud800\u007f\u2028/' });
    expect(written).to.equal(
      '{"value":"a\\"\\\\\\n\\u0000\\u00e9\\u20ac\\ud83d\\ude00\\ud800\\u007f\\u2028/"}',
    );
    expect(decodeJson('FrameworkID', written).value).to.equal(
      'a"\\\n\u0000é€😀\ud800\u007f\u2028/',
    );
  });

  it('writes keys of maps safely', () => {
    const quantities = { 'a"é': { value: 1 }, ['__proto__']: { value: 2 } };
    expect(encodeJson('OfferFiltersResourceQuantities', { quantities })).to.equal(
      '{"quantities":{"a\\"\\u00e9":{"value":1.0},"__proto__":{"value":2.0}}}',
    );
  });

  it('writes an empty message as an empty object', () => {
    expect(encodeJson('SchedulerAttributeConstraintPredicate', { exists: {} })).to.equal(
      '{"exists":{}}',
    );
  });
});

describe('encodeJsonOnce', () => {
  const one: TaskStatus = { task_id: { value: 't1' }, state: 'TASK_RUNNING', message: 'one' };
  const other: TaskStatus = { ...one, message: 'two' };

  it('writes what encodeJson writes, by itself and inside of others', () => {
    const inside = encodeJson('SchedulerEvent', { type: 'UPDATE', update: { status: one } });
    expect(encodeJsonOnce('TaskStatus', one)).to.equal(encodeJson('TaskStatus', { ...one }));
    const again = encodeJson('SchedulerEvent', { type: 'UPDATE', update: { status: one } });
    expect(again).to.equal(inside);
  });

  it('never gives one message the text of another', () => {
    encodeJsonOnce('TaskStatus', one);
    expect(encodeJson('TaskStatus', other)).to.include('two');
    encodeJsonOnce('TaskStatus', other);
    expect(encodeJson('TaskStatus', one)).to.include('one');
    expect(encodeJsonOnce('TaskStatus', one)).to.include('one');
  });
});

describe('messagesEqual', () => {
  it('finds a default equal to an unset field, and different values different', () => {
    expect(messagesEqual('CommandInfo', { value: 'x' }, { value: 'x', shell: true })).to.equal(
      true,
    );
    expect(messagesEqual('CommandInfo', { value: 'x' }, { value: 'x', shell: false })).to.equal(
      false,
    );
    expect(messagesEqual('CommandInfo', { value: 'x', arguments: [] }, { value: 'x' })).to.equal(
      true,
    );
  });
});

describe('defaultOf', () => {
  it('gives the declared default in the form of the message types', () => {
    expect(defaultOf('Filters', 'refuse_seconds')).to.equal(5);
    expect(defaultOf('FrameworkInfo', 'failover_timeout')).to.equal(0);
    expect(defaultOf('FrameworkInfo', 'checkpoint')).to.equal(false);
    expect(defaultOf('CommandInfo', 'shell')).to.equal(true);
    expect(defaultOf('CommandInfoURI', 'extract')).to.equal(true);
    expect(defaultOf('AgentInfo', 'port')).to.equal(5051);
    expect(defaultOf('EnvironmentVariable', 'type')).to.equal('VALUE');
  });

  it('fails an assertion when there is none', () => {
    expect(() => defaultOf('CommandInfo', 'value')).to.throw(PlateauError, /CommandInfo.value/);
  });
});
