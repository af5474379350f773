/** Answers in Marathon's shapes, made from what is stored and from the tasks. Pure. */
import { HttpAnswer } from '../../../sdk/admin/index.js';
import type { Context, TaskRecord } from '../../../sdk/index.js';
import { type App, portsOf } from '../apps/app.js';
import { deploymentsOf } from '../decide/deployments.js';
import { type Instance, isEnding, isHealthy } from '../decide/instances.js';
import type { Services } from '../services.js';
import type { UnusedOffer } from '../state/launch-queue.js';
import { type DeploymentRecord, timestamp } from '../state/model.js';

type Json = Readonly<Record<string, unknown>>;

/** Parts of apps that are shown when asked for. */
export type Embed =
  | 'tasks'
  | 'counts'
  | 'deployments'
  | 'readiness'
  | 'lastTaskFailure'
  | 'taskStats';

/** What a query embeds; the prefixes of names do not matter. */
export function embedsOf(query: URLSearchParams): ReadonlySet<string> {
  const names = query.getAll('embed').map((name) => name.split('.').at(-1) ?? '');
  const all = names.flatMap((name) =>
    name === 'failures' ? ['lastTaskFailure', 'tasks'] : [name],
  );
  return new Set(all);
}

/** An app with the parts that are asked for. */
export function appJson(
  services: Services,
  app: App,
  { context, embeds }: { readonly context: Context; readonly embeds: ReadonlySet<string> },
): Json {
  const instances = services.instancesOf(app.id, context);
  const failure = services.failures.get(app.id);
  return {
    ...app,
    ...(embeds.has('counts') ? countsOf(instances) : {}),
    ...(embeds.has('deployments')
      ? { deployments: deploymentsOf(services, app.id).map(({ id }) => ({ id })) }
      : {}),
    ...(embeds.has('readiness') ? { readinessCheckResults: [] } : {}),
    ...(embeds.has('tasks') ? { tasks: instances.map((one) => taskJson(services, one)) } : {}),
    ...(embeds.has('lastTaskFailure') && failure !== undefined ? { lastTaskFailure: failure } : {}),
    ...(embeds.has('taskStats')
      ? { taskStats: taskStatsOf(app, instances, context.clock.now()) }
      : {}),
  };
}

function isStaged({ state }: TaskRecord): boolean {
  return state === 'LAUNCHING' || state === 'STAGING' || state === 'STARTING';
}

function countsOf(instances: readonly Instance[]): Json {
  const counts = plainCounts(instances);
  return {
    tasksStaged: counts.staged,
    tasksRunning: counts.running,
    tasksHealthy: counts.healthy,
    tasksUnhealthy: counts.unhealthy,
  };
}

function plainCounts(instances: readonly Instance[]): Readonly<Record<string, number>> {
  const checked = instances.filter(({ data }) => data.checked);
  return {
    staged: instances.filter(({ task }) => isStaged(task)).length,
    running: instances.filter(({ task }) => task.state === 'RUNNING').length,
    healthy: checked.filter((one) => isHealthy(one)).length,
    unhealthy: checked.filter(({ task }) => task.state === 'RUNNING' && task.healthy === false)
      .length,
  };
}

function taskStatsOf(app: App, instances: readonly Instance[], nowMs: number): Json {
  const { lastScalingAt, lastConfigChangeAt } = app.versionInfo;
  const isLatest = ({ data }: Instance): boolean => data.config === lastConfigChangeAt;
  const groups: readonly (readonly [string, readonly Instance[]])[] = [
    ['startedAfterLastScaling', instances.filter(({ data }) => data.version >= lastScalingAt)],
    ['withLatestConfig', instances.filter(isLatest)],
    ['withOutdatedConfig', instances.filter((one) => !isLatest(one))],
    ['totalSummary', instances],
  ];
  const shown = groups
    .filter(([, group]) => group.length > 0)
    .map(([name, group]) => [name, { stats: statsOf(group, nowMs) }] as const);
  return Object.fromEntries(shown);
}

function statsOf(group: readonly Instance[], nowMs: number): Json {
  const lives = group
    .flatMap(({ record }) => (record === undefined ? [] : [(nowMs - record.startedAt) / 1000]))
    .toSorted((one, other) => one - other);
  if (lives.length === 0) return { counts: plainCounts(group) };
  const middle = lives.length / 2;
  const medianSeconds =
    ((lives[Math.ceil(middle) - 1] ?? 0) + (lives[Math.floor(middle)] ?? lives.at(-1) ?? 0)) / 2;
  const averageSeconds = lives.reduce((sum, life) => sum + life, 0) / lives.length;
  return { counts: plainCounts(group), lifeTime: { averageSeconds, medianSeconds } };
}

