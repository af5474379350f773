/** Every kind of stream that our servers write, each with a way to open it and to write an event. */
import { type Socket, connect } from 'node:net';
import {
  ContainerSession,
  type ContainerPipes,
  type ExecutorStream,
  type OutputListener,
} from '../../../core/agent/index.js';
import { type Messages, encodeJson, encodeProtobuf } from '../../../core/api/index.js';
import { type Logger, SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import {
  AgentServer,
  LINK_PATH,
  LINK_PROTOCOL,
  type ServedAgent,
} from '../../../core/http/index.js';
import { streamOutput } from '../../../core/http/container-output.js';
import { agentStreamForm } from '../../../core/http/media.js';
import { RouteTable } from '../../../core/http/routes.js';
import { HttpServer } from '../../../core/http/server.js';
import { Served, until } from './support.js';

/** Bytes that may wait for a reader in these tests. */
export const BOUND_BYTES = 2 * 1024 * 1024;
/** Milliseconds for which a reader may take nothing where that is what counts. */
export const STALL_MS = 200;

export type Form = 'application/json' | 'application/x-protobuf';

/** A stream of which there may be many readers. */
export interface StreamRig {
  readonly port: number;
  /** The bytes that ask for it: of the reader that will be slow, and of others. */
  request(reader: 'slow' | 'other'): Buffer;
  /** How many readers there are. */
  readers(): number;
  /** Writes about so many bytes to each. */
  write(text: string): void;
  /** Lines of the log that name what waits, in bytes. */
  readonly waitingBytes: readonly number[];
  close(): Promise<void>;
}

/** Remembers how much was waiting when a reader was cut off. */
function watching(waitingBytes: number[]): Logger {
  return {
    ...SILENT_LOGGER,
    warn: (_message, fields) => {
      const bytes = fields?.['waitingBytes'];
      if (typeof bytes === 'number') waitingBytes.push(bytes);
    },
    child: () => watching(waitingBytes),
  };
}

export function post(path: string, type: string, body: string | Buffer, more = ''): Buffer {
  const length = Buffer.byteLength(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n${more}Content-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

export function encode<Name extends keyof Messages>(
  name: Name,
  form: Form,
  message: Messages[Name],
): string | Buffer {
  return form === 'application/json' ? encodeJson(name, message) : encodeProtobuf(name, message);
}

async function masterRig(waitingBytes: number[], limits: object): Promise<Served> {
  const log = watching(waitingBytes);
  return await new Served({ world: systemWorld(log), log, limits }).listen();
}

export async function schedulerRig(form: Form): Promise<StreamRig> {
  const waitingBytes: number[] = [];
  const served = await masterRig(waitingBytes, { streamBufferBytes: BOUND_BYTES });
  const framework_info = { user: 'u', name: 'n', roles: ['*'] };
  const call = { type: 'SUBSCRIBE', subscribe: { framework_info } } as const;
  const { master } = served;
  return {
    port: served.port,
    waitingBytes,
    request: () =>
      post('/api/v1/scheduler', form, encode('SchedulerCall', form, call), `Accept: ${form}\r\n`),
    readers: () => master.streams.length - master.lostStreams.length,
    write: (message) => {
      for (const stream of master.streams) stream.send({ type: 'ERROR', error: { message } });
    },
    close: () => served.server.close(),
  };
}

export async function operatorRig(form: Form): Promise<StreamRig> {
  const waitingBytes: number[] = [];
  const served = await masterRig(waitingBytes, { streamBufferBytes: BOUND_BYTES });
  const { master } = served;
  return {
    port: served.port,
    waitingBytes,
    request: () =>
      post(
        '/api/v1',
        form,
        encode('MasterCall', form, { type: 'SUBSCRIBE' }),
        `Accept: ${form}\r\n`,
      ),
    readers: () => master.operatorStreams.length - master.lostOperatorStreams.length,
    write: (value) => {
      const agent_removed = { agent_id: { value } };
      for (const stream of master.operatorStreams)
        stream.send({ type: 'AGENT_REMOVED', agent_removed });
    },
    close: () => served.server.close(),
  };
}

export async function executorRig(form: Form): Promise<StreamRig> {
  const waitingBytes: number[] = [];
  const log = watching(waitingBytes);
  const streams = new Set<ExecutorStream>();
  const agent = {
    isRecovered: true,
    executorSubscribe: (_call, stream) => {
      streams.add(stream);
      return { status: 200 };
    },
    executorDisconnected: (stream) => void streams.delete(stream),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked for
  } satisfies Partial<ServedAgent> as unknown as ServedAgent;
  const server = new AgentServer({
    world: systemWorld(log),
    log,
    agent,
    workDir: '/nonexistent',
    host: '127.0.0.1',
    port: 0,
    flags: {},
    filesRoots: [],
    limits: { streamBufferBytes: BOUND_BYTES },
  });
  const { port } = await server.listen();
  const ids = { framework_id: { value: 'f' }, executor_id: { value: 'e' } };
  const call = { ...ids, type: 'SUBSCRIBE', subscribe: {} } as const;
  return {
    port,
    waitingBytes,
    request: () =>
      post('/api/v1/executor', form, encode('ExecutorCall', form, call), `Accept: ${form}\r\n`),
    readers: () => streams.size,
    write: (text) => {
      const data = Buffer.from(text).toString('base64');
      for (const stream of streams) stream.send({ type: 'MESSAGE', message: { data } });
    },
    close: () => server.close(),
  };
}

/** The master's end of the links of agents. */
export async function linkRig(): Promise<StreamRig> {
  const waitingBytes: number[] = [];
  const served = await masterRig(waitingBytes, { linkBufferBytes: BOUND_BYTES });
  const { master } = served;
  let opened = 0;
  const pong = Buffer.from('15\n{"type":"PONG"}');
  const upgrade = Buffer.from(
    `GET ${LINK_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${LINK_PROTOCOL}\r\n\r\n`,
  );
  return {
    port: served.port,
    waitingBytes,
    request: () => {
      opened++;
      return Buffer.concat([upgrade, pong]);
    },
    readers: () => Math.min(opened, master.connections.length) - master.lostConnections.length,
    write: (message) => {
      for (const connection of master.connections)
        connection.send({ type: 'REFUSED', refused: { message } });
    },
    close: () => served.server.close(),
  };
}

/** A container that writes what it is told, unless it is held up. */
class ToldPipes implements ContainerPipes {
  #listener: OutputListener | undefined;
  isPaused = false;
  read(listener: OutputListener): void {
    this.#listener = listener;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  write(): Promise<boolean> {
    return Promise.resolve(false);
  }
  endInput(): void {}
  close(): void {}
  tell(text: string): void {
    if (!this.isPaused) this.#listener?.data('stdout', Buffer.from(text));
  }
}

/**
 * Output of containers. `own`: each reader has a session of its own, and the slow one holds up none but
 * its own container; otherwise the slow one listens to the session of the other.
 */
export async function outputRig(form: Form, isSlowOwn: boolean): Promise<StreamRig> {
  const waitingBytes: number[] = [];
  const log = watching(waitingBytes);
  const containers = { slow: new ToldPipes(), other: new ToldPipes() };
  const sessions = {
    slow: new ContainerSession(containers.slow),
    other: new ContainerSession(containers.other),
  };
  let readers = 0;
  const routes = new RouteTable();
  routes.page(['/slow', '/other'], (exchange) => {
    const streamForm = agentStreamForm(exchange.request.headers);
    if ('status' in streamForm) throw new Error(streamForm.message);
    const isSlow = exchange.path === '/slow';
    readers++;
    streamOutput({
      exchange,
      log,
      form: streamForm,
      session: isSlow && isSlowOwn ? sessions.slow : sessions.other,
      isOwn: !isSlow || isSlowOwn,
      lagBytes: BOUND_BYTES,
      stallMs: STALL_MS,
      onLost: () => readers--,
    });
  });
  const world = systemWorld(SILENT_LOGGER);
  const server = new HttpServer({ world, log, host: '127.0.0.1', port: 0, routes });
  const { port } = await server.listen();
  const accept = `Accept: application/recordio\r\nMessage-Accept: ${form}\r\n`;
  return {
    port,
    waitingBytes,
    request: (reader) => Buffer.from(`GET /${reader} HTTP/1.1\r\nHost: x\r\n${accept}\r\n`),
    readers: () => readers,
    write: (text) => {
      containers.slow.tell(text);
      containers.other.tell(text);
    },
    close: () => server.close(),
  };
}

/** A bare connection that has sent a request, and reads if it is told to. */
export async function open(port: number, request: Buffer, isReading: boolean): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  if (isReading) socket.resume();
  else socket.pause();
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write(request);
  return socket;
}

export { until };
