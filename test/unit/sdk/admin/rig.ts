/** An admin server over a runtime that is nothing but what the port asks for. */
import { type IncomingMessage, request } from 'node:http';
import { systemWorld } from '../../../../core/base/index.js';
import {
  AdminServer,
  type AdminServerOptions,
  type AdminView,
} from '../../../../sdk/admin/index.js';
import type { TaskRecord, TaskView } from '../../../../sdk/decisions/index.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export function record(id: string, more: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id,
    name: 'web',
    role: '*',
    agentId: 'A',
    hostname: 'h',
    attributes: {},
    cpus: 1,
    memMiB: 32,
    ports: [],
    state: 'RUNNING',
    launchedAt: 1,
    updatedAt: 1,
    ...more,
  };
}

export function viewOf(tasks: readonly TaskRecord[]): TaskView {
  return {
    size: tasks.length,
    get: (id) => tasks.find((each) => each.id === id),
    all: (name) => tasks.filter((each) => name === undefined || each.name === name),
    live: () => tasks,
    attempts: () => [],
  };
}

export class AdminRig {
  readonly world = systemWorld();
  readonly server: AdminServer;
  readonly log: string[] = [];
  port = 0;
  view: AdminView = {
    connection: 'subscribed',
    isPaused: false,
    frameworkId: 'F1',
    tasks: viewOf([]),
    wants: [],
    decisions: [],
    explanations: [],
    heldOffers: [],
    retrying: [],
    daemons: [],
    counters: new Map([['offersReceived', 7]]),
    gauges: new Map([['held', 2]]),
    queued: 0,
  };

  constructor(options: Partial<AdminServerOptions> = {}) {
    this.server = new AdminServer({ world: this.world, title: 'rig', ...options });
  }

  async start(framework?: object): Promise<this> {
    ({ port: this.port } = await this.server.listen());
    if (framework !== undefined) this.attach(framework);
    return this;
  }

  attach(framework: object): void {
    const view = (): AdminView => this.view;
    const { clock, random, ids, log } = this.world;
    this.server.attach({
      framework,
      make: (theClass) => Object(Reflect.construct(theClass, [framework])),
      runtime: {
        get view() {
          return view();
        },
        context: {
          clock,
          random,
          ids,
          log,
          frameworkId: 'F1',
          connection: 'subscribed',
          tasks: viewOf([]),
          decide: async () => undefined,
          isReconciled: () => true,
        },
        pause: () => void this.log.push('pause'),
        resume: () => void this.log.push('resume'),
        resign: () => void this.log.push('resign'),
        turn: async (run) => {
          this.log.push('turn begins');
          const value = await run();
          this.log.push('turn is durable');
          return value;
        },
      },
    });
  }

  async ask(
    method: string,
    path: string,
    given: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body);
    const headers = {
      ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...given.headers,
    };
    const response = await this.open(method, path, { text, headers });
    let body = '';
    for await (const chunk of response) body += String(chunk);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: body,
      json: isJson ? (JSON.parse(body) as Record<string, unknown>) : {},
    };
  }

  /** Sends a request; the answer is still to be read. */
  open(
    method: string,
    path: string,
    given: {
      readonly text?: string | undefined;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { port } = this;
      const sent = request(
        { host: '127.0.0.1', port, method, path, headers: { ...given.headers } },
        resolve,
      );
      sent.once('error', reject);
      sent.end(given.text);
    });
  }
}
