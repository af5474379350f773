/**
 * The pages of a master: those that tools of Mesos read, `/metrics` for Prometheus, and the page for
 * people at `/`.
 */
import { answerAtOnce, answerEmpty, answerJson, answerRedirect, answerText } from './answers.js';
import { answerHomePage } from './home-page.js';
import type { TaskQuery } from './legacy/newest-tasks.js';
import { rolesText } from './legacy/roles.js';
import {
  type MasterPageContext,
  agentsPage,
  frameworksPage,
  statePage,
  summaryPage,
  tasksPage,
  versionText,
} from './legacy/state.js';
import { type MasterRouteContext, leadingMaster, withPrefix } from './master-context.js';
import { answerPage } from './pages/answer-page.js';
import type { TextPieces } from './pages/write-text.js';
import type { Exchange, RouteTable } from './routes.js';
import type { ServedMaster } from './served-master.js';
import { snapshotText, systemMetrics } from './system-metrics.js';

/** Tasks that `/tasks` shows unless told otherwise. */
export const DEFAULT_TASKS_LIMIT = 100;

/** Adds all pages. */
export function addMasterPages(routes: RouteTable, context: MasterRouteContext): void {
  addStatePages(routes, context);
  addOwnPages(routes, context);
  const { flags } = context.options;
  routes.page(pageNames('/health'), (exchange) => answerEmpty(exchange, 200));
  routes.page(pageNames('/flags'), (exchange) => answerJson(exchange, JSON.stringify({ flags })));
  routes.page(pageNames('/version'), (exchange) => answerJson(exchange, versionText()));
  routes.page(pageNames('/metrics/snapshot'), async (exchange) => {
    const figures = await context.metrics();
    await answerJson(exchange, await context.pages.cache.turns.steps(snapshotText(figures)));
  });
  routes.page(['/system/stats.json', '/system/stats'], (exchange) => {
    const stats = [...systemMetrics()].map(([name, value]) => [
      name.slice('system/'.length),
      value,
    ]);
    return answerJson(exchange, JSON.stringify(Object.fromEntries(stats)));
  });
  routes.page(withPrefix('/redirect'), (exchange) => answerLeader(exchange, context));
}

type PageMaker = (master: ServedMaster, exchange: Exchange) => TextPieces;

function addStatePages(routes: RouteTable, context: MasterRouteContext): void {
  const page = (path: string, parameters: readonly string[], pieces: PageMaker): void => {
    routes.page(pageNames(path), async (exchange) => {
      const master = leadingMaster(context, exchange);
      if (master === undefined) return;
      const values = parameters.map((name) => exchange.query.get(name));
      await answerPage(context.pages, exchange, {
        origin: master.info.id,
        key: JSON.stringify([path, ...values]),
        version: () => master.cluster.version,
        pieces: () => pieces(master, exchange),
      });
    });
  };
  page('/state', [], (master) => statePage(pageContext(master, context)));
  page('/state-summary', [], (master) => summaryPage(pageContext(master, context)));
  page('/slaves', ['slave_id'], ({ cluster }, { query }) =>
    agentsPage(cluster, query.get('slave_id') ?? undefined),
  );
  page('/frameworks', ['framework_id'], ({ cluster }, { query }) =>
    frameworksPage(cluster, query.get('framework_id') ?? undefined),
  );
  page('/roles', [], ({ cluster }) => [rolesText(cluster)]);
  addTasksPage(routes, context);
}

function addOwnPages(routes: RouteTable, context: MasterRouteContext): void {
  routes.page(['/metrics'], async (exchange) => {
    const text = await context.prometheus.render(await context.metrics('brief'));
    answerAtOnce(exchange, context.prometheus.contentType, Buffer.from(text));
  });
  routes.page(['/'], async (exchange) => {
    const master = leadingMaster(context, exchange);
    if (master !== undefined) await answerHome(exchange, master, context);
  });
}

/** The names under which Mesos and its tools know a page. */
export function pageNames(path: string): readonly string[] {
  return [path, `${path}.json`, `/master${path}`, `/master${path}.json`];
}

