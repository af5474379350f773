/** Marathon's REST interface over the framework: `/v2/…` and `/ping`. Each request is one turn. */
import { HttpAnswer, Mount, type MountedRequest } from '../../../sdk/admin/index.js';
import type { Context } from '../../../sdk/index.js';
import type { App } from '../apps/app.js';
import { canonicalId } from '../apps/app-id.js';
import { cancelDeployment, rollBack } from '../decide/deployments.js';
import type { Services } from '../services.js';
import type { ServiceEvent } from '../state/events.js';
import { funnelOf } from '../state/launch-queue.js';
import { timestamp, visibleApp, visibleApps } from '../state/model.js';
import { allInstances, answerApps, killed, theApp } from './app-routes.js';
import { Call } from './call.js';
import { ApiRefused, refusalBody, refuseApi } from './refusals.js';
import {
  appJson,
  deploymentJson,
  embedsOf,
  groupJson,
  startedJson,
  taskJson,
  taskTable,
  unusedOfferJson,
} from './render.js';

/** The version of Marathon whose interface this is: clients branch on it. */
export const MARATHON_VERSION = '1.11.24';

const MARATHON = { refusal: refusalBody, leaderHeader: 'X-Marathon-Leader' };

export class MarathonApi {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  @Mount('/ping', MARATHON)
  ping(request: MountedRequest): HttpAnswer {
    const accept = request.headers['accept'] ?? '*/*';
    if (accept.includes('application/json')) return new HttpAnswer({ json: 'pong' });
    if (/text\/|\*\/\*/.test(accept)) return new HttpAnswer({ text: 'pong' });
    return new HttpAnswer({ status: 204 });
  }

  /** Beside Marathon's: why apps wait, in words. */
  @Mount('/v1/why', MARATHON)
  why(_request: MountedRequest, context: Context): unknown {
    const nowMs = context.clock.now();
    const waiting = this.#services.queue.entries().flatMap(([app, one]) => {
      if (one.count === 0 || visibleApp(this.#services, app) === undefined) return [];
      const leftMs = Math.max(0, (one.delayedUntilMs ?? 0) - nowMs);
      const failed = leftMs > 0 ? ['instances have failed: the next try waits'] : [];
      return [
        {
          app,
          count: one.count,
          since: timestamp(one.sinceMs),
          delaySeconds: Math.ceil(leftMs / 1000),
          offers: one.processed,
          reasons: [...failed, ...(leftMs > 0 ? [] : one.words)],
        },
      ];
    });
    return { waiting };
  }

  @Mount('/v2', MARATHON)
  answer(request: MountedRequest, context: Context): unknown {
    const services = this.#services;
    const call = new Call(request, { services, context, options: services.options });
    const path = decoded(request.path).split('/').filter(Boolean).slice(1);
    const [area, ...rest] = path;
    const below = rest.join('/');
    switch (area) {
      case 'apps':
        return answerApps(call, below);
      case 'groups':
        return answerGroups(call, below);
      case 'tasks':
        return answerTasks(call, below);
      case 'deployments':
        return answerDeployments(call, below);
      case 'queue':
        return answerQueue(call, below);
      case 'events':
        return answerEvents(call);
      case 'info':
        return infoOf(call);
      case 'leader':
        if (call.allow('GET', 'DELETE') === 'GET') return { leader: call.header('host') ?? '' };
        return new HttpAnswer({ json: { message: 'Leadership abdicated' }, resigns: true });
      case 'plugins':
        return { plugins: [] };
      default:
        throw refuseApi(404, `there is nothing at ${request.path}`);
    }
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refuseApi(400, `'${path}' is not well encoded`);
  }
}

function answerGroups(call: Call, below: string): unknown {
  if (call.method !== 'GET' && call.method !== 'HEAD') {
    const message =
      'groups are read only: they come and go with their apps. PUT /v2/apps takes a list of apps, and makes ' +
      'one deployment of them';
    throw new ApiRefused(405, { message }, { Allow: 'GET' });
  }
  const { services, context, query } = call;
  const apps = visibleApps(services);
  const [, path, isVersions] = /^(.*?)\/?(versions)?$/.exec(below) ?? [];
  const id = canonicalId(path ?? '');
  const version = latestVersion(apps);
  if (id !== '/' && !apps.some((app) => app.id.startsWith(`${id}/`))) {
    throw refuseApi(404, `Group '${id}' does not exist`);
  }
  if (isVersions !== undefined) return [version];
  const asked = query.getAll('embed');
  const withApps = asked.length === 0 || asked.some((name) => name.startsWith('group.apps'));
  const withGroups = asked.length === 0 || asked.includes('group.groups');
  const embeds = embedsOf(query);
  const render = (app: App): Readonly<Record<string, unknown>> =>
    appJson(services, app, { context, embeds });
  return groupJson(id, apps, { version, withGroups, render: withApps ? render : undefined });
}

function latestVersion(apps: readonly App[]): string {
  const versions = apps.map(({ version }) => version).toSorted();
  return versions.at(-1) ?? timestamp(0);
}

function answerTasks(call: Call, below: string): unknown {
  const { services } = call;
  if (below === 'delete') return killMany(call);
  if (below !== '') throw refuseApi(404, `there is nothing at ${call.path}`);
  call.allow('GET');
  const wanted = [...call.query.getAll('status'), ...call.query.getAll('status[]')];
  const tasks = allInstances(call).filter(({ task }) => {
    if (wanted.length === 0) return true;
    const isRunning = task.state === 'RUNNING' || task.state === 'KILLING';
    return wanted.includes(isRunning ? 'running' : 'staging');
  });
  if (call.wantsTable) return taskTable(visibleApps(services), tasks);
  return { tasks: tasks.map((one) => taskJson(services, one)) };
}

