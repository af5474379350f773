import { type IncomingHttpHeaders, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  type ExecutorCall,
  type MasterResponse,
  type MessageName,
  type Messages,
  type SchedulerEvent,
  RecordDecoder,
  decodeProtobuf,
  encodeProtobuf,
} from '../../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { AgentServer, type ServedAgent } from '../../../core/http/index.js';
import { type HttpLimits, Served, until } from './support.js';

const PROTOBUF = 'application/x-protobuf';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Sent {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends bytes as protobuf, and resolves with the whole answer. */
function send(
  served: { readonly url: string },
  bytes: Buffer,
  { path, headers }: Sent = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(`${served.url}${path ?? '/api/v1/scheduler'}`, {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': PROTOBUF, Accept: PROTOBUF, ...headers },
    });
    req.once('error', reject);
    req.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
      response.on('error', reject);
    });
    req.end(bytes);
  });
}

function message<Name extends MessageName>(name: Name, value: Messages[Name]): Buffer {
  return encodeProtobuf(name, value);
}

const SUBSCRIBE = message('SchedulerCall', {
  type: 'SUBSCRIBE',
  subscribe: { framework_info: { user: 'u', name: 'ü', roles: ['*'] } },
});
const OPERATOR = { path: '/api/v1' };

describe('MasterServer in protobuf', () => {
  let served: Served;

  beforeEach(async () => {
    const limits: Partial<HttpLimits> = { callBytes: 64 * 1024 };
    served = await new Served({ limits }).listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  it('answers SUBSCRIBE with records of protobuf, one a write', async () => {
    const events: SchedulerEvent[] = [
      {
        type: 'SUBSCRIBED',
        subscribed: { framework_id: { value: 'f' }, heartbeat_interval_seconds: 15 },
      },
      { type: 'HEARTBEAT' },
      { type: 'ERROR', error: { message: 'grüße ✓' } },
    ];
    served.master.onSubscribe = (stream) => {
      for (const event of events) stream.send(event);
      stream.close();
    };
    const { status, headers, body } = await send(served, SUBSCRIBE);
    expect(status).to.equal(200);
    expect(headers['content-type']).to.equal(PROTOBUF);
    expect(headers['transfer-encoding']).to.equal('chunked');
    expect(headers['mesos-stream-id']).to.equal(served.master.streams[0]?.id);
    const records = new RecordDecoder().push(body);
    expect(records.map((record) => decodeProtobuf('SchedulerEvent', record))).to.deep.equal(events);
  });

  it('chooses the forms of request and answer independently', async () => {
    served.master.onSubscribe = (stream) => {
      stream.send({ type: 'HEARTBEAT' });
      stream.close();
    };
    const json = Buffer.from(
      '{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}',
    );
    const mixed = await send(served, json, { headers: { 'Content-Type': 'application/json' } });
    expect(mixed.headers['content-type']).to.equal(PROTOBUF);
    expect(mixed.body.toString('hex')).to.equal('320a0808');
    const other = await send(served, SUBSCRIBE, { headers: { Accept: '*/*' } });
    expect(other.headers['content-type']).to.equal('application/json');
    expect(other.body.toString()).to.equal('20\n{"type":"HEARTBEAT"}');
  });

  it('gives the master the call as it would come from JSON', async () => {
    const call = {
      type: 'DECLINE',
      framework_id: { value: 'f' },
      decline: { offer_ids: [{ value: 'o' }], filters: { refuse_seconds: 0.5 } },
    } as const;
    const { status, body } = await send(served, message('SchedulerCall', call), {
      headers: { 'Mesos-Stream-Id': 's', Accept: 'image/png' },
    });
    expect(status).to.equal(202);
    expect(body).to.have.length(0);
    expect(served.master.calls).to.deep.equal([{ call, streamId: 's' }]);
  });

  it('looks at Accept for RECONCILE_OPERATIONS, though its answer has no body', async () => {
    const call = message('SchedulerCall', {
      type: 'RECONCILE_OPERATIONS',
      framework_id: { value: 'f' },
      reconcile_operations: {},
    });
    expect((await send(served, call)).status).to.equal(202);
    expect((await send(served, call, { headers: { Accept: 'image/png' } })).status).to.equal(406);
    expect(served.master.calls).to.have.length(1);
  });

  it('answers operators in protobuf', async () => {
    const answer: MasterResponse = {
      type: 'GET_HEALTH',
      get_health: { healthy: true },
    };
    served.master.operatorAnswer = answer;
    const call = message('MasterCall', { type: 'GET_HEALTH' });
    const { status, headers, body } = await send(served, call, OPERATOR);
    expect(status).to.equal(200);
    expect(headers['content-type']).to.equal(PROTOBUF);
    expect(headers['content-length']).to.equal(String(body.length));
    expect(decodeProtobuf('MasterResponse', body)).to.deep.equal(answer);
    const metrics = await send(
      served,
      message('MasterCall', { type: 'GET_METRICS', get_metrics: {} }),
      OPERATOR,
    );
    const { get_metrics } = decodeProtobuf('MasterResponse', metrics.body);
    expect(get_metrics?.metrics).to.deep.include({ name: 'master/tasks_running', value: 3 });
  });

  it('answers large messages in protobuf too, compressed for who asks', async () => {
    const role = 'r'.repeat(1_000);
    const roles = Array.from({ length: 1_000 }, (_, index) => ({ name: role, weight: index }));
    const answer: MasterResponse = { type: 'GET_ROLES', get_roles: { roles } };
    served.master.operatorAnswer = answer;
    const call = message('MasterCall', { type: 'GET_ROLES' });
    const plain = await send(served, call, OPERATOR);
    expect(plain.headers['content-type']).to.equal(PROTOBUF);
    expect(decodeProtobuf('MasterResponse', plain.body)).to.deep.equal(answer);
    const packed = await send(served, call, {
      ...OPERATOR,
      headers: { 'Accept-Encoding': 'gzip' },
    });
    expect(packed.headers['content-encoding']).to.equal('gzip');
    expect(gunzipSync(packed.body).equals(plain.body)).to.equal(true);
    expect(packed.body.length).to.be.lessThan(plain.body.length / 10);
  });

  it('answers refusals in plain text, whatever the client accepts', async () => {
    served.master.operatorAnswer = { status: 409, message: 'in use' };
    const { status, headers, body } = await send(
      served,
      message('MasterCall', { type: 'GET_HEALTH' }),
      OPERATOR,
    );
    expect(status).to.equal(409);
    expect(headers['content-type']).to.match(/^text\/plain/);
    expect(body.toString()).to.equal('in use');
  });

  const BAD: readonly [why: string, body: Buffer, status: number, text: RegExp][] = [
    [
      'JSON that says it is protobuf',
      Buffer.from('{"type":"REVIVE"}'),
      400,
      /^field '|malformed protobuf/,
    ],
    ['an empty body', Buffer.alloc(0), 400, /^Failed to validate scheduler::Call: .*'type'/],
    ['a body cut short', SUBSCRIBE.subarray(0, SUBSCRIBE.length - 2), 400, /^field 'subscribe/],
    ['a missing required field', Buffer.from('10061a00', 'hex'), 400, /lacks required fields: sub/],
    ['an unknown type of call', Buffer.from('10e707', 'hex'), 400, /'type'/],
    ['a body over the limit', Buffer.alloc(64 * 1024 + 1), 413, /larger than 65536/],
  ];

  for (const [why, body, status, text] of BAD) {
    it(`answers ${status} to ${why}, and lives`, async () => {
      const answer = await send(served, body);
      expect(answer.status).to.equal(status);
      expect(answer.body.toString()).to.match(text);
      expect(served.master.calls).to.have.length(0);
      expect(served.master.streams).to.have.length(0);
      expect(served.errors).to.deep.equal([]);
      expect(await served.isHealthy()).to.equal(true);
    });
  }

  it('cuts a reader of protobuf off that does not keep up', async () => {
    const slow = await new Served({ limits: { streamBufferBytes: 100_000 } }).listen();
    const socket = await slow.connect();
    socket.pause();
    const head =
      `POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: ${PROTOBUF}\r\n` +
      `Accept: ${PROTOBUF}\r\nContent-Length: ${SUBSCRIBE.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), SUBSCRIBE]));
    await until(() => slow.master.streams.length > 0);
    const text = 'x'.repeat(50_000);
    for (let sent = 0; sent < 1_000 && slow.warnings.length === 0; sent++) {
      slow.master.streams[0]?.send({ type: 'ERROR', error: { message: text } });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => slow.master.lostStreams.length > 0);
    expect(slow.warnings[0]).to.match(/too slow/);
    socket.destroy();
    await slow.server.close();
  });
});

describe('AgentServer in protobuf', () => {
  const calls: ExecutorCall[] = [];
  /** An agent that takes every executor, sends it one event, and ends its stream. */
  const agent = {
    isRecovered: true,
    executorSubscribe: (call, stream) => {
      calls.push(call);
      stream.send({ type: 'SHUTDOWN' });
      stream.close();
      return { status: 200 };
    },
    executorCall: (call) => {
      calls.push(call);
      return { status: 202 };
    },
    executorDisconnected: () => undefined,
    metrics: () => ({ 'slave/tasks_running': 1 }),
  } satisfies Partial<ServedAgent> as unknown as ServedAgent;
  const server = new AgentServer({
    world: systemWorld(SILENT_LOGGER),
    log: SILENT_LOGGER,
    agent,
    workDir: '/nonexistent',
    host: '127.0.0.1',
    port: 0,
    flags: { master: 'm' },
    filesRoots: [],
  });
  const ids = { framework_id: { value: 'f' }, executor_id: { value: 'e' } };
  const executor = { path: '/api/v1/executor' };
  let url = '';

  before(async () => {
    url = `http://127.0.0.1:${(await server.listen()).port}`;
  });

  after(async () => {
    await server.close();
  });

  beforeEach(() => {
    calls.length = 0;
  });

  it('sends events of executors as records of protobuf', async () => {
    const call = { ...ids, type: 'SUBSCRIBE', subscribe: {} } as const;
    const { status, headers, body } = await send({ url }, message('ExecutorCall', call), executor);
    expect(status).to.equal(200);
    expect(headers['content-type']).to.equal(PROTOBUF);
    expect(calls).to.deep.equal([call]);
    const [record, ...others] = new RecordDecoder().push(body);
    expect(others).to.have.length(0);
    expect(decodeProtobuf('ExecutorEvent', record ?? Buffer.alloc(0))).to.deep.equal({
      type: 'SHUTDOWN',
    });
  });

  it('takes calls of executors, without a look at Accept', async () => {
    const call = { ...ids, type: 'MESSAGE', message: { data: 'AAEC' } } as const;
    const { status } = await send({ url }, message('ExecutorCall', call), {
      ...executor,
      headers: { Accept: 'image/png' },
    });
    expect(status).to.equal(202);
    expect(calls).to.deep.equal([call]);
  });

  it('answers operators in protobuf', async () => {
    const call = message('AgentCall', { type: 'GET_FLAGS' });
    const { headers, body } = await send({ url }, call, OPERATOR);
    expect(headers['content-type']).to.equal(PROTOBUF);
    expect(decodeProtobuf('AgentResponse', body)).to.deep.equal({
      type: 'GET_FLAGS',
      get_flags: { flags: [{ name: 'master', value: 'm' }] },
    });
    const refused = await send({ url }, call, {
      ...OPERATOR,
      headers: { 'Message-Accept': PROTOBUF },
    });
    expect(refused.status).to.equal(406);
  });
});
