import { expect } from 'chai';
import { type HttpLimits, Served, post, readAll, statusOf } from './support.js';

const REVIVE = '{"type":"REVIVE","framework_id":{"value":"f"}}';

/** Short waits, so that the tests need not. */
const LIMITS: Partial<HttpLimits> = {
  callBytes: 64 * 1024,
  headersTimeoutMs: 200,
  requestTimeoutMs: 400,
  connectionsCheckMs: 50,
};

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`;
}

interface Case {
  readonly name: string;
  readonly bytes: string | Buffer;
  /** The status, or 0 when the connection is just closed. */
  readonly status: number;
  readonly body?: RegExp;
}

const REQUEST_LINES: readonly Case[] = [
  { name: 'an absolute-form target', bytes: get('http://evil/state'), status: 400 },
  { name: 'a * target', bytes: get('*'), status: 400 },
  { name: 'an OPTIONS * request', bytes: 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', status: 400 },
  { name: 'a malformed %-escape in the path', bytes: get('/st%ZZate'), status: 400 },
  { name: 'a %-escape that is no UTF-8', bytes: get('/%ff%fe'), status: 400 },
  { name: 'a malformed %-escape in the query', bytes: get('/tasks?limit=%'), status: 400 },
  { name: 'an unknown path', bytes: get('/nothing'), status: 404 },
  { name: 'a path with dots', bytes: get('/../../etc/passwd'), status: 404 },
  { name: 'an empty target', bytes: 'GET  HTTP/1.1\r\nHost: x\r\n\r\n', status: 400 },
  { name: 'NUL in the target', bytes: get('/st\0ate'), status: 400 },
  { name: 'an escaped NUL in the target', bytes: get('/state%00'), status: 404 },
  { name: 'no Host', bytes: 'GET /health HTTP/1.1\r\n\r\n', status: 400 },
  { name: 'two Hosts', bytes: get('/health', 'Host: y\r\n'), status: 400 },
  { name: 'CONNECT', bytes: 'CONNECT evil:80 HTTP/1.1\r\nHost: x\r\n\r\n', status: 405 },
  { name: 'an unknown method', bytes: 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', status: 400 },
  { name: 'PUT on a page', bytes: 'PUT /state HTTP/1.1\r\nHost: x\r\n\r\n', status: 405 },
  { name: 'bytes of TLS', bytes: Buffer.from('160301020001000001fc0303', 'hex'), status: 400 },
  { name: 'a bare line feed', bytes: 'GET /health HTTP/1.1\nHost: x\n\n', status: 400 },
  { name: 'a space before the colon', bytes: get('/health', 'A : b\r\n'), status: 400 },
  {
    name: 'more header lines than allowed',
    bytes: get('/health', 'A: b\r\n'.repeat(101)),
    status: 431,
  },
  {
    name: 'headers that are too large',
    bytes: get('/health', `A: ${'b'.repeat(17_000)}\r\n`),
    status: 431,
  },
];

const BODIES: readonly Case[] = [
  { name: 'no JSON', bytes: post('{'), status: 400 },
  { name: 'an empty body', bytes: post(''), status: 400 },
  { name: 'JSON and more', bytes: post(`${REVIVE} x`), status: 400 },
  { name: 'a list', bytes: post('[]'), status: 400 },
  {
    name: 'depth 201',
    bytes: post(`{"a":${'['.repeat(200)}${']'.repeat(200)}}`),
    status: 400,
    body: /200|deep|nest/i,
  },
  { name: 'depth 20,000', bytes: post('['.repeat(20_000)), status: 400 },
  {
    name: 'broken UTF-8',
    bytes: post(Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d])),
    status: 400,
    body: /UTF-8/,
  },
  { name: 'a byte order mark', bytes: post(`\u{feff}${REVIVE}`), status: 400 },
  { name: 'NUL in a string', bytes: post('{"type":"REV\0IVE"}'), status: 400 },
  { name: 'no content type', bytes: withoutType(REVIVE), status: 400, body: /Content-Type/ },
  {
    name: 'a content type with a charset',
    bytes: typed('application/json; charset=utf-8'),
    status: 415,
    body: /application\/json/,
  },
  {
    name: 'text',
    bytes: typed('text/plain'),
    status: 415,
    body: /application\/json.*application\/x-protobuf/,
  },
  { name: 'a body over the limit', bytes: post('x'.repeat(64 * 1024 + 1)), status: 413 },
  {
    name: 'a chunked body over the limit',
    bytes: chunked(['x'.repeat(40_000), 'y'.repeat(40_000)]),
    status: 413,
  },
  { name: 'two lengths', bytes: post(REVIVE, { 'content-length': '3' }), status: 400 },
  {
    name: 'a length and chunks',
    bytes: post(REVIVE, { 'Transfer-Encoding': 'chunked' }),
    status: 400,
  },
  { name: 'a negative length', bytes: post(REVIVE, { 'Content-Length': '-1' }), status: 400 },
  {
    name: 'a chunk extension of 20 KB',
    bytes: chunked([], `1;${'e'.repeat(20_000)}\r\nx\r\n`),
    status: 413,
  },
  { name: 'a chunk size that is no number', bytes: chunked([], 'zz\r\n'), status: 400 },
  {
    name: 'a field of the wrong type',
    bytes: post('{"type":"REVIVE","framework_id":"f"}'),
    status: 400,
    body: /framework_id/,
  },
  {
    name: 'a missing required field',
    bytes: post('{"type":"KILL","framework_id":{"value":"f"},"kill":{}}'),
    status: 400,
    body: /task_id/,
  },
  {
    name: 'no type',
    bytes: post('{}'),
    status: 400,
    body: /^Failed to validate scheduler::Call: /m,
  },
  {
    name: 'no framework id',
    bytes: post('{"type":"REVIVE"}'),
    status: 400,
    body: /'framework_id'/,
  },
];

function typed(type: string): Buffer {
  return post(REVIVE, { 'Content-Type': type });
}

function withoutType(body: string): string {
  const length = `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return `POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\n${length}${body}`;
}

