/** A master that records what it is told and answers as the test says, and bare sockets to its server. */
import { type Socket, connect } from 'node:net';
import type { LinkAgentMessage, MasterCall, SchedulerCall } from '../../../core/api/index.js';
import { masterInfo } from '../../../core/api/index.js';
import {
  type Logger,
  SILENT_LOGGER,
  type World,
  id,
  systemWorld,
} from '../../../core/base/index.js';
import {
  type HttpLimits,
  MasterServer,
  type MasterServerOptions,
  type ServedMaster,
} from '../../../core/http/index.js';

type Stream = Parameters<ServedMaster['schedulerSubscribe']>[1];
type OperatorStream = Parameters<ServedMaster['operatorSubscribe']>[0];
type Connection = Parameters<ServedMaster['agentMessage']>[0];
type Cluster = ServedMaster['cluster'];

/** Answers calls as told, and remembers everything. */
export class ScriptedMaster implements ServedMaster {
  isRecovered = true;
  readonly info = masterInfo({ id: 'm1', ip: '127.0.0.1', port: 5050, hostname: 'localhost' });
  readonly times = { startedMs: 1_000, electedMs: 2_000 };
  readonly cluster: Cluster;
  readonly calls: { readonly call: SchedulerCall; readonly streamId: string | undefined }[] = [];
  readonly operatorCalls: MasterCall[] = [];
  readonly streams: Stream[] = [];
  readonly lostStreams: Stream[] = [];
  readonly operatorStreams: OperatorStream[] = [];
  readonly lostOperatorStreams: OperatorStream[] = [];
  readonly agentMessages: LinkAgentMessage[] = [];
  readonly connections: Connection[] = [];
  readonly lostConnections: Connection[] = [];
  answer: ReturnType<ServedMaster['schedulerCall']> = { status: 202 };
  operatorAnswer: ReturnType<ServedMaster['operatorCall']> = { status: 200 };
  onSubscribe: (stream: Stream) => void = () => undefined;
  onAgentMessage: (connection: Connection, message: LinkAgentMessage) => void = () => undefined;

  constructor(cluster: Partial<Cluster> = {}) {
    this.cluster = {
      version: 1,
      deactivations: new Map(),
      frameworks: new Map(),
      completedFrameworks: [],
      agents: new Map(),
      offers: { size: 0, [Symbol.iterator]: () => [].values() },
      recoveredAgents: new Map(),
      unreachableAgents: new Map(),
      goneAgents: new Map(),
      weights: new Map(),
      quotas: new Map(),
      listedRoles: [],
      ...cluster,
    };
  }

  schedulerSubscribe(_call: SchedulerCall, stream: Stream): void {
    this.streams.push(stream);
    this.onSubscribe(stream);
  }

  schedulerCall(call: SchedulerCall, streamId: string | undefined): typeof this.answer {
    this.calls.push({ call, streamId });
    return this.answer;
  }

  schedulerDisconnected(stream: Stream): void {
    this.lostStreams.push(stream);
  }

  agentMessage(connection: Connection, message: LinkAgentMessage): void {
    if (!this.connections.includes(connection)) this.connections.push(connection);
    this.agentMessages.push(message);
    this.onAgentMessage(connection, message);
  }

  agentDisconnected(connection: Connection): void {
    this.lostConnections.push(connection);
  }

  operatorCall(call: MasterCall): typeof this.operatorAnswer {
    this.operatorCalls.push(call);
    return this.operatorAnswer;
  }

  operatorSubscribe(stream: OperatorStream): void {
    this.operatorStreams.push(stream);
    stream.begin(15);
  }

  operatorDisconnected(stream: OperatorStream): void {
    this.lostOperatorStreams.push(stream);
  }

  *metricSteps(): Generator<undefined, ReadonlyMap<string, number>> {
    yield;
    return new Map([
      ['master/frameworks/F/ID/calls', 1],
      ['master/tasks_running', 3],
    ]);
  }

  registryEntries(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  why(
    text: string,
    question?: Parameters<ServedMaster['why']>[1],
  ): ReturnType<ServedMaster['why']> {
    if (text !== 'known') return undefined;
    return {
      frameworkId: id<'FrameworkId'>(text),
      name: 'known',
      state: 'active',
      summary: 'it is connected',
      roles: ['*'],
      suppressedRoles: [],
      outstandingOffers: 0,
      tasks: 0,
      task: question?.task,
      fittingOffers: [],
      answers: {
        offers: { ACCEPTED: 0, DECLINED: 0, RESCINDED: 0 },
        lastMinute: { ACCEPTED: 0, DECLINED: 0, RESCINDED: 0 },
        last: [],
      },
      allocation: undefined,
    };
  }
}

/** A server on a free port of loopback. */
export class Served {
  readonly master: ScriptedMaster;
  readonly server: MasterServer;
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  port = 0;

  constructor(options: Partial<MasterServerOptions> = {}, master = new ScriptedMaster()) {
    this.master = master;
    const log = this.#log();
    const world: World = systemWorld(log);
    this.server = new MasterServer({
      world,
      log,
      master,
      host: '127.0.0.1',
      port: 0,
      flags: { cluster: 'test' },
      filesRoots: [],
      ...options,
    });
  }

  async listen(): Promise<this> {
    this.port = (await this.server.listen()).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sends bytes, and resolves with all that came back until the other end closed. */
  async exchange(bytes: string | Buffer): Promise<string> {
    const socket = await this.connect();
    socket.end(bytes);
    return await readAll(socket);
  }

  async connect(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    socket.on('error', () => undefined);
    return socket;
  }

  async isHealthy(): Promise<boolean> {
    return (await fetch(`${this.url}/health`)).status === 200;
  }

  #log(): Logger {
    return {
      ...SILENT_LOGGER,
      warn: (message) => void this.warnings.push(message),
      error: (message) => void this.errors.push(message),
      child: () => this.#log(),
    };
  }
}

/** Everything that a socket receives until it ends. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return Buffer.concat(chunks).toString('latin1');
}

/** The head and body of a POST of JSON to the endpoint of schedulers. */
export function post(
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
  path = '/api/v1/scheduler',
): Buffer {
  const all: Record<string, string> = {
    Host: 'x',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** The status line's code. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** Milliseconds after which a condition is given up: less than a test may take. */
const UNTIL_TIMEOUT_MS = 15_000;

/** Resolves once the condition holds, looking after each turn of the event loop; rejects after a while. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + UNTIL_TIMEOUT_MS;
  while (!condition()) {
    if (performance.now() > endMs)
      throw new Error(`it did not come to be: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export type { HttpLimits };
