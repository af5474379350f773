/**
 * The task that runs an instance of an app: resources, command, ports, environment, health check. What only
 * the offer tells (numbers of ports, the id) is added when the task has its place.
 */
import { type TaskSpec, task } from '../../../sdk/index.js';
import { type App, type AppHealthCheck, portsOf } from './app.js';
import { discoveryNameOf, taskNameOf } from './app-id.js';

type Adapt = NonNullable<TaskSpec['adapt']>;
type TaskInfo = Parameters<Adapt>[0];
type ContainerInfo = NonNullable<TaskSpec['container']>;
type HealthCheck = NonNullable<TaskSpec['healthCheck']>;

/** What is stored with each task, to know it again. */
export interface InstanceData {
  readonly app: string;
  readonly version: string;
  /** `versionInfo.lastConfigChangeAt` of the version: equal for instances that are alike. */
  readonly config: string;
  /** Whether a health check judges it. */
  readonly checked: boolean;
}

/** Labels with longer values are not passed on in variables. */
export const MAX_LABEL_VARIABLE_LENGTH = 512;
/** Stands for a check that never kills. */
const NEVER = 1_000_000_000;

/** @throws PlateauError `INVALID_TASK` for what no agent could run. */
export function taskOfApp(app: App): TaskSpec {
  const { id, cmd, args, env, user, fetch, constraints, healthChecks } = app;
  const data: InstanceData = {
    app: id,
    version: app.version,
    config: app.versionInfo.lastConfigChangeAt,
    checked: healthChecks.length > 0,
  };
  const command = cmd ?? (args === undefined || args.length === 0 ? undefined : args);
  const container = containerOf(app);
  const grace = app.taskKillGracePeriodSeconds;
  return task({
    name: taskNameOf(id),
    cpus: app.cpus,
    memMiB: app.mem,
    ...(app.disk > 0 ? { diskMiB: app.disk } : {}),
    ...(app.gpus > 0 ? { gpus: app.gpus } : {}),
    ...(command === undefined ? {} : { command }),
    ...(container === undefined ? {} : { container }),
    ...(user === undefined ? {} : { user }),
    env,
    labels: app.labels,
    role: app.role,
    ports: portsOf(app).map(({ name, host, protocol }) => ({
      ...(name === undefined ? {} : { name }),
      ...(host === 0 ? {} : { port: host }),
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
    })),
    uris: fetch.map(({ uri, extract, executable, cache, destPath }) => ({
      value: uri,
      extract,
      executable,
      cache,
      ...(destPath === undefined ? {} : { output_file: destPath }),
    })),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- judged when the app came
    constraints: constraints as unknown as NonNullable<TaskSpec['constraints']>,
    ...(grace === undefined ? {} : { killGrace: grace * 1000 }),
    data: { ...data },
    adapt: (info) => adapted(app, info),
  });
}

function containerOf({ container }: App): ContainerInfo | undefined {
  if (container === undefined) return undefined;
  const { type, docker, volumes } = container;
  if (docker === undefined && volumes.length === 0) return undefined;
  const mounted = volumes.map(({ containerPath, hostPath, mode }) => ({
    container_path: containerPath,
    host_path: hostPath,
    mode,
  }));
  const given = mounted.length === 0 ? {} : { volumes: mounted };
  if (docker === undefined) return { type: 'MESOS', ...given };
  const { image, forcePullImage, privileged, parameters } = docker;
  if (type === 'DOCKER') {
    const run = { image, privileged, force_pull_image: forcePullImage, parameters };
    return { type: 'DOCKER', docker: { ...run, network: 'HOST' }, ...given };
  }
  const found = { type: 'DOCKER', docker: { name: image }, cached: !forcePullImage } as const;
  return { type: 'MESOS', mesos: { image: found }, ...given };
}

