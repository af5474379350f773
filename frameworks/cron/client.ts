/** Speaks to the admin interface of a cron scheduler, for commands and programs. */
import { AdminClient, pathPart } from '../../sdk/admin/index.js';
import type { Applied } from './api/cron-routes.js';
import type { CronJobSummary, CronJobView, RunView, UpcomingView } from './api/views.js';
import type { CronDocument } from './document.js';

export interface CronJobFilter {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly prefix?: string | undefined;
  readonly label?: string | undefined;
}

export interface RunFilter {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly state?: string | undefined;
}

export interface RunRequest {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly args?: readonly string[] | undefined;
  readonly key?: string | undefined;
}

const JOBS = '/v1/cron/jobs';

/** All methods throw PlateauError: what the scheduler refuses with its words, `STREAM_ENDED` when it is not there. */
export class CronClient {
  readonly #admin: AdminClient;

  /** @param url of the admin interface. */
  constructor(url: string) {
    this.#admin = new AdminClient(url);
  }

  /** Creates a job, or replaces what it is. @param revision of the job as it was read; 0: only create it. */
  apply(document: CronDocument, revision?: number): Promise<Applied> {
    return this.#admin.json('PUT', jobPath(document.id), { query: { revision }, body: document });
  }

  list(
    filter: CronJobFilter = {},
  ): Promise<{ readonly jobs: readonly CronJobSummary[]; readonly next?: string }> {
    return this.#admin.json('GET', JOBS, { query: { ...filter } });
  }

  show(id: string): Promise<CronJobView> {
    return this.#admin.json('GET', jobPath(id));
  }

  next(id: string, count: number): Promise<{ readonly next: readonly UpcomingView[] }> {
    return this.#admin.json('GET', `${jobPath(id)}/next`, { query: { count } });
  }

  run(id: string, request: RunRequest = {}): Promise<RunView> {
    return this.#admin.json('POST', `${jobPath(id)}/runs`, { body: request });
  }

  runs(
    id: string,
    filter: RunFilter = {},
  ): Promise<{ readonly runs: readonly RunView[]; readonly next?: string }> {
    return this.#admin.json('GET', `${jobPath(id)}/runs`, { query: { ...filter } });
  }

  showRun(id: string, run: string): Promise<RunView> {
    return this.#admin.json('GET', `${jobPath(id)}/runs/${pathPart(run)}`);
  }

  stop(id: string, run: string): Promise<RunView> {
    return this.#admin.json('POST', `${jobPath(id)}/runs/${pathPart(run)}/stop`);
  }

  suspend(id: string): Promise<CronJobView> {
    return this.#admin.json('POST', `${jobPath(id)}/suspend`);
  }

  resume(id: string): Promise<CronJobView> {
    return this.#admin.json('POST', `${jobPath(id)}/resume`);
  }

  async delete(id: string, options: { readonly stopRuns?: boolean } = {}): Promise<void> {
    await this.#admin.json('DELETE', jobPath(id), { query: { ...options } });
  }
}

function jobPath(id: string): string {
  return `${JOBS}/${pathPart(id)}`;
}
