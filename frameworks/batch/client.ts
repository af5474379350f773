/** Speaks to the admin interface of a batch scheduler, for commands and programs. */
import { PlateauError } from '../../sdk/index.js';
import { type AdminCall, AdminClient, pathPart } from '../../sdk/admin/index.js';
import type { JobDocument } from './document.js';
import type { StreamedEvent } from './job-events.js';
import type { AttemptView, IndexView, JobSummary, JobView } from './views.js';
import type { Waiting } from './why.js';

export interface JobFilter {
  readonly limit?: number | undefined;
  readonly cursor?: number | undefined;
  readonly state?: string | undefined;
  readonly label?: string | undefined;
  readonly prefix?: string | undefined;
}

export interface IndexFilter {
  readonly limit?: number | undefined;
  readonly cursor?: number | undefined;
  readonly state?: string | undefined;
  readonly step?: string | undefined;
}

/** Which indexes; none: all that it makes sense for. */
export interface Selection {
  readonly step?: string | undefined;
  readonly indexes?: string | undefined;
}

export interface IndexDetail {
  readonly step: string;
  readonly index: number;
  readonly state: string;
  readonly attempts: readonly AttemptView[];
}

/** All methods throw as `AdminClient` does: what the scheduler refuses with its words, `STREAM_ENDED` when it is not there. */
export class BatchClient {
  readonly #admin: AdminClient;

  /** @param url of the admin interface. */
  constructor(url: string) {
    this.#admin = new AdminClient(url);
  }

  submit(document: JobDocument, idempotencyKey?: string): Promise<JobView> {
    return this.#json('POST', '', { query: { idempotencyKey }, body: document });
  }

  list(
    filter: JobFilter = {},
  ): Promise<{ readonly jobs: readonly JobSummary[]; readonly next?: number }> {
    return this.#json('GET', '', { query: { ...filter } });
  }

  show(name: string): Promise<JobView> {
    return this.#json('GET', `/${pathPart(name)}`);
  }

  async remove(name: string): Promise<void> {
    await this.#json('DELETE', `/${pathPart(name)}`);
  }

  indexes(
    name: string,
    filter: IndexFilter = {},
  ): Promise<{ readonly indexes: readonly IndexView[]; readonly next?: number }> {
    return this.#json('GET', `/${pathPart(name)}/indexes`, { query: { ...filter } });
  }

  index(name: string, index: number, step?: string): Promise<IndexDetail> {
    return this.#json('GET', `/${pathPart(name)}/indexes/${index}`, { query: { step } });
  }

  why(name: string): Promise<{ readonly waiting: readonly Waiting[] }> {
    return this.#json('GET', `/${pathPart(name)}/why`);
  }

  cancel(name: string, selection: Selection = {}): Promise<JobView> {
    return this.#json('POST', `/${pathPart(name)}/cancel`, { query: { ...selection } });
  }

  hold(name: string): Promise<JobView> {
    return this.#json('POST', `/${pathPart(name)}/hold`);
  }

  release(name: string): Promise<JobView> {
    return this.#json('POST', `/${pathPart(name)}/release`);
  }

  rerun(name: string, selection: Selection = {}): Promise<JobView> {
    return this.#json('POST', `/${pathPart(name)}/rerun`, { query: { ...selection } });
  }

  edit(
    name: string,
    change: {
      readonly step?: string | undefined;
      readonly parallelism?: number | null | undefined;
      readonly priority?: number | undefined;
      readonly activeDeadlineSeconds?: number | null | undefined;
    },
  ): Promise<JobView> {
    return this.#json('PATCH', `/${pathPart(name)}`, { body: change });
  }

  /**
   * The events of a job until it has ended.
   * @throws PlateauError `STREAM_ENDED` when the stream breaks before that: open it again.
   */
  async *events(
    name: string,
    {
      attempts = false,
      signal,
    }: { readonly attempts?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<StreamedEvent> {
    const path = `${JOBS}/${pathPart(name)}/events`;
    const query = { attempts };
    const more = signal === undefined ? {} : { signal };
    for await (const { data } of this.#admin.events(path, { query, ...more })) {
      const event = eventOf(data);
      yield event;
      if (event.kind === 'job' && event.job.finishedAt !== undefined) return;
    }
    throw new PlateauError('STREAM_ENDED', 'the stream of events ended', { retriable: true });
  }

  #json<T>(method: string, path: string, call?: AdminCall): Promise<T> {
    return this.#admin.json(method, JOBS + path, call);
  }
}

const JOBS = '/v1/jobs';

function eventOf(data: unknown): StreamedEvent {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sent by a scheduler of the same release
  return data as StreamedEvent;
}
