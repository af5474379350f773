/** Makes the message of a placed task, and what the runtime records of it. */
import type {
  CommandInfo,
  CommandInfoURI,
  DiscoveryInfo,
  Offer,
  TaskInfo,
} from '../../core/api/index.js';
import { toDurationInfo } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { type PlannedTask, durationMs, portVariable } from '../decisions/index.js';
import type { Placed } from './place-tasks.js';
import type { Taken } from './view.js';

/** While it is put together. Spreading parts into a literal costs microseconds, and there are many tasks. */
type Open<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The message that launches a placed task.
 * @throws PlateauError `INVALID_TASK` when `adapt` has changed the id or the agent.
 */
export function taskInfoOf(placed: Placed): TaskInfo {
  const { id, spec, view, taken } = placed;
  const { executor, killGrace, maxRunTime } = spec;
  const info: Open<TaskInfo> = {
    name: spec.name,
    task_id: { value: id },
    agent_id: view.offer.agent_id,
    resources: taken.resources,
  };
  if (executor === undefined) info.command = commandOf(placed);
  else info.executor = executor;
  if (spec.container !== undefined) info.container = spec.container;
  if (spec.healthCheck !== undefined) info.health_check = spec.healthCheck;
  if (spec.check !== undefined) info.check = spec.check;
  if (killGrace !== undefined) {
    info.kill_policy = { grace_period: toDurationInfo(durationMs(killGrace)) };
  }
  if (maxRunTime !== undefined) info.max_completion_time = toDurationInfo(durationMs(maxRunTime));
  if (spec.payload !== undefined) info.data = base64(spec.payload);
  if (spec.labels !== undefined) info.labels = { labels: pairsOf(spec.labels) };
  if (taken.ports.length > 0) info.discovery = discoveryOf(placed);
  if (spec.adapt === undefined) return info;
  const adapted = spec.adapt(info, view.offer);
  if (adapted.task_id.value === id && adapted.agent_id.value === view.agentId) return adapted;
  throw new PlateauError(
    'INVALID_TASK',
    `'adapt' of task '${spec.name}' has changed 'task_id' or 'agent_id': leave both as they are`,
    { context: { name: spec.name, task: id } },
  );
}

/** What the runtime records before the launch. */
export function plannedTaskOf({ id, spec, view, taken }: Placed): PlannedTask {
  const { key, executor, data } = spec;
  const planned: Open<PlannedTask> = {
    id,
    name: spec.name,
    role: view.role,
    agentId: view.agentId,
    hostname: view.hostname,
    attributes: view.attributes,
    cpus: spec.cpus,
    memMiB: spec.memMiB,
    ports: taken.ports,
  };
  const agentUrl = urlOf(view.offer);
  if (agentUrl !== undefined) planned.agentUrl = agentUrl;
  if (key !== undefined) planned.key = key;
  if (executor !== undefined) planned.executorId = executor.executor_id.value;
  if (data !== undefined) planned.data = data;
  return planned;
}

function urlOf({ url }: Offer): string | undefined {
  if (url === undefined) return undefined;
  const { ip, hostname, port } = url.address;
  const host = ip ?? hostname ?? '';
  return `${url.scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function commandOf(placed: Placed): CommandInfo {
  const { command, uris, user } = placed.spec;
  const info: Open<CommandInfo> = {
    // Without a command, the container's image knows what to run.
    shell: typeof command === 'string',
    environment: { variables: environmentOf(placed) },
  };
  if (typeof command === 'string') info.value = command;
  else if (command !== undefined) {
    info.value = command[0];
    info.arguments = command;
  }
  if (uris !== undefined) info.uris = uris.map(uriOf);
  if (user !== undefined) info.user = user;
  return info;
}

function uriOf(uri: string | CommandInfoURI): CommandInfoURI {
  return typeof uri === 'string' ? { value: uri } : uri;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The variables of a task; what the description says wins. */
function environmentOf({ spec, view, taken }: Placed): readonly Variable[] {
  const { env } = spec;
  const variables: Variable[] = [
    { name: 'HOST', value: env?.['HOST'] ?? view.hostname },
    { name: 'PLATEAU_TASK_NAME', value: env?.['PLATEAU_TASK_NAME'] ?? spec.name },
  ];
  const add = (name: string, value: string): void => {
    variables.push({ name, value: env?.[name] ?? value });
  };
  if (spec.key !== undefined) add('PLATEAU_TASK_KEY', spec.key);
  if (taken.ports.length > 0) addPorts(taken, add);
  if (env === undefined) return variables;
  const own = new Set(variables.map(({ name }) => name));
  for (const [name, value] of Object.entries(env)) {
    if (!own.has(name)) variables.push({ name, value });
  }
  return variables;
}

function addPorts({ ports, portSpecs }: Taken, add: (name: string, value: string) => void): void {
  add('PORT', String(ports[0]));
  add('PORTS', ports.join(','));
  for (const [index, { name }] of portSpecs.entries()) {
    const port = String(ports[index]);
    add(`PORT${index}`, port);
    if (name !== undefined) add(portVariable(name), port);
  }
}

function discoveryOf({ spec, taken }: Placed): DiscoveryInfo {
  const ports = taken.portSpecs.map(({ name, protocol = 'tcp' }, index) => {
    const number = taken.ports[index] ?? 0;
    return name === undefined ? { number, protocol } : { number, name, protocol };
  });
  return { visibility: 'FRAMEWORK', name: spec.name, ports: { ports } };
}

function pairsOf(labels: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(labels).map(([key, value]) => ({ key, value }));
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
