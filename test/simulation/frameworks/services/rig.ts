/** The services framework in a simulated cluster, spoken to as its REST interface is. */
import { MarathonApi, Services } from '../../../../frameworks/services/index.js';
import { HttpAnswer, type MountedRequest } from '../../../../sdk/admin/index.js';
import {
  type SimulateOptions,
  type SimulatedFramework,
  type SimulatedFrameworkOptions,
  type Simulation,
  simulate,
} from '../../../../sdk/testing/index.js';

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- the shapes are what is tested
  readonly json: any;
  readonly headers: Readonly<Record<string, string>>;
}

export class Rig {
  readonly cluster: Simulation;
  readonly services: SimulatedFramework<Services>;
  readonly events: { readonly eventType: string; readonly [field: string]: unknown }[] = [];

  constructor(options: SimulateOptions = {}, framework: SimulatedFrameworkOptions = {}) {
    this.cluster = simulate(options);
    this.services = this.cluster.run(Services, framework);
  }

  /** Sends a request, and lets time pass until it is answered. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const url = new URL(path, 'http://localhost');
    const request: MountedRequest = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: { host: 'localhost:8080', accept: 'application/json' },
      body: body === undefined ? undefined : JSON.parse(JSON.stringify(body)),
      client: '127.0.0.1',
    };
    const { runtime, instance } = this.services;
    const api = new MarathonApi(instance);
    let answer: Answer | undefined;
    runtime
      .turn(async () => await api.answer(request, runtime.context))
      .then(
        (value) => (answer = answerOf(value)),
        (error: unknown) => (answer = refusalOf(error)),
      );
    await this.cluster.until(() => answer !== undefined, { step: 10 });
    return answer ?? { status: 0, json: undefined, headers: {} };
  }

  async good(method: string, path: string, body?: unknown): Promise<Answer['json']> {
    const { status, json } = await this.ask(method, path, body);
    if (status < 300) return json;
    throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
  }

  /** Waits until nothing is being deployed. */
  async deployed(within: `${number}m` = '5m'): Promise<void> {
    await this.cluster.until(() => this.services.instance.deployments.size === 0, { within });
  }

  /** Records all events from now on, of the present object of the framework. */
  listen(): void {
    this.services.instance.hub
      .stream({
        types: [],
        lastId: undefined,
        shape: (event) => event,
        onOpen: () => {},
        onEnd: () => {},
      })
      .subscribe({
        next: ({ data }) => void this.events.push(data as Rig['events'][number]),
        error: () => {},
        complete: () => {},
      });
  }

  /** Ids of healthy instances: those that run, are not being ended, and are well. */
  healthy(): readonly string[] {
    return this.services
      .running()
      .filter(({ killedAt, healthy }) => killedAt === undefined && healthy !== false)
      .map(({ id }) => id);
  }
}

function answerOf(value: unknown): Answer {
  if (!(value instanceof HttpAnswer)) return { status: 200, json: plain(value), headers: {} };
  return { status: value.status, json: plain(value.json), headers: value.headers };
}

function refusalOf(error: unknown): Answer {
  const { status, body, message } = Object(error);
  if (status === undefined) throw error;
  return { status, json: body ?? { message }, headers: {} };
}

/** As it comes out of JSON. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
