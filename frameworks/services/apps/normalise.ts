/**
 * From the JSON that came to an app: checks, defaults, the new forms of deprecated fields, and what fields
 * may not be together. All problems are told at once, with Marathon's paths (`/healthChecks(0)/portIndex`).
 */
import { type Problem, checkShape } from '../../../sdk/framework/index.js';
import type {
  App,
  AppDraft,
  AppFetch,
  AppHealthCheck,
  Container,
  PortDefinition,
  PortMapping,
  UnreachableStrategy,
  UpgradeStrategy,
} from './app.js';
import { appIdProblem, canonicalId, resolveId } from './app-id.js';
import {
  AppDocument,
  type HealthCheckDocument,
  type PortMappingDocument,
  toConstraint,
} from './document.js';

/** What is wrong with an app; `path` as Marathon writes it. */
export interface AppProblem {
  readonly path: string;
  readonly message: string;
}

export type Normalised =
  | { readonly kind: 'good'; readonly app: AppDraft }
  | { readonly kind: 'bad'; readonly problems: readonly AppProblem[] };

export interface NormaliseOptions {
  /** Roles of the framework; the first is the default. */
  readonly roles: readonly string[];
  readonly allowsGpus: boolean;
}

/** The app that some JSON describes. Unknown fields, and those of answers, are left out. */
export function normaliseApp(value: unknown, options: NormaliseOptions): Normalised {
  const checked = checkShape(AppDocument, value, '', 'ignore');
  if (checked.kind === 'bad') {
    const problems = checked.problems.map(pathed);
    return { kind: 'bad', problems: [...problems, ...problemsOfRest(value, problems, options)] };
  }
  const { app, problems } = judged(checked.value, options);
  return problems.length === 0 ? { kind: 'good', app } : { kind: 'bad', problems };
}

function judged(
  document: AppDocument,
  options: NormaliseOptions,
): { readonly app: AppDraft; readonly problems: readonly AppProblem[] } {
  const problems: AppProblem[] = [];
  const app = draftOf(document, options);
  addTogetherProblems(app, { document, options, problems });
  return { app, problems };
}

/** Fields without which nothing can be said about others. */
const NEEDED_FOR: ReadonlyMap<string, readonly string[]> = new Map([
  ['cmd', ['cmd', 'args', 'container']],
  ['container', ['networks']],
  ['portDefinitions', ['networks', 'container']],
  ['healthChecks', ['ports', 'portDefinitions', 'networks', 'container']],
  ['acceptedResourceRoles', ['role']],
  ['instances', ['labels']],
]);

/** What else is wrong, beside the fields that cannot be read: all is told at once. */
function problemsOfRest(
  value: unknown,
  known: readonly AppProblem[],
  options: NormaliseOptions,
): readonly AppProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const fieldOf = ({ path }: AppProblem): string => /^\/(\w*)/.exec(path)?.[1] ?? '';
  const unread = new Set(known.map(fieldOf));
  const entries = Object.entries(value).filter(([name]) => !unread.has(name));
  const rest = { id: '/x', ...Object.fromEntries(entries) };
  const checked = checkShape(AppDocument, rest, '', 'ignore');
  if (checked.kind === 'bad') return [];
  return judged(checked.value, options).problems.filter((problem) => {
    const field = fieldOf(problem);
    const needed = [field, ...(NEEDED_FOR.get(field) ?? [])];
    return !needed.some((name) => unread.has(name));
  });
}

function pathed({ path, message }: Problem): AppProblem {
  const steps = path.replaceAll(/\[(\d+)\]/g, '($1)').replaceAll('.', '/');
  return { path: `/${steps}`, message };
}

