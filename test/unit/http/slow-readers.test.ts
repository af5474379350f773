/**
 * Readers that never read. Each is cut off at its bound and its memory is free again, while another
 * reader of the same goes on at once.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { HttpMasterConnector, LINK_PROTOCOL } from '../../../core/http/index.js';
import type { MasterConnectionOwner } from '../../../core/http/index.js';
import { answerJson, answerMessage } from '../../../core/http/answers.js';
import { addFileRoutes } from '../../../core/http/file-routes.js';
import { VirtualFiles, fixedRoots } from '../../../core/http/files.js';
import { RouteTable } from '../../../core/http/routes.js';
import { HttpServer } from '../../../core/http/server.js';
import { ServedCluster } from './served-cluster.js';
import {
  BOUND_BYTES,
  type Form,
  STALL_MS,
  type StreamRig,
  encode,
  executorRig,
  linkRig,
  open,
  operatorRig,
  outputRig,
  post,
  schedulerRig,
  until,
} from './stream-rigs.js';
import { Served } from './support.js';

const FORMS: readonly Form[] = ['application/json', 'application/x-protobuf'];
const EVENT = 'x'.repeat(64 * 1024);
/** What an event may take on the wire, its frame and encoding included. */
const EVENT_BYTES = 2 * EVENT.length;
/** Far more than the system keeps for a connection. */
const MANY_EVENTS = 4_000;
/** How long others may wait for what is theirs. */
const PROMPT_MS = 1_000;
/** What may differ between two looks at the memory, which is not about the reader. */
const MEMORY_SLACK_BYTES = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers, after all that is garbage has gone. */
async function bufferBytes(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return process.memoryUsage().arrayBuffers;
}

const STREAMS: readonly (readonly [string, () => Promise<StreamRig>])[] = [
  ...FORMS.flatMap((form) => [
    [`events of a scheduler, ${form}`, () => schedulerRig(form)] as const,
    [`events of an executor, ${form}`, () => executorRig(form)] as const,
    [`events of an operator, ${form}`, () => operatorRig(form)] as const,
    [`output of a session of its own, ${form}`, () => outputRig(form, true)] as const,
    [`output of the session of another, ${form}`, () => outputRig(form, false)] as const,
  ]),
  ['messages of the master to an agent', () => linkRig()],
];

