/** One request with everything that its route needs. */
import type { MountedRequest } from '../../../sdk/admin/index.js';
import type { Context } from '../../../sdk/index.js';
import type { NormaliseOptions } from '../apps/normalise.js';
import type { Services } from '../services.js';
import type { EventLog } from '../state/events.js';
import { Changing } from './changes.js';
import { ApiRefused, refuseApi } from './refusals.js';

export class Call {
  readonly services: Services;
  readonly context: Context;
  readonly changing: Changing;
  readonly #request: MountedRequest;

  constructor(
    request: MountedRequest,
    more: {
      readonly services: Services;
      readonly context: Context;
      readonly options: NormaliseOptions;
    },
  ) {
    this.#request = request;
    this.services = more.services;
    this.context = more.context;
    this.changing = new Changing(more.services, more.context, more.options);
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return this.#request.path;
  }

  get query(): URLSearchParams {
    return this.#request.query;
  }

  get body(): unknown {
    return this.#request.body;
  }

  get client(): string {
    return this.#request.client;
  }

  get log(): EventLog {
    return this.changing.log;
  }

  header(name: string): string | undefined {
    return this.#request.headers[name];
  }

  /** Whether a table is asked for, as old scripts do, and no JSON. */
  get wantsTable(): boolean {
    const accept = this.header('accept') ?? '';
    return accept.includes('text/plain') && !accept.includes('json');
  }

  /** A flag of the query; an empty value counts as none. @throws ApiRefused 400 */
  flag(name: string, otherwise: boolean): boolean {
    const text = this.query.get(name) ?? '';
    if (text === '') return otherwise;
    if (text === 'true' || text === 'false') return text === 'true';
    throw refuseApi(400, `${name}: '${text}' is neither true nor false`);
  }

  /** The method, if it is one of these. @throws ApiRefused 405 */
  allow(...methods: readonly string[]): string {
    const method = this.method === 'HEAD' ? 'GET' : this.method;
    if (methods.includes(method)) return method;
    const allowed = methods.join(', ');
    throw new ApiRefused(405, { message: `${this.path} takes ${allowed}` }, { Allow: allowed });
  }

  /** The answer to a change: what has happened is told now. */
  done<T>(answer: T): T {
    this.changing.publish();
    return answer;
  }
}
