/**
 * An app as this framework keeps it: Marathon's JSON form with all defaults filled in. Plain data, never
 * changed in place; each accepted change makes a new version.
 */

export interface PortDefinition {
  /** The service port: a number of the cluster by which load balancers know the app. */
  readonly port: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PortMapping {
  readonly containerPort: number;
  readonly hostPort: number;
  readonly servicePort: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface HostVolume {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly mode: 'RO' | 'RW';
}

export interface Container {
  readonly type: 'MESOS' | 'DOCKER';
  readonly docker?: {
    readonly image: string;
    readonly forcePullImage: boolean;
    readonly privileged: boolean;
    readonly parameters: readonly { readonly key: string; readonly value: string }[];
  };
  readonly volumes: readonly HostVolume[];
  readonly portMappings?: readonly PortMapping[];
}

export type HealthProtocol =
  | 'HTTP'
  | 'HTTPS'
  | 'TCP'
  | 'MESOS_HTTP'
  | 'MESOS_HTTPS'
  | 'MESOS_TCP'
  | 'COMMAND';

/** Times in seconds. */
export interface AppHealthCheck {
  readonly protocol: HealthProtocol;
  readonly path?: string;
  readonly portIndex?: number;
  readonly port?: number;
  readonly command?: { readonly value: string };
  readonly gracePeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly maxConsecutiveFailures: number;
  readonly delaySeconds: number;
  readonly ipProtocol: 'IPv4' | 'IPv6';
}

export interface UpgradeStrategy {
  /** Share of the instances that stays healthy during an upgrade, 0 to 1. */
  readonly minimumHealthCapacity: number;
  /** Share of instances beyond those wanted that an upgrade may add, 0 to 1. */
  readonly maximumOverCapacity: number;
  /** Time without progress after which a deployment has failed. Absent: the default. */
  readonly progressDeadlineSeconds?: number;
  /** Whether a failed upgrade goes back to the version before. Absent: yes. */
  readonly autoRevert?: boolean;
  /** How long a new instance is healthy before it counts. Absent: the default. */
  readonly minHealthySeconds?: number;
}

export type UnreachableStrategy =
  | 'disabled'
  | { readonly inactiveAfterSeconds: number; readonly expungeAfterSeconds: number };

export interface AppFetch {
  readonly uri: string;
  readonly extract: boolean;
  readonly executable: boolean;
  readonly cache: boolean;
  readonly destPath?: string;
}

export interface VersionInfo {
  readonly lastScalingAt: string;
  /** Instances of one value run the same program. */
  readonly lastConfigChangeAt: string;
}

export interface App {
  readonly id: string;
  readonly cmd?: string;
  readonly args?: readonly string[];
  readonly user?: string;
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  readonly instances: number;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly constraints: readonly (readonly string[])[];
  readonly fetch: readonly AppFetch[];
  readonly dependencies: readonly string[];
  readonly healthChecks: readonly AppHealthCheck[];
  readonly readinessChecks: readonly never[];
  readonly container?: Container;
  readonly networks: readonly { readonly mode: 'host' | 'container/bridge' }[];
  /** With the network mode `host` only. */
  readonly portDefinitions?: readonly PortDefinition[];
  readonly requirePorts: boolean;
  readonly backoffSeconds: number;
  readonly backoffFactor: number;
  readonly maxLaunchDelaySeconds: number;
  readonly upgradeStrategy: UpgradeStrategy;
  readonly unreachableStrategy: UnreachableStrategy;
  readonly killSelection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST';
  readonly taskKillGracePeriodSeconds?: number;
  readonly executor: '';
  readonly role: string;
  readonly acceptedResourceRoles?: readonly string[];
  readonly version: string;
  readonly versionInfo: VersionInfo;
}

/** An app that has not been accepted: without version. */
export type AppDraft = Omit<App, 'version' | 'versionInfo'>;

/** Default of `upgradeStrategy.progressDeadlineSeconds`. */
export const PROGRESS_DEADLINE_SECONDS = 600;
/** Default of `upgradeStrategy.minHealthySeconds`. */
export const MIN_HEALTHY_SECONDS = 10;

/** The ports of an app in order, whatever its network mode. */
export function portsOf(app: AppDraft): readonly {
  readonly service: number;
  /** The host port that it has to be; 0: any. */
  readonly host: number;
  readonly container: number;
  readonly name?: string;
  readonly protocol: string;
}[] {
  const { portDefinitions = [], requirePorts, container } = app;
  const definitions = portDefinitions.map(({ port, protocol, name }) => ({
    service: port,
    host: requirePorts ? port : 0,
    container: 0,
    protocol,
    ...(name === undefined ? {} : { name }),
  }));
  const mappings = (container?.portMappings ?? []).map((mapping) => ({
    service: mapping.servicePort,
    host: mapping.hostPort,
    container: mapping.containerPort,
    protocol: mapping.protocol,
    ...(mapping.name === undefined ? {} : { name: mapping.name }),
  }));
  return [...definitions, ...mappings];
}

/** What the scheduler alone looks at: a change of it replaces no instance. */
const SCHEDULER_FIELDS: ReadonlySet<string> = new Set([
  'instances',
  'upgradeStrategy',
  'unreachableStrategy',
  'killSelection',
  'backoffSeconds',
  'backoffFactor',
  'maxLaunchDelaySeconds',
  'dependencies',
  'version',
  'versionInfo',
]);

/** Whether instances of the one are as good as those of the other. */
export function isSameConfig(one: AppDraft, other: AppDraft): boolean {
  return configText(one) === configText(other);
}

function configText(app: AppDraft): string {
  const entries = Object.entries(app)
    .filter(([name]) => !SCHEDULER_FIELDS.has(name))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(entries);
}
