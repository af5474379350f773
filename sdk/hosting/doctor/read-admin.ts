/** What a framework says of itself over its admin interface. */
import { PlateauError, errorMessage, isRecord } from '../../../core/base/index.js';
import { AdminClient, MAX_TASKS_PER_PAGE } from '../../admin/index.js';
import { type Want, isEnded } from '../../decisions/index.js';
import type { DaemonView, Explanation, RetryingView, StoredTask } from '../../runtime/index.js';
import type { AdminFacts, OpenKill } from './facts.js';

/** Pages of tasks that are looked through for kills. */
const MOST_PAGES = 20;
/** An answer that does not come in this time: the framework hangs. */
const ANSWER_WITHIN_MS = 5_000;

/** Of `/v1/state`. */
interface StatePage {
  readonly connection: string;
  readonly paused: boolean;
  readonly heldOffers: number;
  readonly queued: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly retrying: readonly RetryingView[];
  readonly daemons: readonly DaemonView[];
}

/** Of `/v1/wants`. */
interface WantsPage {
  readonly wants?: readonly Want[];
  readonly waiting: readonly Explanation[];
}

interface TasksPage {
  readonly tasks: readonly StoredTask[];
  readonly next?: string;
}

/** @param url undefined: the framework names none. */
export async function readAdmin(url: string | undefined): Promise<AdminFacts> {
  if (url === undefined) return { kind: 'none' };
  const client = new AdminClient(url);
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  try {
    const state = await client.json<unknown>('GET', '/v1/state', { signal });
    if (!isStatePage(state)) return { kind: 'foreign', url };
    const { wants, waiting } = await client.json<WantsPage>('GET', '/v1/wants', { signal });
    const { connection, paused, heldOffers, queued, metrics, retrying, daemons } = state;
    return {
      kind: 'answers',
      url,
      connection,
      isPaused: paused,
      wants,
      waiting,
      heldOffers,
      queued,
      retrying,
      daemons,
      unreconciled: metrics['unreconciled_tasks'] ?? 0,
      kills: (metrics['open_kills'] ?? 0) === 0 ? [] : await readKills(client),
    };
  } catch (error) {
    return (await withoutState(url)) ?? failed(url, error);
  }
}

/** A page of our own has the rest as well. */
function isStatePage(page: unknown): page is StatePage {
  return isRecord(page) && typeof page['connection'] === 'string' && isRecord(page['metrics']);
}

function failed(url: string, error: unknown): AdminFacts {
  if (error instanceof PlateauError && error.code === 'STREAM_ENDED') {
    const problem = error.message.replace('the framework', 'The admin interface of the framework');
    return { kind: 'silent', url, problem };
  }
  // It answers, and not in our way.
  if (error instanceof PlateauError || error instanceof SyntaxError)
    return { kind: 'foreign', url };
  return {
    kind: 'silent',
    url,
    problem: `The admin interface at ${url} fails: ${errorMessage(error)}`,
  };
}

/** What a copy that is not active tells all the same: who is, if anybody. */
async function withoutState(url: string): Promise<AdminFacts | undefined> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  try {
    // It is answered with 503, and the body is what counts.
    const health = await fetch(`${url}/health`, { signal });
    const body: unknown = await health.json();
    const isStandby = isRecord(body) && body['connection'] === 'standby';
    return isStandby && body['leader'] === undefined ? { kind: 'standby', url } : undefined;
  } catch {
    return undefined;
  }
}

async function readKills(client: AdminClient): Promise<readonly OpenKill[]> {
  const kills: OpenKill[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = { limit: MAX_TASKS_PER_PAGE, cursor };
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const { tasks, next } = await client.json<TasksPage>('GET', '/v1/tasks', { query });
    for (const { id, name, hostname, state, killedAt, killGraceMs } of tasks) {
      if (killedAt === undefined || isEnded(state)) continue;
      kills.push({ taskId: id, name, hostname, askedMs: killedAt, graceMs: killGraceMs ?? 0 });
    }
    if (next === undefined) break;
    cursor = next;
  }
  return kills;
}
