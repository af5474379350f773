/** The pages of an agent: those that tools of Mesos read, `/metrics` for Prometheus, and `/`. */
import { AGENT_CAPABILITIES, encodeJson } from '../api/index.js';
import { answerAtOnce, answerEmpty, answerJson } from './answers.js';
import { containersView } from './container-views.js';
import { answerHomePage } from './home-page.js';
import { agentStatePage } from './legacy/agent-state.js';
import { objectText, valueText } from './legacy/json-text.js';
import { versionText } from './legacy/state.js';
import { type PageServer, answerPage } from './pages/answer-page.js';
import type { PrometheusPage } from './prometheus.js';
import type { Exchange, RouteTable } from './routes.js';
import type { ServedAgent } from './served-agent.js';
import { snapshotText, sortedFigures, systemMetrics } from './system-metrics.js';

/** What the pages share. */
export interface AgentPagesContext {
  readonly flags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Where the server listens, such as `127.0.0.1:5051`. */
  readonly address: () => string;
  readonly prometheus: PrometheusPage;
  /** Makes and keeps the pages that show what runs. */
  readonly pages: PageServer;
  /** The agent, or undefined after the request was answered. */
  readonly agent: (exchange: Exchange) => ServedAgent | undefined;
  readonly metrics: () => ReadonlyMap<string, number>;
}

/** Adds all pages. */
export function addAgentPages(routes: RouteTable, context: AgentPagesContext): void {
  const { flags, metrics, prometheus } = context;
  addStatePages(routes, context);
  routes.page(pageNames('/health'), (exchange) => answerEmpty(exchange, 200));
  routes.page(pageNames('/flags'), (exchange) => answerJson(exchange, JSON.stringify({ flags })));
  routes.page(pageNames('/version'), (exchange) => answerJson(exchange, versionText()));
  routes.page(pageNames('/metrics/snapshot'), async (exchange) => {
    const text = snapshotText(sortedFigures(metrics()));
    await answerJson(exchange, await context.pages.cache.turns.steps(text));
  });
  routes.page(['/system/stats.json', '/system/stats'], (exchange) => {
    const stats = [...systemMetrics()].map(([name, value]) => [
      name.slice('system/'.length),
      value,
    ]);
    return answerJson(exchange, JSON.stringify(Object.fromEntries(stats)));
  });
  routes.page(['/metrics'], async (exchange) => {
    const text = await prometheus.render(metrics());
    answerAtOnce(exchange, prometheus.contentType, Buffer.from(text));
  });
  routes.page(['/'], (exchange) => answerHome(exchange, context));
}

function addStatePages(routes: RouteTable, context: AgentPagesContext): void {
  routes.page(pageNames('/state'), async (exchange) => {
    const agent = context.agent(exchange);
    if (agent === undefined) return;
    const { flags, startMs } = context;
    const address = context.address();
    const capabilities = AGENT_CAPABILITIES.flatMap(({ type }) => type ?? []);
    const page = { agent, flags, startMs, address, capabilities };
    await answerPage(context.pages, exchange, {
      origin: agent.state.agentId ?? 'agent',
      key: '/state',
      // An agent does not count what changes: the page is made anew, and told apart by its text.
      version: () => undefined,
      pieces: () => agentStatePage(page),
    });
  });
  routes.page(pageNames('/containers'), async (exchange) => {
    const agent = context.agent(exchange);
    if (agent !== undefined) await answerJson(exchange, containersText(agent, exchange, true));
  });
  routes.page(pageNames('/containerizer/debug'), async (exchange) => {
    const agent = context.agent(exchange);
    if (agent !== undefined) await answerJson(exchange, debugText(agent));
  });
  routes.page(pageNames('/monitor/statistics'), async (exchange) => {
    const agent = context.agent(exchange);
    if (agent !== undefined) await answerJson(exchange, containersText(agent, exchange, false));
  });
}

/** What the containerizer is busy with. */
function debugText(agent: ServedAgent): string {
  return JSON.stringify({ pending: agent.containers?.pending() ?? [] });
}

function pageNames(path: string): readonly string[] {
  return [path, `${path}.json`, `/slave(1)${path}`, `/slave(1)${path}.json`];
}

/** One element for each container: with its id and status on `/containers` alone. */
function containersText(agent: ServedAgent, exchange: Exchange, isWhole: boolean): string {
  const isAsked = (name: string): boolean => isWhole && exchange.query.get(name) === 'true';
  const containers = containersView(agent, exchange.world.clock.now(), {
    nested: isAsked('show_nested'),
    standalone: isAsked('show_standalone'),
  });
  const texts = containers.map((container) => {
    const { container_id, container_status, executor_id, framework_id } = container;
    const statistics = container.resource_statistics;
    return objectText({
      container_id: isWhole ? valueText(container_id.value) : undefined,
      executor_id: valueText(executor_id?.value ?? ''),
      executor_name: valueText(container.executor_name ?? ''),
      framework_id: valueText(framework_id?.value ?? ''),
      source: valueText(executor_id?.value ?? ''),
      statistics: statistics && encodeJson('ResourceStatistics', statistics),
      status:
        isWhole && container_status ? encodeJson('ContainerStatus', container_status) : undefined,
    });
  });
  return `[${texts.join(',')}]`;
}

function answerHome(exchange: Exchange, context: AgentPagesContext): void {
  const agent = context.agent(exchange);
  if (agent === undefined) return;
  const metrics = context.metrics();
  const figure = (name: string): number => metrics.get(`slave/${name}`) ?? 0;
  const share = (name: string): string => `${figure(`${name}_used`)} of ${figure(`${name}_total`)}`;
  answerHomePage(exchange, {
    title: 'Plateau agent',
    subtitle: `${agent.agentInfo.hostname} at ${context.address()}, id ${agent.state.agentId ?? 'none yet'}`,
    figures: [
      { label: 'Registered', value: figure('registered') === 1 ? 'yes' : 'no' },
      { label: 'Tasks running', value: String(figure('tasks_running')) },
      { label: 'Executors running', value: String(figure('executors_running')) },
      { label: 'CPUs used', value: share('cpus') },
      { label: 'Memory used (MiB)', value: share('mem') },
    ],
    links: [
      { path: '/state', about: 'everything the agent knows' },
      { path: '/containers', about: 'containers that run, with their limits' },
      { path: '/containerizer/debug', about: 'launches and ends that are under way' },
      { path: '/flags', about: 'how this agent was started' },
      { path: '/metrics/snapshot', about: 'figures under the names of Mesos' },
      { path: '/metrics', about: 'figures for Prometheus' },
      { path: '/version', about: 'versions' },
    ],
  });
}
