/** Routes below `/v2/apps`. */
import { HttpAnswer } from '../../../sdk/admin/index.js';
import { type Context, kill } from '../../../sdk/index.js';
import type { App } from '../apps/app.js';
import { canonicalId } from '../apps/app-id.js';
import type { Instance } from '../decide/instances.js';
import type { DeploymentRecord } from '../state/model.js';
import { versionsOf, visibleApp, visibleApps } from '../state/model.js';
import type { Call } from './call.js';
import { ApiRefused, invalid, noApp, refuseApi } from './refusals.js';
import { appJson, embedsOf, startedJson, taskJson, taskTable } from './render.js';
import { parseSelector } from './selector.js';

const LISTED: readonly string[] = ['counts', 'deployments'];
const SHOWN: readonly string[] = ['counts', 'deployments', 'tasks', 'lastTaskFailure'];

/** Answers a request; `rest`: the path below `/v2/apps`, decoded, without slashes around it. */
export function answerApps(call: Call, rest: string): unknown {
  if (rest === '') return answerList(call);
  const task = /^(.+)\/tasks\/([^/]+)$/.exec(rest);
  if (task !== null) return killOne(call, canonicalId(task[1] ?? ''), task[2] ?? '');
  const version = /^(.+)\/versions\/([^/]+)$/.exec(rest);
  if (version !== null) return showVersion(call, canonicalId(version[1] ?? ''), version[2] ?? '');
  const [, id, part] = /^(.+)\/(tasks|versions|restart|\*)$/.exec(rest) ?? [];
  const appId = canonicalId(id ?? rest);
  switch (part) {
    case 'tasks':
      return call.method === 'DELETE' ? killAll(call, appId) : listTasks(call, appId);
    case 'versions':
      call.allow('GET');
      return {
        versions: versionsOf(call.services, theApp(call, appId).id).map((app) => app.version),
      };
    case 'restart':
      return restart(call, appId);
    case '*':
      call.allow('GET');
      return { '*': listed(call, (app) => app.id.startsWith(`${appId}/`)) };
    default:
      return rest === '*' ? { '*': listed(call, () => true) } : answerApp(call, appId);
  }
}

/** The app. @throws ApiRefused 404 */
export function theApp({ services }: Call, id: string): App {
  const app = visibleApp(services, id);
  if (app === undefined) throw noApp(id);
  return app;
}

function answerList(call: Call): unknown {
  switch (call.allow('GET', 'POST', 'PUT', 'PATCH')) {
    case 'POST':
      return create(call, call.body);
    case 'PUT':
    case 'PATCH':
      return updateMany(call);
    default:
      return { apps: listed(call, () => true) };
  }
}

function listed(call: Call, isMeant: (app: App) => boolean): readonly unknown[] {
  const { services, query, context } = call;
  const embeds = new Set([...embedsOf(query), ...LISTED]);
  const cmd = query.get('cmd') ?? '';
  const id = (query.get('id') ?? '').toLowerCase();
  const label = query.get('label') ?? '';
  const selector = label === '' ? () => true : parseSelector(label);
  if (selector === undefined)
    throw refuseApi(400, `label: '${label}' is no selector, such as a==b`);
  return visibleApps(services)
    .filter((app) => isMeant(app))
    .filter((app) => (app.cmd ?? '').includes(cmd) && app.id.toLowerCase().includes(id))
    .filter((app) => selector(app.labels))
    .map((app) => appJson(services, app, { context, embeds }));
}

function answerApp(call: Call, id: string): unknown {
  switch (call.allow('GET', 'PUT', 'PATCH', 'DELETE')) {
    case 'PUT':
    case 'PATCH':
      return update(call, id);
    case 'DELETE': {
      // Marathon's own default, whatever its pages say.
      const record = call.changing.remove(id, call.flag('force', true));
      return call.done(started(record));
    }
    default: {
      const embeds = new Set([...embedsOf(call.query), ...SHOWN]);
      const { services, context } = call;
      return { app: appJson(services, theApp(call, id), { context, embeds }) };
    }
  }
}

function started(record: DeploymentRecord, status = 200): HttpAnswer {
  return new HttpAnswer({
    status,
    headers: { 'Marathon-Deployment-Id': record.id },
    json: startedJson(record),
  });
}

function create(call: Call, body: unknown): HttpAnswer {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refuseApi(400, 'the body must be an app as a JSON object');
  }
  const { app, record } = call.changing.create(body, call.flag('force', false));
  return call.done(created(call, app, record));
}

function created(call: Call, app: App, record: DeploymentRecord): HttpAnswer {
  const { services, context } = call;
  call.log.add('api_post_event', context.clock.now(), {
    clientIp: call.client,
    uri: call.path,
    appDefinition: app,
  });
  const embeds = new Set(SHOWN);
  return new HttpAnswer({
    status: 201,
    headers: { Location: `/v2/apps${app.id}`, 'Marathon-Deployment-Id': record.id },
    json: appJson(services, app, { context, embeds }),
  });
}