/** What a partial update makes of an app, as JSON: its fields replace those of the app. */
export function mergeApp(app: App, changes: Readonly<Record<string, unknown>>): unknown {
  const merged = new Map<string, unknown>(Object.entries(app));
  const drop = (field: string, ...unless: readonly string[]): void => {
    if (unless.some((name) => changes[name] !== undefined)) merged.delete(field);
  };
  drop('args', 'cmd');
  drop('cmd', 'args');
  drop('fetch', 'uris');
  drop('portDefinitions', 'ports', 'networks', 'container');
  if (changes['container'] !== undefined && changes['networks'] === undefined) {
    // The deprecated form says the network in the container.
    const docker: unknown = Reflect.get(Object(changes['container']), 'docker');
    if (Reflect.get(Object(docker), 'network') !== undefined) merged.delete('networks');
    else if (changes['portDefinitions'] === undefined && app.portDefinitions !== undefined) {
      merged.set('portDefinitions', app.portDefinitions);
    }
  }
  for (const [field, value] of Object.entries(changes)) {
    if (value === null) merged.delete(field);
    else if (value !== undefined) merged.set(field, value);
  }
  return { ...Object.fromEntries(merged), id: app.id };
}

function draftOf(document: AppDocument, { roles }: NormaliseOptions): AppDraft {
  const id = canonicalId(document.id);
  const container = containerOf(document);
  const mode = modeOf(document);
  const optional = {
    cmd: document.cmd ?? undefined,
    args: document.args ?? undefined,
    user: document.user ?? undefined,
    container,
    portDefinitions: mode === 'host' ? portDefinitionsOf(document) : undefined,
    taskKillGracePeriodSeconds: document.taskKillGracePeriodSeconds ?? undefined,
    acceptedResourceRoles: document.acceptedResourceRoles ?? undefined,
  };
  const isSingle = document.labels?.['MARATHON_SINGLE_INSTANCE_APP'] === 'true';
  return {
    id,
    ...defined(optional),
    cpus: document.cpus ?? 1,
    mem: document.mem ?? 128,
    disk: document.disk ?? 0,
    gpus: document.gpus ?? 0,
    instances: document.instances ?? 1,
    env: { ...document.env },
    labels: { ...document.labels },
    // Judged before.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    constraints: (document.constraints ?? []).map(toConstraint) as readonly string[][],
    fetch: fetchOf(document),
    dependencies: (document.dependencies ?? []).map((each) => resolveId(each, id)),
    healthChecks: (document.healthChecks ?? []).map(healthCheckOf),
    readinessChecks: [],
    networks: [{ mode }],
    requirePorts: document.requirePorts ?? false,
    backoffSeconds: document.backoffSeconds ?? 1,
    backoffFactor: document.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: document.maxLaunchDelaySeconds ?? 300,
    upgradeStrategy: {
      ...extrasOf(document),
      minimumHealthCapacity: document.upgradeStrategy?.minimumHealthCapacity ?? (isSingle ? 0 : 1),
      maximumOverCapacity: document.upgradeStrategy?.maximumOverCapacity ?? (isSingle ? 0 : 1),
    },
    unreachableStrategy: unreachableOf(document.unreachableStrategy),
    killSelection: document.killSelection ?? 'YOUNGEST_FIRST',
    executor: '',
    role: document.role ?? roles[0] ?? '*',
  };
}

/** What of the upgrade strategy is ours: there only when it was given. */
function extrasOf({ upgradeStrategy }: AppDocument): Partial<UpgradeStrategy> {
  const { progressDeadlineSeconds, autoRevert, minHealthySeconds } = upgradeStrategy ?? {};
  return defined({ progressDeadlineSeconds, autoRevert, minHealthySeconds });
}

