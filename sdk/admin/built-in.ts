/** The routes that every framework has. They look at the runtime, and change nothing but the pause. */
import { IsIn, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { TASK_STATES } from '../framework/index.js';
import { JsonAnswer, TextAnswer } from './answers.js';
import { MAX_TASKS_PER_PAGE } from './limits.js';
import { HttpAnswer } from './mount.js';
import { ownMetrics } from './metrics.js';
import { openApi } from './open-api.js';
import { routesPage } from './page.js';
import { type AdminView, countByState } from './port.js';
import { refuse } from './refusal.js';
import type { CheckedRequest, Route } from './routes.js';
import { type Site, activeOf } from './site.js';

export interface BuiltInRoute extends Route {
  readonly answer: (site: Site, request: CheckedRequest) => unknown;
}

class TasksQuery {
  @IsInt() @Min(1) @Max(MAX_TASKS_PER_PAGE) limit = 100;
  @IsInt() @Min(0) offset = 0;
  /** The `next` of the page before. */
  @IsOptional() @IsString() cursor?: string;
  @IsOptional() @IsString() name?: string;
  @IsOptional() @IsIn(TASK_STATES) state?: string;
}

function viewOf(site: Site): AdminView {
  return activeOf(site).runtime.view;
}

export const BUILT_IN_ROUTES: readonly BuiltInRoute[] = [
  { method: 'GET', path: '/', summary: 'the list of routes, for people', answer: page },
  { method: 'GET', path: '/docs', summary: 'the list of routes, for people', answer: page },
  {
    method: 'GET',
    path: '/openapi.json',
    summary: 'the routes as OpenAPI 3.1',
    answer: openApi,
  },
  {
    method: 'GET',
    path: '/health',
    summary: '200 while subscribed to a master, else 503',
    answer: health,
  },
  { method: 'GET', path: '/metrics', summary: 'figures for Prometheus', answer: metrics },
  { method: 'GET', path: '/v1/state', summary: 'overview of the framework', answer: state },
  {
    method: 'GET',
    path: '/v1/tasks',
    query: TasksQuery,
    summary: 'tasks, the oldest first, in pages',
    answer: tasks,
  },
  { method: 'GET', path: '/v1/tasks/:id', summary: 'one task', answer: task },
  {
    method: 'GET',
    path: '/v1/decisions',
    summary: 'the last decisions, with the reasons why tasks found no place',
    answer: (site) => ({ decisions: viewOf(site).decisions }),
  },
  {
    method: 'GET',
    path: '/v1/wants',
    summary: 'what offers are wanted for, why tasks wait, and which offers are held',
    answer: wants,
  },
  {
    method: 'POST',
    path: '/v1/pause',
    summary: 'launch nothing new until resumed; tasks go on',
    answer: pause,
  },
  { method: 'POST', path: '/v1/resume', summary: 'end the pause', answer: resume },
  {
    method: 'POST',
    path: '/v1/resign',
    summary: 'another copy that stands by takes over',
    answer: resign,
  },
];

/** Routes about this copy itself, whether it is active or not. The others are for the active one. */
export const ROUTES_OF_COPY: ReadonlySet<string> = new Set([
  '/',
  '/docs',
  '/openapi.json',
  '/health',
  '/metrics',
]);

function page(site: Site): TextAnswer {
  return new TextAnswer(routesPage(site.title, site.routes), 'text/html; charset=utf-8');
}

function health({ active, standing, leader }: Site): JsonAnswer {
  const connection = active?.runtime.view.connection ?? standing;
  const isGood = connection === 'subscribed';
  const retrying = active?.runtime.view.retrying.map(({ handler }) => handler) ?? [];
  return new JsonAnswer(isGood ? 200 : 503, {
    status: isGood ? 'ok' : 'unavailable',
    connection,
    ...(retrying.length === 0 ? {} : { retrying }),
    ...(leader === undefined ? {} : { leader }),
  });
}

async function metrics(site: Site): Promise<TextAnswer> {
  const { active } = site;
  const text = await site.metrics.render(active?.runtime.view, ownMetrics(active?.framework));
  return new TextAnswer(text, site.metrics.contentType);
}

function state(site: Site): object {
  const view = viewOf(site);
  return {
    name: site.title,
    connection: view.connection,
    paused: view.isPaused,
    frameworkId: view.frameworkId,
    tasks: { total: view.tasks.size, byState: countByState(view.tasks.all()) },
    wants: view.wants,
    heldOffers: view.heldOffers.length,
    queued: view.queued,
    retrying: view.retrying,
    daemons: view.daemons,
    metrics: new Map([...view.counters, ...view.gauges]),
  };
}

function tasks(site: Site, request: CheckedRequest): object {
  const query = request.query instanceof TasksQuery ? request.query : new TasksQuery();
  const { limit, offset, cursor, name, state: wanted } = query;
  const view = viewOf(site);
  const all = view.tasks.all(name).filter((each) => wanted === undefined || each.state === wanted);
  const start = cursor === undefined ? offset : after(all, cursor) + offset;
  const shown = all.slice(start, start + limit);
  const next = start + limit < all.length ? shown.at(-1)?.id : undefined;
  return { tasks: shown, total: all.length, ...(next === undefined ? {} : { next }) };
}

function after(all: readonly { readonly id: string }[], cursor: string): number {
  const index = all.findIndex(({ id }) => id === cursor);
  if (index >= 0) return index + 1;
  throw refuse(410, `the task '${cursor}' of the cursor is not listed any more: begin anew`);
}

function task(site: Site, { params }: CheckedRequest): object {
  const id = params['id'] ?? '';
  const found = viewOf(site).tasks.get(id);
  if (found === undefined) throw refuse(404, `there is no task '${id}'`);
  return found;
}

function wants(site: Site): object {
  const { wants: wanted, explanations, heldOffers } = viewOf(site);
  return { wants: wanted, waiting: explanations, heldOffers };
}

async function pause(site: Site): Promise<object> {
  const { runtime } = activeOf(site);
  await runtime.pause();
  return { paused: true };
}

function resign(site: Site): HttpAnswer {
  activeOf(site);
  return new HttpAnswer({ json: { resigned: true }, resigns: true });
}

async function resume(site: Site): Promise<object> {
  const { runtime } = activeOf(site);
  await runtime.resume();
  return { paused: false };
}