function killMany(call: Call): Promise<unknown> {
  call.allow('POST');
  const ids: unknown = Reflect.get(Object(call.body), 'ids');
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) {
    throw refuseApi(400, "the body must be {'ids': [...]} with ids of tasks");
  }
  const chosen = new Set<unknown>(ids);
  const victims = allInstances(call).filter(({ task }) => chosen.has(task.id));
  return killed(call, victims, (tasks) => ({ tasks }));
}

function answerDeployments(call: Call, below: string): unknown {
  const { services, changing } = call;
  if (below === '') {
    call.allow('GET');
    return services.deployments.values().map(deploymentJson);
  }
  call.allow('DELETE');
  const record = services.deployments.get(below);
  if (record === undefined) throw refuseApi(404, `DeploymentPlan '${below}' does not exist`);
  for (const id of Object.keys(record.changes)) services.touch(id);
  if (call.flag('force', false)) {
    cancelDeployment(changing.scene, record);
    return call.done(new HttpAnswer({ status: 202 }));
  }
  const back = rollBack(changing.scene, record);
  return call.done(startedJson(back));
}

function answerQueue(call: Call, below: string): unknown {
  const { services, context, query } = call;
  const delay = /^(.+)\/delay$/.exec(below);
  if (delay !== null) {
    call.allow('DELETE');
    const { id } = theApp(call, canonicalId(delay[1] ?? ''));
    services.delays.delete(id);
    services.touch(id);
    return new HttpAnswer({ status: 204 });
  }
  if (below !== '') throw refuseApi(404, `there is nothing at ${call.path}`);
  call.allow('GET');
  const nowMs = context.clock.now();
  const time = (ms: number | undefined, name: string): object =>
    ms === undefined ? {} : { [name]: timestamp(ms) };
  const queue = services.queue.entries().flatMap(([id, waiting]) => {
    const app = visibleApp(services, id);
    if (app === undefined || waiting.count === 0) return [];
    const { delayedUntilMs } = waiting;
    const leftMs = delayedUntilMs === undefined ? 0 : Math.max(0, delayedUntilMs - nowMs);
    return [
      {
        app,
        count: waiting.count,
        role: app.role,
        delay: { timeLeftSeconds: Math.ceil(leftMs / 1000), overdue: leftMs === 0 },
        since: timestamp(waiting.sinceMs),
        processedOffersSummary: {
          processedOffersCount: waiting.processed,
          unusedOffersCount: waiting.unused,
          ...time(waiting.lastUnusedAtMs, 'lastUnusedOfferAt'),
          ...time(waiting.lastUsedAtMs, 'lastUsedOfferAt'),
          rejectSummaryLastOffers: funnelOf(waiting.last),
          rejectSummaryLaunchAttempt: funnelOf(waiting.attempt),
        },
        ...(query.getAll('embed').some((name) => name.endsWith('lastUnusedOffers'))
          ? { lastUnusedOffers: [...waiting.offers.values()].map(unusedOfferJson) }
          : {}),
      },
    ];
  });
  return { queue };
}

function answerEvents(call: Call): unknown {
  call.allow('GET');
  const { services, query } = call;
  const accept = call.header('accept') ?? '*/*';
  if (!/text\/event-stream|\*\/\*|text\/\*/.test(accept)) {
    throw refuseApi(406, "events are a stream: ask for 'Accept: text/event-stream'");
  }
  const isLight = query.get('plan-format') === 'light';
  const remoteAddress = call.client;
  const tell = (eventType: string): void => {
    const time = timestamp(call.context.clock.now());
    services.hub.publish([{ eventType, timestamp: time, remoteAddress }]);
  };
  return services.hub.stream({
    types: query
      .getAll('event_type')
      .flatMap((types) => types.split(','))
      .filter(Boolean),
    lastId: call.header('last-event-id'),
    shape: isLight ? light : (event) => event,
    onOpen: () => tell('event_stream_attached'),
    onEnd: () => tell('event_stream_detached'),
  });
}

/** Without the groups of plans, which can be large. */
function light(event: ServiceEvent): unknown {
  const { plan } = event;
  if (typeof plan !== 'object' || plan === null) return event;
  const rest = Object.entries(plan).filter(([name]) => name !== 'original' && name !== 'target');
  return { ...event, plan: Object.fromEntries(rest) };
}

function infoOf(call: Call): unknown {
  call.allow('GET');
  const { services, context } = call;
  const host = call.header('host') ?? '';
  const { masters, roles } = services.options;
  return {
    name: 'marathon',
    version: MARATHON_VERSION,
    buildref: 'plateau',
    elected: true,
    leader: host,
    frameworkId: context.frameworkId ?? null,
    marathon_config: {
      master: masters,
      mesos_leader_ui_url: masters.split(',')[0] ?? '',
      framework_name: services.options.name,
      mesos_role: roles[0] ?? '*',
      hostname: host.split(':')[0] ?? '',
      http_port: Number(host.split(':')[1] ?? 80),
      ha: true,
      checkpoint: true,
      failover_timeout: 604_800,
      local_port_min: 10_000,
      local_port_max: 20_000,
      reconciliation_initial_delay: 0,
      reconciliation_interval: 600_000,
      scale_apps_interval: 300_000,
      task_launch_timeout: 300_000,
      task_reservation_timeout: 20_000,
      webui_url: null,
      features: [],
    },
    zookeeper_config: { zk: '' },
    http_config: { http_port: Number(host.split(':')[1] ?? 80), https_port: null },
  };
}