function adapted(app: App, info: TaskInfo): TaskInfo {
  const ports = (info.discovery?.ports?.ports ?? []).map(({ number }) => number);
  const [check] = app.healthChecks;
  return {
    ...info,
    name: discoveryNameOf(app.id),
    ...commandOf(app, info, ports),
    ...(check === undefined ? {} : { health_check: healthCheckOf(check, ports) }),
    ...(info.discovery === undefined
      ? {}
      : { discovery: { ...info.discovery, name: discoveryNameOf(app.id) } }),
  };
}

function commandOf(app: App, info: TaskInfo, ports: readonly number[]): Pick<TaskInfo, 'command'> {
  const { command } = info;
  if (command === undefined) return {};
  const before = command.environment?.variables ?? [];
  const known = new Set(before.map(({ name }) => name));
  const added = Object.entries(variablesOf(app, info.task_id.value, ports))
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => ({ name, value }));
  const environment = { variables: [...before, ...added] };
  if (app.container?.docker === undefined || app.cmd !== undefined) {
    return { command: { ...command, environment } };
  }
  // The image knows the program: what is given are its arguments.
  const { uris, user } = command;
  return {
    command: {
      shell: false,
      ...(app.args === undefined ? {} : { arguments: app.args }),
      environment,
      ...(uris === undefined ? {} : { uris }),
      ...(user === undefined ? {} : { user }),
    },
  };
}

/** Marathon's variables, beside those for host and ports that every task has. */
function variablesOf(
  app: App,
  taskId: string,
  ports: readonly number[],
): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {
    MESOS_TASK_ID: taskId,
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: app.version,
    MARATHON_APP_RESOURCE_CPUS: decimal(app.cpus),
    MARATHON_APP_RESOURCE_MEM: decimal(app.mem),
    MARATHON_APP_RESOURCE_DISK: decimal(app.disk),
    MARATHON_APP_RESOURCE_GPUS: String(app.gpus),
  };
  const image = app.container?.docker?.image;
  if (image !== undefined) variables['MARATHON_APP_DOCKER_IMAGE'] = image;
  const labels = Object.entries(app.labels).filter(
    ([, value]) => value.length < MAX_LABEL_VARIABLE_LENGTH,
  );
  const names = labels.map(([name]) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_'));
  variables['MARATHON_APP_LABELS'] = names.join(' ');
  for (const [index, [, value]] of labels.entries()) {
    variables[`MARATHON_APP_LABEL_${names[index] ?? ''}`] = value;
  }
  for (const [index, { service, container }] of portsOf(app).entries()) {
    const number = container > 0 ? container : service;
    if (number > 0) variables[`PORT_${number}`] = String(ports[index] ?? 0);
  }
  return variables;
}

/** As Marathon writes them: `1.0`. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** Checks by the scheduler are done by the agent: only there they outlive the scheduler. */
function healthCheckOf(check: AppHealthCheck, ports: readonly number[]): HealthCheck {
  const common = {
    delay_seconds: check.delaySeconds,
    interval_seconds: check.intervalSeconds,
    timeout_seconds: check.timeoutSeconds,
    consecutive_failures: check.maxConsecutiveFailures === 0 ? NEVER : check.maxConsecutiveFailures,
    grace_period_seconds: check.gracePeriodSeconds,
  };
  const port = check.port ?? ports[check.portIndex ?? 0] ?? 0;
  const protocol = check.ipProtocol === 'IPv6' ? 'IPv6' : 'IPv4';
  switch (check.protocol) {
    case 'COMMAND':
      return { ...common, type: 'COMMAND', command: { value: check.command?.value ?? 'true' } };
    case 'TCP':
    case 'MESOS_TCP':
      return { ...common, type: 'TCP', tcp: { port, protocol } };
    default: {
      const scheme = check.protocol.endsWith('HTTPS') ? 'https' : 'http';
      return { ...common, type: 'HTTP', http: { port, path: check.path ?? '/', scheme, protocol } };
    }
  }
}