describe('A reader that never reads', function () {
  this.timeout(30_000);

  for (const [name, build] of STREAMS) {
    it(`is cut off from ${name}, and nobody else waits`, async () => {
      const rig = await build();
      const slow = await open(rig.port, rig.request('slow'), false);
      const other = await open(rig.port, rig.request('other'), true);
      let heardBytes = 0;
      other.on('data', (bytes: Buffer) => {
        heardBytes += bytes.length;
      });
      try {
        await until(() => rig.readers() === 2);
        const before = await bufferBytes();
        let longestMs = 0;
        for (let count = 0; count < MANY_EVENTS && rig.readers() === 2; count++) {
          const sentMs = performance.now();
          const expected = heardBytes + EVENT.length;
          rig.write(EVENT);
          await until(() => heardBytes >= expected);
          longestMs = Math.max(longestMs, performance.now() - sentMs);
        }
        await until(() => rig.readers() === 1);
        expect(longestMs, 'ms until another reader had an event').to.be.below(PROMPT_MS);
        for (const waiting of rig.waitingBytes) {
          expect(waiting).to.be.at.most(BOUND_BYTES + EVENT_BYTES);
        }
        const grown = (await bufferBytes()) - before;
        expect(grown, 'bytes that are still held').to.be.below(MEMORY_SLACK_BYTES);
        const expected = heardBytes + EVENT.length;
        rig.write(EVENT);
        await until(() => heardBytes >= expected);
      } finally {
        slow.destroy();
        other.destroy();
        await rig.close();
      }
    });
  }

  it('is cut off from messages of an agent to its master, while another master hears', async () => {
    const deaf = await deafMaster();
    const served = await new Served().listen();
    const lost: string[] = [];
    const connections = new Map<string, Parameters<MasterConnectionOwner['masterConnected']>[0]>();
    const connectors = [`http://127.0.0.1:${deaf.port}`, served.url].map((url) => {
      const limits = { linkBufferBytes: BOUND_BYTES };
      const connector = new HttpMasterConnector({ log: SILENT_LOGGER, masters: [url], limits });
      connector.attach({
        masterConnected: (connection) => void connections.set(url, connection),
        masterMessage: () => undefined,
        masterDisconnected: (_connection, reason) => void lost.push(reason),
      });
      connector.connect();
      return connector;
    });
    try {
      await until(() => connections.size === 2);
      const before = await bufferBytes();
      for (let count = 0; count < MANY_EVENTS && lost.length === 0; count++) {
        const sentMs = performance.now();
        for (const connection of connections.values()) {
          connection.send({ type: 'UNREGISTER', unregister: { reason: EVENT } });
        }
        await until(() => served.master.agentMessages.length === 1);
        served.master.agentMessages.length = 0;
        expect(performance.now() - sentMs).to.be.below(PROMPT_MS);
      }
      await until(() => lost.length === 1);
      expect(lost[0]).to.include(`more than ${BOUND_BYTES} bytes wait`);
      expect((await bufferBytes()) - before).to.be.below(MEMORY_SLACK_BYTES);
    } finally {
      for (const connector of connectors) connector.close();
      await served.server.close();
      await deaf.close();
    }
  });

  describe('of an answer', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-slow-'));
    const limits = { answerStallMs: STALL_MS };
    let cluster: ServedCluster;
    let server: HttpServer;
    let plainPort = 0;
    const warnings: string[] = [];

    before(async () => {
      const file = openSync(join(folder, 'large'), 'w');
      ftruncateSync(file, LARGE_BYTES);
      closeSync(file);
      cluster = await new ServedCluster({}, limits).start();
      await cluster.subscribe();
      const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
      cluster.launch(...ids);
      await until(() => [...cluster.master.cluster.frameworks.values()][0]?.tasks.size === TASKS);
      const labels = { labels: [{ key: 'k', value: 'y'.repeat(LARGE_BYTES / TASKS) }] };
      for (const id of ids) cluster.update(id, 'TASK_RUNNING', { labels });
      const routes = new RouteTable();
      routes.page(['/json'], (exchange) => answerJson(exchange, `"${'x'.repeat(LARGE_BYTES)}"`));
      routes.page(['/bytes'], (exchange) =>
        answerMessage(exchange, 'application/x-protobuf', Buffer.alloc(LARGE_BYTES)),
      );
      routes.page(['/health'], (exchange) => answerMessage(exchange, 'text/plain', 'ok'));
      addFileRoutes(routes, new VirtualFiles(fixedRoots([{ name: '/folder', path: folder }])));
      const world = systemWorld(SILENT_LOGGER);
      const log = { ...SILENT_LOGGER, warn: (message: string) => void warnings.push(message) };
      const options = { world, log, host: '127.0.0.1', port: 0 };
      server = new HttpServer({ ...options, routes, limits });
      plainPort = (await server.listen()).port;
    });

    after(async () => {
      await server.close();
      await cluster.stop();
      rmSync(folder, { recursive: true });
    });

    const get = (path: string, more = ''): Buffer =>
      Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`);
    const state = (form: Form): Buffer =>
      post(
        '/api/v1',
        form,
        encode('MasterCall', form, { type: 'GET_STATE' }),
        `Accept: ${form}\r\n`,
      );
    const answers: readonly (readonly [string, 'cluster' | 'plain', Buffer])[] = [
      ['/state', 'cluster', get('/state')],
      ['/state as jsonp', 'cluster', get('/state?jsonp=f')],
      ['GET_STATE in JSON', 'cluster', state('application/json')],
      ['GET_STATE in protobuf', 'cluster', state('application/x-protobuf')],
      ['a file', 'plain', get('/files/download?path=/folder/large')],
      ['other large JSON', 'plain', get('/json')],
      ['another large message', 'plain', get('/bytes')],
    ];

    for (const [name, where, request] of answers) {
      it(`is cut off: ${name}`, async () => {
        const port = where === 'plain' ? plainPort : Number(new URL(cluster.url).port);
        const heard = where === 'plain' ? warnings : cluster.warnings;
        heard.length = 0;
        const before = await bufferBytes();
        const slow = await open(port, request, false);
        // The end of the connection is not seen behind what was never read: the system tells it.
        const asking = setInterval(() => slow.write('\r\n'), STALL_MS / 4);
        let longestMs = 0;
        while (!slow.closed) {
          const askedMs = performance.now();
          const response = await fetch(`http://127.0.0.1:${port}/health`);
          await response.arrayBuffer();
          longestMs = Math.max(longestMs, performance.now() - askedMs);
        }
        clearInterval(asking);
        expect(heard).to.deep.equal(['a client takes nothing of its answer and was cut off']);
        expect(longestMs, 'ms for another answer').to.be.below(PROMPT_MS);
        if (where === 'plain') {
          expect((await bufferBytes()) - before).to.be.below(MEMORY_SLACK_BYTES);
        }
      });
    }
  });
});

/** More than the system keeps for a connection. */
const LARGE_BYTES = 24 * 1024 * 1024;
const TASKS = 600;

/** Takes the connection of an agent, and reads nothing from then on. */
async function deafMaster(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.pause();
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_PROTOCOL}\r\n\r\n`,
      );
    });
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
