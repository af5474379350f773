/** Speaks to the REST interface of the services scheduler, for commands and programs. */
import { PlateauError, errorMessage } from '../../sdk/index.js';

/** Milliseconds until an answer must be there; streams of events go on for longer. */
export const SERVICES_REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds without a sign of life after which a stream of events counts as dead. */
export const SERVICES_STREAM_SILENCE_MS = 60_000;

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
  readonly #url: string;

  /** @param url of the scheduler. */
  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
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
    return this.#json('DELETE', `/v2/deployments/${encodeURIComponent(id)}`);
  }

  async cancel(id: string): Promise<void> {
    await this.#request('DELETE', `/v2/deployments/${encodeURIComponent(id)}?force=true`);
  }

  async tasks(id?: string): Promise<readonly ShownTask[]> {
    const path = id === undefined ? '/v2/tasks' : `${appPath(id)}/tasks`;
    return (await this.#json<{ tasks: readonly ShownTask[] }>('GET', path)).tasks;
  }

  /** Ends instances; with `scale` none takes their places. */
  async kill(ids: readonly string[], scale: boolean): Promise<void> {
    await this.#request('POST', `/v2/tasks/delete?scale=${scale}`, { ids });
  }

  async why(): Promise<readonly ShownWaiting[]> {
    return (await this.#json<{ waiting: readonly ShownWaiting[] }>('GET', '/v1/why')).waiting;
  }

  queue(): Promise<Json> {
    return this.#json('GET', '/v2/queue');
  }

  async resetDelay(id: string): Promise<void> {
    await this.#request('DELETE', `/v2/queue${idPath(id)}/delay`);
  }

  /** Events as they happen, without end. @throws PlateauError `STREAM_ENDED` when the stream breaks. */
  async *events(types: readonly string[], signal?: AbortSignal): AsyncGenerator<Json> {
    const query = types.map((type) => `&event_type=${encodeURIComponent(type)}`).join('');
    const abort = new AbortController();
    const end = (): void => abort.abort();
    signal?.addEventListener('abort', end);
    const silence = setTimeout(end, SERVICES_STREAM_SILENCE_MS);
    try {
      const path = `/v2/events?plan-format=light${query}`;
      const response = await this.#request('GET', path, undefined, abort.signal);
      const decoder = new TextDecoder();
      let rest = '';
      for await (const bytes of response.body ?? []) {
        silence.refresh();
        rest += decoder.decode(bytes, { stream: true });
        const events = rest.split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) {
          const data = event.split('\n').find((line) => line.startsWith('data: '));
          if (data !== undefined) yield trusted<Json>(JSON.parse(data.slice(6)));
        }
      }
    } catch (error) {
      if (error instanceof PlateauError) throw error;
      if (signal?.aborted !== true) throw unreachable(this.#url, error);
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', end);
      abort.abort();
    }
  }

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#request(method, path, body);
    return trusted<T>(await response.json());
  }

  async #request(
    method: string,
    path: string,
    body?: unknown,
    signal = AbortSignal.timeout(SERVICES_REQUEST_TIMEOUT_MS),
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        signal,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    } catch (error) {
      throw unreachable(this.#url, error);
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

function idPath(id: string): string {
  return `/${id.split('/').filter(Boolean).map(encodeURIComponent).join('/')}`;
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

async function refusalOf(response: Response): Promise<PlateauError> {
  const { status } = response;
  const { message, details = [], deployments = [] } = parsed(await response.text());
  const lines = details.map(({ path, errors }) => `\n  ${path}: ${errors.join('; ')}`);
  const ids = deployments.map(({ id }) => `\n  deployment ${id}`);
  const text = `${message ?? `it answered ${status}`}${[...lines, ...ids].join('')}`;
  return new PlateauError(
    status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST',
    `the services scheduler: ${text}`,
    { context: { status }, retriable: status >= 500 },
  );
}

function parsed(text: string): Refusal {
  try {
    return trusted(JSON.parse(text));
  } catch {
    return {};
  }
}

function unreachable(url: string, error: unknown): PlateauError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new PlateauError(
    'STREAM_ENDED',
    `the services scheduler at ${url} does not answer: ${errorMessage(cause)}`,
    { context: { url }, retriable: true, cause: error },
  );
}