function pageContext(master: ServedMaster, context: MasterRouteContext): MasterPageContext {
  const { flags, clusterName } = context.options;
  const { info, cluster, times } = master;
  return { info, cluster, clusterName, flags, times };
}

function addTasksPage(routes: RouteTable, context: MasterRouteContext): void {
  routes.page(pageNames('/tasks'), async (exchange) => {
    const master = leadingMaster(context, exchange);
    const query = master === undefined ? undefined : readTaskQuery(exchange);
    if (master === undefined || query === undefined) return;
    const { limit, offset, order, frameworkId, taskId } = query;
    await answerPage(context.pages, exchange, {
      origin: master.info.id,
      key: JSON.stringify(['/tasks', limit, offset, order, frameworkId ?? null, taskId ?? null]),
      version: () => master.cluster.version,
      pieces: () => tasksPage(master.cluster, query),
    });
  });
}

/** What `/tasks` is asked for; undefined: it was refused. */
function readTaskQuery(exchange: Exchange): TaskQuery | undefined {
  const { query } = exchange;
  const limit = countOf(query.get('limit'), DEFAULT_TASKS_LIMIT);
  const offset = countOf(query.get('offset'), 0);
  if (limit === undefined || offset === undefined) {
    answerText(exchange, 400, "'limit' and 'offset' must be whole numbers from 0.");
    return undefined;
  }
  return {
    limit,
    offset,
    order: query.get('order') === 'asc' ? 'asc' : 'des',
    frameworkId: query.get('framework_id') ?? undefined,
    taskId: query.get('task_id') ?? undefined,
  };
}

function countOf(text: string | null, fallback: number): number | undefined {
  if (text === null || text === '') return fallback;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function answerLeader(exchange: Exchange, context: MasterRouteContext): void {
  const leader = context.leadership();
  const master = context.master();
  if (leader === 'here' && master !== undefined) {
    const { hostname = '', port } = master.info;
    answerRedirect(exchange, `//${hostname}:${port}`);
  } else if (leader === undefined || leader === 'here') {
    answerText(exchange, 503, 'No leading master is known yet: try again.', { 'Retry-After': '1' });
  } else {
    answerRedirect(exchange, `//${leader.hostname}:${leader.port}`);
  }
}

async function answerHome(
  exchange: Exchange,
  master: ServedMaster,
  context: MasterRouteContext,
): Promise<void> {
  const metrics = await context.metrics('brief');
  const figure = (name: string): number => metrics.get(`master/${name}`) ?? 0;
  const share = (name: string): string => `${figure(`${name}_used`)} of ${figure(`${name}_total`)}`;
  const { info } = master;
  answerHomePage(exchange, {
    title: context.options.clusterName ?? 'Plateau',
    subtitle: `Plateau master at ${info.hostname ?? ''}:${info.port}, id ${info.id}`,
    figures: [
      { label: 'Agents', value: String(figure('slaves_connected')) },
      { label: 'Frameworks', value: String(figure('frameworks_connected')) },
      { label: 'Tasks running', value: String(figure('tasks_running')) },
      { label: 'Offers outstanding', value: String(figure('outstanding_offers')) },
      { label: 'CPUs used', value: share('cpus') },
      { label: 'Memory used (MiB)', value: share('mem') },
    ],
    links: HOME_LINKS,
  });
}

const HOME_LINKS = [
  { path: '/state', about: 'everything the master knows' },
  { path: '/slaves', about: 'agents and their resources' },
  { path: '/frameworks', about: 'frameworks with their tasks and offers' },
  { path: '/tasks', about: 'tasks, the newest first' },
  { path: '/roles', about: 'roles, what they use and what is reserved for them' },
  { path: '/flags', about: 'how this master was started' },
  { path: '/metrics/snapshot', about: 'figures under the names of Mesos' },
  { path: '/metrics', about: 'figures for Prometheus' },
  { path: '/version', about: 'versions' },
] as const;
