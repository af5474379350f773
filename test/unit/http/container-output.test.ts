import { type IncomingMessage, get } from 'node:http';
import { expect } from 'chai';
import {
  ContainerSession,
  type ContainerPipes,
  type OutputListener,
} from '../../../core/agent/index.js';
import { RecordDecoder, decodeJson } from '../../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { type OutputStreamOptions, streamOutput } from '../../../core/http/container-output.js';
import { agentStreamForm } from '../../../core/http/media.js';
import { RouteTable } from '../../../core/http/routes.js';
import { HttpServer } from '../../../core/http/server.js';

/** A container that writes what the test says, while it is not held up. */
class Pipes implements ContainerPipes {
  listener: OutputListener | undefined;
  isPaused = false;
  onPause: () => void = () => undefined;

  read(listener: OutputListener): void {
    this.listener = listener;
  }
  pause(): void {
    this.isPaused = true;
    this.onPause();
  }
  resume(): void {
    this.isPaused = false;
  }
  write(): Promise<boolean> {
    return Promise.resolve(false);
  }
  endInput(): void {}
  close(): void {}

  /** Writes until nobody takes more. */
  async flood(piece: Uint8Array): Promise<number> {
    let bytes = 0;
    while (!this.isPaused) {
      this.listener?.data('stdout', piece);
      bytes += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return bytes;
  }
}

/** A server whose only page is the output of a session. */
async function serve(
  session: ContainerSession,
  more: Pick<OutputStreamOptions, 'onLost' | 'stallMs' | 'lagBytes' | 'heartbeatMs'>,
): Promise<{ readonly server: HttpServer; readonly port: number }> {
  const routes = new RouteTable();
  routes.page(['/'], (exchange) => {
    const form = agentStreamForm(exchange.request.headers);
    if ('status' in form) throw new Error(form.message);
    const isOwn = exchange.query.has('own');
    streamOutput({ exchange, log: SILENT_LOGGER, form, session, isOwn, ...more });
  });
  const server = new HttpServer({
    world: systemWorld(SILENT_LOGGER),
    log: SILENT_LOGGER,
    host: '127.0.0.1',
    port: 0,
    routes,
  });
  const { port } = await server.listen();
  return { server, port };
}

function read(port: number, path = '/?own'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, resolve).on('error', reject);
  });
}

describe('The output of a container', () => {
  it('is held up by a slow reader, who gets all of it in the end', async () => {
    const pipes = new Pipes();
    const session = new ContainerSession(pipes);
    const { server, port } = await serve(session, { onLost: () => undefined });
    try {
      const response = await read(port);
      const piece = Buffer.alloc(64 * 1024, 'x');
      const written = await pipes.flood(piece);
      expect(written).to.be.lessThan(64 * 1024 * 1024);
      session.containerEnded();
      pipes.listener?.end();
      const decoder = new RecordDecoder();
      let got = 0;
      for await (const chunk of response) {
        for (const record of decoder.push(chunk as Buffer)) {
          const { data } = decodeJson('AgentProcessIO', record);
          got += Buffer.from(data?.data ?? '', 'base64').length;
        }
      }
      expect(got).to.equal(written);
    } finally {
      await server.close();
    }
  });

  it('is cut off from a reader who takes nothing, and held up no longer', async () => {
    const pipes = new Pipes();
    const session = new ContainerSession(pipes);
    let lost: () => void = () => undefined;
    const wasLost = new Promise<void>((resolve) => {
      lost = resolve;
    });
    const { server, port } = await serve(session, { onLost: () => lost(), stallMs: 50 });
    try {
      const response = await read(port);
      response.on('error', () => undefined);
      await pipes.flood(Buffer.alloc(64 * 1024, 'x'));
      await wasLost;
      expect(pipes.isPaused).to.equal(false);
      expect(session.isHeldUp).to.equal(false);
    } finally {
      await server.close();
    }
  });

  it('comes with heartbeats that say how often they come', async () => {
    const session = new ContainerSession(new Pipes());
    const { server, port } = await serve(session, { onLost: () => undefined, heartbeatMs: 10 });
    try {
      const response = await read(port);
      const decoder = new RecordDecoder();
      for await (const chunk of response) {
        const [record] = decoder.push(chunk as Buffer);
        if (record === undefined) continue;
        expect(decodeJson('AgentProcessIO', record)).to.deep.equal({
          type: 'CONTROL',
          control: { type: 'HEARTBEAT', heartbeat: { interval: { nanoseconds: 10_000_000n } } },
        });
        break;
      }
    } finally {
      await server.close();
    }
  });
});