/** Without members that are undefined or null. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined | null> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined && each !== null);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only such members are left
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined | null> };
}

function modeOf({ networks, container }: AppDocument): 'host' | 'container/bridge' {
  const given = networks?.[0]?.mode;
  if (given !== undefined && given !== null) return given;
  return container?.docker?.network === 'BRIDGE' ? 'container/bridge' : 'host';
}

function portDefinitionsOf({ portDefinitions, ports }: AppDocument): readonly PortDefinition[] {
  if (portDefinitions !== undefined && portDefinitions !== null) {
    return portDefinitions.map(({ port, protocol, name, labels }) => ({
      port: port ?? 0,
      protocol: protocol ?? 'tcp',
      ...(name === undefined || name === null ? {} : { name }),
      labels: { ...labels },
    }));
  }
  if (ports !== undefined && ports !== null) {
    return ports.map((port) => ({ port, protocol: 'tcp', labels: {} }));
  }
  return [{ port: 0, protocol: 'tcp', name: 'default', labels: {} }];
}

function containerOf(document: AppDocument): Container | undefined {
  const { container } = document;
  const isBridge = modeOf(document) === 'container/bridge';
  if ((container === undefined || container === null) && !isBridge) return undefined;
  const { type, docker, volumes } = container ?? {};
  const mappings = container?.portMappings ?? docker?.portMappings;
  const image = docker?.image;
  return {
    type: type ?? (docker?.network === undefined ? 'MESOS' : 'DOCKER'),
    ...(image === undefined || docker === undefined
      ? {}
      : {
          docker: {
            image,
            forcePullImage: docker.forcePullImage ?? false,
            privileged: docker.privileged ?? false,
            parameters: (docker.parameters ?? []).map(({ key, value }) => ({ key, value })),
          },
        }),
    volumes: (volumes ?? []).map(({ containerPath, hostPath, mode }) => ({
      containerPath,
      hostPath,
      mode: mode ?? 'RW',
    })),
    ...(isBridge ? { portMappings: (mappings ?? [{}]).map(portMappingOf) } : {}),
  };
}

function portMappingOf(given: Partial<PortMappingDocument>, index: number): PortMapping {
  const { containerPort, hostPort, servicePort, protocol, name, labels } = given;
  const isDefault = Object.keys(given).length === 0 && index === 0;
  return {
    containerPort: containerPort ?? 0,
    hostPort: hostPort ?? 0,
    servicePort: servicePort ?? 0,
    protocol: protocol ?? 'tcp',
    ...(name === undefined || name === null ? (isDefault ? { name: 'default' } : {}) : { name }),
    labels: { ...labels },
  };
}

function healthCheckOf(given: HealthCheckDocument): AppHealthCheck {
  const protocol = given.protocol ?? 'HTTP';
  const isHttp = protocol.includes('HTTP');
  const hasPort = given.port !== undefined && given.port !== null;
  return {
    protocol,
    ...(isHttp ? { path: given.path ?? '/' } : {}),
    ...(protocol === 'COMMAND'
      ? { command: { value: given.command?.value ?? '' } }
      : hasPort
        ? { port: given.port ?? 0 }
        : { portIndex: given.portIndex ?? 0 }),
    gracePeriodSeconds: given.gracePeriodSeconds ?? 300,
    intervalSeconds: given.intervalSeconds ?? 60,
    timeoutSeconds: given.timeoutSeconds ?? 20,
    maxConsecutiveFailures: given.maxConsecutiveFailures ?? 3,
    delaySeconds: given.delaySeconds ?? 15,
    ipProtocol: given.ipProtocol ?? 'IPv4',
  };
}

function fetchOf({ fetch, uris }: AppDocument): readonly AppFetch[] {
  const given = fetch ?? (uris ?? []).map((uri) => ({ uri, extract: undefined }));
  return given.map((each) => {
    const destPath = 'destPath' in each ? each.destPath : undefined;
    return {
      uri: each.uri,
      extract: each.extract ?? true,
      executable: ('executable' in each ? each.executable : undefined) ?? false,
      cache: ('cache' in each ? each.cache : undefined) ?? false,
      ...(destPath === undefined || destPath === null ? {} : { destPath }),
    };
  });
}

function unreachableOf(value: unknown): UnreachableStrategy {
  if (value === 'disabled') return 'disabled';
  const given: { readonly [field: string]: unknown } = Object(value);
  const inactive = Number(given['inactiveAfterSeconds'] ?? 0);
  const expunge = Number(given['expungeAfterSeconds'] ?? inactive);
  return { inactiveAfterSeconds: inactive, expungeAfterSeconds: expunge };
}

interface Judgement {
  readonly document: AppDocument;
  readonly options: NormaliseOptions;
  readonly problems: AppProblem[];
}

function addTogetherProblems(app: AppDraft, judgement: Judgement): void {
  const { document, options, problems } = judgement;
  const add = (path: string, message: string): void => void problems.push({ path, message });
  const idProblem = appIdProblem(app.id);
  if (idProblem !== undefined) add('/id', idProblem);
  if (app.cmd !== undefined && app.args !== undefined) add('/cmd', 'excludes args: leave one out');
  const hasImage = app.container?.docker !== undefined;
  if (app.cmd === undefined && (app.args ?? []).length === 0 && !hasImage) {
    add('/cmd', 'or args must be there, or an image in container.docker');
  }
  if (app.cmd !== undefined && app.cmd.trim().length < 2) {
    add('/cmd', 'must have at least two characters');
  }
  if (document.uris !== undefined && document.fetch !== undefined) {
    add('/uris', 'excludes fetch: leave it out');
  }
  if (app.container?.type === 'DOCKER' && !hasImage) {
    add('/container/docker', 'must name an image when the type is DOCKER');
  }
  if (app.gpus > 0 && !options.allowsGpus) {
    add('/gpus', 'must be 0: this framework was started without --gpus');
  }
  if (!options.roles.includes(app.role)) {
    add('/role', `must be one of the roles of this framework: ${options.roles.join(', ')}`);
  }
  const roles = app.acceptedResourceRoles ?? [];
  if (roles.some((role) => role !== '*' && role !== app.role)) {
    add('/acceptedResourceRoles', `may have '*' and '${app.role}' only`);
  }
  const isSingle = app.labels['MARATHON_SINGLE_INSTANCE_APP'] === 'true';
  if (isSingle && app.instances > 1) add('/instances', 'must be 0 or 1 for a single-instance app');
  addPortProblems(app, document, add);
  addHealthProblems(app, add);
}

type Add = (path: string, message: string) => void;

function addPortProblems(app: AppDraft, document: AppDocument, add: Add): void {
  const { portDefinitions = [], container } = app;
  const isHost = app.networks[0]?.mode === 'host';
  const mappings = document.container?.portMappings ?? document.container?.docker?.portMappings;
  if (isHost && (mappings ?? []).length > 0) {
    add('/container/portMappings', 'must be absent in the network mode host: use portDefinitions');
  }
  if (!isHost && (document.portDefinitions ?? document.ports ?? []).length > 0) {
    add('/portDefinitions', 'must be absent unless the network mode is host');
  }
  const named = isHost ? portDefinitions : (container?.portMappings ?? []);
  const path = isHost ? '/portDefinitions' : '/container/portMappings';
  const names = new Set<string>();
  for (const [index, { name }] of named.entries()) {
    if (name === undefined) continue;
    if (!/^[A-Za-z][A-Za-z0-9.-]{0,62}$/.test(name)) {
      add(`${path}(${index})/name`, 'must begin with a letter, and have letters, digits, - and .');
    }
    const variable = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
    if (names.has(variable)) add(`${path}(${index})/name`, `'${name}' is there twice`);
    names.add(variable);
  }
  if (!app.requirePorts) return;
  const fixed = portDefinitions.map(({ port }) => port).filter((port) => port > 0);
  if (new Set(fixed).size < fixed.length) add('/portDefinitions', 'has a port twice');
}

function addHealthProblems(app: AppDraft, add: Add): void {
  const count = (app.portDefinitions ?? app.container?.portMappings ?? []).length;
  for (const [index, check] of app.healthChecks.entries()) {
    const path = `/healthChecks(${index})`;
    if (check.protocol === 'COMMAND' && (check.command?.value ?? '') === '') {
      add(`${path}/command`, 'must have a value: the command to run');
    }
    if (check.portIndex !== undefined && check.portIndex >= count) {
      add(`${path}/portIndex`, `is ${check.portIndex}, and the app has ${count} ports`);
    }
  }
}
