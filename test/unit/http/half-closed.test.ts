/** Clients that close their side of the connection when they have sent their request. */
import { type Socket, connect } from 'node:net';
import { expect } from 'chai';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { answerText } from '../../../core/http/answers.js';
import { RecordStream } from '../../../core/http/record-stream.js';
import { RouteTable } from '../../../core/http/routes.js';
import { HttpServer } from '../../../core/http/server.js';
import { readAll, statusOf, until } from './support.js';

describe('A client that has closed its side', () => {
  let server: HttpServer;
  let port: number;
  /** What calls wait for. */
  let waiting: (() => void)[];
  let lost: number;
  let streams: RecordStream[];

  beforeEach(async () => {
    waiting = [];
    streams = [];
    lost = 0;
    const routes = new RouteTable();
    routes.endpoint(['/slow'], async (exchange) => {
      exchange.request.resume();
      await new Promise<void>((resolve) => waiting.push(resolve));
      answerText(exchange, 200, 'late');
    });
    routes.endpoint(['/stream'], (exchange) => {
      exchange.request.resume();
      const stream = new RecordStream({
        exchange,
        log: SILENT_LOGGER,
        contentType: 'application/json',
        onLost: () => lost++,
      });
      streams.push(stream);
      stream.send('"first"');
      waiting.push(() => stream.open());
    });
    const world = systemWorld(SILENT_LOGGER);
    server = new HttpServer({ world, log: SILENT_LOGGER, host: '127.0.0.1', port: 0, routes });
    port = (await server.listen()).port;
  });

  afterEach(() => server.close());

  function ask(path: string, body = '{}'): Socket {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.end(head + body);
    return socket;
  }

  /** All that the client has sent was seen to end. */
  async function untilEndSeen(): Promise<void> {
    await until(() => waiting.length > 0);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  it('gets the answer of a slow call, and then the connection ends', async () => {
    const socket = ask('/slow');
    const answer = readAll(socket);
    await untilEndSeen();
    waiting.pop()?.();
    const text = await answer;
    expect(statusOf(text)).to.equal(200);
    expect(text).to.match(/\r\n\r\nlate$/);
  });

  it('gets 400 when its request is not whole', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const answer = readAll(socket);
    socket.end('POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort');
    expect(statusOf(await answer)).to.equal(400);
    waiting.pop()?.();
  });

  it('has left a stream that it was reading', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const ended = readAll(socket);
    socket.write('POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    await until(() => waiting.length > 0);
    waiting.pop()?.();
    streams[0]?.send('"second"');
    socket.end();
    await until(() => lost === 1);
    await ended;
  });

  it('is given what there is of a stream, which ends then', async () => {
    const answer = readAll(ask('/stream'));
    await untilEndSeen();
    waiting.pop()?.();
    await until(() => lost === 1);
    expect(await answer).to.include('"first"');
  });
});
