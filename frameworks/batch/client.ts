/** Speaks to the admin interface of a batch scheduler, for commands and programs. */
import { PlateauError, errorMessage } from '../../sdk/index.js';
import { type AdminCall, AdminClient, pathPart } from '../../sdk/admin/index.js';
import type { JobDocument } from './document.js';
import type { StreamedEvent } from './job-events.js';
import type { AttemptView, IndexView, JobSummary, JobView } from './views.js';
import type { Waiting } from './why.js';

/** Milliseconds without a sign of life after which a stream of events counts as dead. */
export const BATCH_STREAM_SILENCE_MS = 60_000;

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
    const abort = new AbortController();
    const onAbort = (): void => abort.abort();
    signal?.addEventListener('abort', onAbort);
    const silence = new Silence(() => abort.abort());
    try {
      const path = `${JOBS}/${pathPart(name)}/events`;
      const query = { attempts };
      const response = await this.#admin.request('GET', path, { query, signal: abort.signal });
      for await (const data of sentEvents(response, () => silence.broken())) {
        const event = eventOf(data);
        yield event;
        if (event.kind === 'job' && event.job.finishedAt !== undefined) return;
      }
      throw new PlateauError('STREAM_ENDED', 'the stream of events ended', { retriable: true });
    } catch (error) {
      if (error instanceof PlateauError) throw error;
      const message = `the stream of events broke: ${errorMessage(error)}`;
      throw new PlateauError('STREAM_ENDED', message, { retriable: true, cause: error });
    } finally {
      silence.dispose();
      signal?.removeEventListener('abort', onAbort);
      abort.abort();
    }
  }

  #json<T>(method: string, path: string, call?: AdminCall): Promise<T> {
    return this.#admin.json(method, JOBS + path, call);
  }
}

const JOBS = '/v1/jobs';

/** Ends something that has been silent for too long. */
class Silence {
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout;

  constructor(onSilence: () => void) {
    this.#onSilence = onSilence;
    this.#timer = setTimeout(onSilence, BATCH_STREAM_SILENCE_MS);
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, BATCH_STREAM_SILENCE_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}

/** The data of server-sent events. */
async function* sentEvents(response: Response, onBytes: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    onBytes();
    rest += decoder.decode(bytes, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const lines = event.split('\n');
      const data = lines.flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
      if (lines.includes('event: error')) {
        throw new PlateauError('STREAM_ENDED', data.join('\n'), { retriable: true });
      }
      if (data.length > 0) yield data.join('\n');
    }
  }
}

function eventOf(data: string): StreamedEvent {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sent by a scheduler of the same release
  return JSON.parse(data) as StreamedEvent;
}