function chunked(chunks: readonly string[], rest = '0\r\n\r\n'): string {
  const text = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  const head =
    'POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
    'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
  return head + text + rest;
}

describe('MasterServer against bad input', () => {
  let served: Served;

  beforeEach(async () => {
    served = await new Served({ limits: LIMITS }).listen();
  });

  afterEach(async () => {
    await served.server.close();
  });

  for (const { name, bytes, status, body } of [...REQUEST_LINES, ...BODIES]) {
    it(`answers ${status} to ${name}, and lives`, async () => {
      const answer = await served.exchange(bytes);
      expect(statusOf(answer), answer.slice(0, 300)).to.equal(status);
      if (body !== undefined) expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).to.match(body);
      expect(await served.isHealthy()).to.equal(true);
      expect(served.errors).to.deep.equal([]);
      expect(served.master.calls).to.have.length(0);
    });
  }

  it('names POST as allowed when the method is wrong', async () => {
    const answer = await served.exchange(get('/api/v1/scheduler'));
    expect(statusOf(answer)).to.equal(405);
    expect(answer).to.match(/^allow: POST\r$/im);
  });

  it('takes a body of exactly the limit, and trailers', async () => {
    const padded = `${REVIVE}${' '.repeat(64 * 1024 - REVIVE.length)}`;
    expect(statusOf(await served.exchange(post(padded)))).to.equal(202);
    const withTrailers = chunked([REVIVE], '0\r\nA-Trailer: x\r\n\r\n');
    expect(statusOf(await served.exchange(withTrailers))).to.equal(202);
    expect(served.master.calls).to.have.length(2);
  });

  it('answers a hundred pipelined requests in order', async () => {
    const requests = Array.from({ length: 100 }, (_, index) =>
      index % 2 === 0
        ? 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
        : 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    const answer = await served.exchange(requests.join(''));
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]);
    expect(statuses).to.deep.equal(requests.map((_, index) => (index % 2 === 0 ? '200' : '404')));
  });

  it('ignores __proto__ and constructor in a call', async () => {
    const body =
      '{"__proto__":{"type":"TEARDOWN"},"constructor":{"prototype":{"x":1}},"type":"DECLINE",' +
      '"framework_id":{"value":"f","__proto__":{"value":"g"}},"decline":{"offer_ids":[]}}';
    expect(statusOf(await served.exchange(post(body)))).to.equal(202);
    const call = served.master.calls[0]?.call;
    expect(call?.type).to.equal('DECLINE');
    expect(call?.framework_id?.value).to.equal('f');
    expect(Object.hasOwn(Object.prototype, 'x')).to.equal(false);
    expect(Object.hasOwn(Object.prototype, 'type')).to.equal(false);
  });

  it('gives the master finite numbers or refuses them', async () => {
    const body =
      '{"type":"DECLINE","framework_id":{"value":"f"},"decline":{"offer_ids":[],' +
      '"filters":{"refuse_seconds":1e400}}}';
    const status = statusOf(await served.exchange(post(body)));
    expect(status).to.be.oneOf([202, 400]);
    const seconds = served.master.calls[0]?.call.decline?.filters?.refuse_seconds;
    expect(Number.isNaN(seconds)).to.equal(false);
  });

  it('answers 408 to headers that do not come, and closes', async () => {
    const socket = await served.connect();
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n');
    expect(statusOf(await readAll(socket))).to.equal(408);
    expect(await served.isHealthy()).to.equal(true);
  });

  it('answers 408 to a body that does not come, and closes', async () => {
    const socket = await served.connect();
    socket.write(post(REVIVE, { 'Content-Length': '1000' }));
    expect(statusOf(await readAll(socket))).to.equal(408);
    expect(served.master.calls).to.have.length(0);
  });

  it('survives a client that goes away in the middle of its body', async () => {
    const socket = await served.connect();
    socket.write(post(REVIVE, { 'Content-Length': '1000' }));
    socket.resetAndDestroy();
    expect(await served.isHealthy()).to.equal(true);
    expect(served.errors).to.deep.equal([]);
  });

  it('answers a request that offers an upgrade it does not know', async () => {
    const headers = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n';
    const socket = await served.connect();
    socket.end(
      `POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\n${headers}Content-Type: application/json\r\n` +
        `Content-Length: ${REVIVE.length}\r\n\r\n${REVIVE}`,
    );
    expect(statusOf(await readAll(socket))).to.equal(202);
    expect(served.master.calls).to.have.length(1);
  });

  it('answers 500 when a handler throws, tells the log, and lives', async () => {
    served.master.schedulerCall = () => {
      throw new Error('broken');
    };
    const answer = await served.exchange(post(REVIVE));
    expect(statusOf(answer)).to.equal(500);
    expect(answer).to.not.include('broken');
    expect(served.errors).to.have.length(1);
    expect(await served.isHealthy()).to.equal(true);
  });
});

describe('MasterServer.listen', () => {
  it('refuses to bind beyond loopback unless told so', async () => {
    const served = new Served({ host: '0.0.0.0' });
    const error: unknown = await served.server.listen().catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'INSECURE_BIND');
    const insecure = new Served({ host: '0.0.0.0', insecureBind: true });
    expect((await insecure.server.listen()).port).to.be.greaterThan(0);
    await insecure.server.close();
  });

  it('names address and port when the port is taken', async () => {
    const first = await new Served().listen();
    const second = new Served({ port: first.port });
    const error: unknown = await second.server.listen().catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'PORT_IN_USE');
    expect(error).to.have.property('message').that.includes(`127.0.0.1:${first.port}`);
    await first.server.close();
  });

  it('does not serve more connections than its limit', async () => {
    const served = await new Served({ limits: { connections: 2 } }).listen();
    const kept = [await served.connect(), await served.connect()];
    const third = await served.connect();
    expect(await readAll(third)).to.equal('');
    for (const socket of kept) socket.destroy();
    await served.server.close();
  });
});