/** One instance as a task of Marathon. */
export function taskJson(services: Services, instance: Instance): Json {
  const { task, data, record } = instance;
  const app = services.apps.get(data.app)?.app;
  const { attributes } = task;
  const state = task.state === 'LAUNCHING' ? 'TASK_STAGING' : `TASK_${task.state}`;
  return {
    id: task.id,
    appId: data.app,
    host: task.hostname,
    ports: task.ports,
    servicePorts: app === undefined ? [] : portsOf(app).map(({ service }) => service),
    ipAddresses: record?.addresses ?? [],
    slaveId: task.agentId,
    state: isEnding(instance) && task.state === 'RUNNING' ? 'TASK_KILLING' : state,
    stagedAt: timestamp(task.launchedAt),
    ...(record === undefined ? {} : { startedAt: timestamp(record.startedAt) }),
    version: data.version,
    ...(attributes['@region'] === undefined ? {} : { region: attributes['@region'] }),
    ...(attributes['@zone'] === undefined ? {} : { zone: attributes['@zone'] }),
    role: task.role,
    localVolumes: [],
    healthCheckResults: data.checked ? healthResults(instance) : [],
  };
}

/** The last known result: it stays over a change of the scheduler. */
function healthResults({ task, record }: Instance): readonly Json[] {
  if (task.healthy === undefined) return [];
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : timestamp(ms));
  return [
    {
      instanceId: task.id,
      taskId: task.id,
      alive: task.healthy,
      consecutiveFailures: record?.failures ?? 0,
      firstSuccess: time(record?.firstSuccess),
      lastSuccess: time(record?.lastSuccess),
      lastFailure: time(record?.lastFailure),
      lastFailureCause: record?.lastFailureCause ?? null,
    },
  ];
}

/** Running instances as a table: a line for each port of an app, with the addresses of the instances. */
export function taskTable(apps: readonly App[], instances: readonly Instance[]): HttpAnswer {
  const running = instances.filter(({ task }) => task.state === 'RUNNING');
  const lines = apps.flatMap((app) => {
    const own = running.filter(({ data }) => data.app === app.id);
    const name = app.id.slice(1).replaceAll('/', '_');
    const ports = portsOf(app);
    if (ports.length === 0) return [[name, ' ', ...own.map(({ task }) => task.hostname)]];
    return ports.map(({ service }, index) => [
      name,
      String(service),
      ...own.map(({ task }) => `${task.hostname}:${task.ports[index] ?? 0}`),
    ]);
  });
  return new HttpAnswer({ text: lines.map((line) => `${line.join('\t')}\n`).join('') });
}

/** An offer that an app could not use. */
export function unusedOfferJson({ offer, atMs, reasons }: UnusedOffer): Json {
  const { id, hostname, agent_id, resources = [], attributes = [] } = offer;
  return {
    offer: {
      id: id.value,
      hostname,
      agentId: agent_id.value,
      resources: resources.map(({ name, scalar, ranges, set, reservations }) => ({
        name,
        role: reservations?.at(-1)?.role ?? '*',
        ...(scalar === undefined ? {} : { scalar: scalar.value }),
        ...(ranges === undefined
          ? {}
          : {
              ranges: (ranges.range ?? []).map(({ begin, end }) => ({
                begin: Number(begin),
                end: Number(end),
              })),
            }),
        ...(set === undefined ? {} : { set: set.item ?? [] }),
      })),
      attributes: attributes.map(({ name, text, scalar }) => ({
        name,
        ...(text === undefined ? {} : { text: text.value }),
        ...(scalar === undefined ? {} : { scalar: scalar.value }),
      })),
    },
    timestamp: timestamp(atMs),
    reason: reasons,
  };
}

/** A running deployment. */
export function deploymentJson(record: DeploymentRecord): Json {
  const { id, version, steps, current, changes } = record;
  const actions = steps[current]?.actions ?? [];
  return {
    id,
    version,
    affectedApps: Object.keys(changes),
    affectedPods: [],
    steps,
    currentActions: actions.map(({ action, app }) => ({ action, app, readinessCheckResults: [] })),
    currentStep: Math.min(current + 1, steps.length),
    totalSteps: steps.length,
  };
}

/** The answer to what started a deployment. */
export function startedJson({ id, version }: DeploymentRecord): Json {
  return { version, deploymentId: id };
}

/** The tree of groups below an id. */
export function groupJson(
  id: string,
  apps: readonly App[],
  shown: {
    readonly version: string;
    readonly render: ((app: App) => Json) | undefined;
    readonly withGroups: boolean;
  },
): Json {
  const start = id === '/' ? '/' : `${id}/`;
  const inside = apps.filter((app) => app.id.startsWith(start));
  const own = inside.filter((app) => !app.id.slice(start.length).includes('/'));
  const names = new Set(
    inside
      .filter((app) => !own.includes(app))
      .map((app) => app.id.slice(start.length).split('/')[0] ?? ''),
  );
  const groups = [...names].map((name) => groupJson(`${start}${name}`, inside, shown));
  return {
    id,
    apps: shown.render === undefined ? [] : own.map(shown.render),
    groups: shown.withGroups ? groups : [],
    pods: [],
    dependencies: [],
    version: shown.version,
    enforceRole: false,
  };
}