function update(call: Call, id: string): HttpAnswer {
  const { services, changing } = call;
  const isPartial = call.method === 'PATCH' || call.flag('partialUpdate', true);
  if (visibleApp(services, id) === undefined) {
    if (call.method === 'PATCH') throw noApp(id);
    const { app, record } = changing.createAt(id, call.body, call.flag('force', false));
    return call.done(created(call, app, record));
  }
  const app = changing.updated(id, call.body, isPartial);
  const record = changing.update([app], call.flag('force', false));
  call.log.add('api_post_event', call.context.clock.now(), {
    clientIp: call.client,
    uri: call.path,
    appDefinition: app,
  });
  return call.done(started(record));
}

function updateMany(call: Call): HttpAnswer {
  const { body, changing, services } = call;
  if (!Array.isArray(body)) throw refuseApi(400, 'the body must be a list of apps');
  const isPartial = call.method === 'PATCH' || call.flag('partialUpdate', true);
  const seen = new Set<string>();
  const apps = body.map((value: unknown, index) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid([{ path: `(${index})`, message: 'must be an app as a JSON object' }]);
    }
    const given: unknown = Reflect.get(value, 'id');
    const id = canonicalId(typeof given === 'string' ? given : '');
    if (seen.has(id)) throw invalid([{ path: `(${index})/id`, message: `'${id}' is there twice` }]);
    seen.add(id);
    try {
      return changing.updated(id, value, isPartial && visibleApp(services, id) !== undefined);
    } catch (error) {
      throw error instanceof ApiRefused ? placed(error, index) : error;
    }
  });
  const record = changing.update(apps, call.flag('force', false));
  return call.done(started(record));
}

/** The same refusal, with paths that say which of the list is meant. */
function placed(refused: ApiRefused, index: number): ApiRefused {
  const { details, message } = refused.body;
  if (!Array.isArray(details)) return refused;
  const moved = details.map((detail: unknown) => {
    const path: unknown = Reflect.get(Object(detail), 'path');
    return { ...Object(detail), path: `(${index})${String(path)}` };
  });
  return new ApiRefused(refused.status, { message: String(message), details: moved });
}

function restart(call: Call, id: string): HttpAnswer {
  call.allow('POST');
  const app = call.changing.restarted(id);
  return call.done(started(call.changing.update([app], call.flag('force', false))));
}

function showVersion(call: Call, id: string, version: string): unknown {
  call.allow('GET');
  theApp(call, id);
  const found = call.services.versions.get(`${id} ${version}`);
  if (found !== undefined) return found;
  throw refuseApi(404, `App '${id}' does not have the version '${version}'`);
}

function listTasks(call: Call, id: string): unknown {
  call.allow('GET', 'DELETE');
  const { services, context } = call;
  const { id: appId } = theApp(call, id);
  const instances = services.instancesOf(appId, context);
  if (call.wantsTable) return taskTable([theApp(call, appId)], instances);
  return { tasks: instances.map((one) => taskJson(services, one)) };
}

function killAll(call: Call, id: string): Promise<unknown> {
  const app = theApp(call, id);
  const host = call.query.get('host') ?? '';
  const victims = call.services
    .instancesOf(app.id, call.context)
    .filter(({ task }) => host === '' || host === '*' || task.hostname === host);
  return killed(call, victims, (tasks) => ({ tasks }));
}

async function killOne(call: Call, id: string, taskId: string): Promise<unknown> {
  call.allow('DELETE');
  const app = theApp(call, id);
  const found = call.services
    .instancesOf(app.id, call.context)
    .find(({ task }) => task.id === taskId);
  if (found === undefined) throw refuseApi(404, `Task '${taskId}' does not exist`);
  return await killed(call, [found], ([task]) => ({ task }));
}

/** Ends instances. With `scale` their apps are to have fewer; else others take their places. */
export async function killed(
  call: Call,
  victims: readonly Instance[],
  render: (tasks: readonly unknown[]) => unknown,
): Promise<unknown> {
  const isScaled = call.flag('scale', false);
  if (isScaled && call.flag('wipe', false))
    throw refuseApi(400, 'scale and wipe exclude each other');
  const shown = victims.map((one) => taskJson(call.services, one));
  const answer = isScaled ? scaleDown(call, victims) : render(shown);
  await call.context.decide(victims.map(({ task }) => kill(task)));
  for (const { data } of victims) call.services.touch(data.app);
  return call.done(answer);
}

function scaleDown(call: Call, victims: readonly Instance[]): unknown {
  const gone = new Map<string, number>();
  for (const { task, data } of victims) {
    if (task.killedAt === undefined) gone.set(data.app, (gone.get(data.app) ?? 0) + 1);
  }
  const apps = [...gone].map(([id, count]) => {
    const app = theApp(call, id);
    return call.changing.scaled(app, Math.max(0, app.instances - count));
  });
  return started(call.changing.update(apps, call.flag('force', false)));
}

/** Instances of all apps that are shown. */
export function allInstances(call: Call): readonly Instance[] {
  const { services, context }: { services: Call['services']; context: Context } = call;
  return visibleApps(services).flatMap((app) => services.instancesOf(app.id, context));
}
