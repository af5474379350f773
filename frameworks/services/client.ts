/** Speaks to the REST interface of the services scheduler, for commands and programs. */
import { PlateauError } from '../../sdk/index.js';
import { AdminClient, type RefusalText, pathPart } from '../../sdk/admin/index.js';

export type Json = Readonly<Record<string, unknown>>;

/** An app as it is shown, as far as commands look at it. */
export interface ShownApp extends Json {
  readonly id: string;
  readonly instances: number;
  readonly cpus: number;
  readonly mem: number;
  readonly version: string;
  readonly tasksStaged: number;
  readonly tasksRunning: number;
  readonly tasksHealthy: number;
  readonly tasksUnhealthy: number;
  readonly healthChecks: readonly unknown[];
  readonly deployments: readonly { readonly id: string }[];
  readonly tasks?: readonly ShownTask[];
  readonly lastTaskFailure?: {
    readonly message: string;
    readonly timestamp: string;
    readonly state: string;
  };
}

export interface ShownTask {
  readonly id: string;
  readonly appId: string;
  readonly host: string;
  readonly ports: readonly number[];
  readonly state: string;
  readonly version: string;
  readonly startedAt?: string;
  readonly healthCheckResults: readonly { readonly alive: boolean }[];
}

export interface ShownDeployment {
  readonly id: string;
  readonly version: string;
  readonly affectedApps: readonly string[];
  readonly currentActions: readonly { readonly action: string; readonly app: string }[];
  readonly currentStep: number;
  readonly totalSteps: number;
}

export interface Started {
  readonly version: string;
  readonly deploymentId: string;
}

/** Why an app waits for instances. */
export interface ShownWaiting {
  readonly app: string;
  readonly count: number;
  readonly since: string;
  readonly delaySeconds: number;
  readonly offers: number;
  readonly reasons: readonly string[];
}

/** All methods throw PlateauError: what the scheduler refuses with its words, `STREAM_ENDED` when it is not there. */
export class ServicesClient {
  readonly #admin: AdminClient;

  /** @param url of the scheduler. */
  constructor(url: string) {
    this.#admin = new AdminClient(url, { name: 'the services scheduler', refusal: refusalOf });
  }

  async apps(): Promise<readonly ShownApp[]> {
    return (await this.#json<{ apps: readonly ShownApp[] }>('GET', '/v2/apps')).apps;
  }

  /** Undefined: there is none. */
  async app(id: string): Promise<ShownApp | undefined> {
    try {
      return (await this.#json<{ app: ShownApp }>('GET', appPath(id))).app;
    } catch (error) {
      if (error instanceof PlateauError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Makes apps what they are to be, in one deployment. */
  apply(apps: readonly object[], force: boolean): Promise<Started> {
    return this.#json('PUT', `/v2/apps?partialUpdate=false&force=${force}`, apps);
  }

  scale(id: string, instances: number, force: boolean): Promise<Started> {
    return this.#json('PATCH', `${appPath(id)}?force=${force}`, { instances });
  }

  /** Goes back to an older version. */
  toVersion(id: string, version: string, force: boolean): Promise<Started> {
    return this.#json('PUT', `${appPath(id)}?force=${force}`, { version });
  }

  async versions(id: string): Promise<readonly string[]> {
    const { versions } = await this.#json<{ versions: readonly string[] }>(
      'GET',
      `${appPath(id)}/versions`,
    );
    return versions;
  }

  restart(id: string, force: boolean): Promise<Started> {
    return this.#json('POST', `${appPath(id)}/restart?force=${force}`);
  }

  remove(id: string, force: boolean): Promise<Started> {
    return this.#json('DELETE', `${appPath(id)}?force=${force}`);
  }

  deployments(): Promise<readonly ShownDeployment[]> {
    return this.#json('GET', '/v2/deployments');
  }

  rollBack(id: string): Promise<Started> {
    return this.#json('DELETE', `/v2/deployments/${pathPart(id)}`);
  }

  async cancel(id: string): Promise<void> {
    await this.#json('DELETE', `/v2/deployments/${pathPart(id)}?force=true`);
  }

  async tasks(id?: string): Promise<readonly ShownTask[]> {
    const path = id === undefined ? '/v2/tasks' : `${appPath(id)}/tasks`;
    return (await this.#json<{ tasks: readonly ShownTask[] }>('GET', path)).tasks;
  }

  /** Ends instances; with `scale` none takes their places. */
  async kill(ids: readonly string[], scale: boolean): Promise<void> {
    await this.#json('POST', `/v2/tasks/delete?scale=${scale}`, { ids });
  }

  async why(): Promise<readonly ShownWaiting[]> {
    return (await this.#json<{ waiting: readonly ShownWaiting[] }>('GET', '/v1/why')).waiting;
  }

  queue(): Promise<Json> {
    return this.#json('GET', '/v2/queue');
  }

  async resetDelay(id: string): Promise<void> {
    await this.#json('DELETE', `/v2/queue${idPath(id)}/delay`);
  }

  /** Events as they happen, without end. @throws PlateauError `STREAM_ENDED` when the stream breaks. */
  async *events(types: readonly string[], signal?: AbortSignal): AsyncGenerator<Json> {
    const named = types.map((type) => `&event_type=${encodeURIComponent(type)}`).join('');
    const path = `/v2/events?plan-format=light${named}`;
    const call = signal === undefined ? {} : { signal };
    for await (const { data } of this.#admin.events(path, call)) yield trusted<Json>(data);
  }

  #json<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#admin.json(method, path, body === undefined ? {} : { body });
  }
}

function idPath(id: string): string {
  return `/${id.split('/').filter(Boolean).map(pathPart).join('/')}`;
}

function appPath(id: string): string {
  return `/v2/apps${idPath(id)}`;
}

/** What the scheduler of the same release has sent. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it names what is meant
function trusted<T>(value: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return value as T;
}

interface Refusal {
  readonly message?: string;
  readonly details?: readonly { readonly path: string; readonly errors: readonly string[] }[];
  readonly deployments?: readonly { readonly id: string }[];
}

function refusalOf(body: unknown, status: number): RefusalText {
  const { message, details = [], deployments = [] } = trusted<Refusal>(Object(body));
  const lines = details.map(({ path, errors }) => `\n  ${path}: ${errors.join('; ')}`);
  const ids = deployments.map(({ id }) => `\n  deployment ${id}`);
  const text = `${message ?? `it answered ${status}`}${[...lines, ...ids].join('')}`;
  return {
    code: status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST',
    message: `the services scheduler: ${text}`,
  };
}
