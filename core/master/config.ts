/**
 * What an operator can set about a master, with the defaults of Mesos except for the offer timeout,
 * which Mesos leaves unset: an offer that a scheduler forgets would be lost to everybody.
 */
import type { DomainInfo } from '../api/index.js';
import { type AllocatorConfig, DEFAULT_ALLOCATOR_CONFIG } from '../allocator/index.js';

/** Which tasks may be asked to end when a guarantee is not met. */
export type RevocableTasks = 'revocable' | 'over-quota';

/** Settings of a master. Durations are in milliseconds. */
export interface MasterConfig {
  /** How long a ping may stay unanswered before it counts as missed; also the time between pings. */
  readonly agentPingTimeoutMs: number;
  /** Missed pings in a row after which an agent is unreachable. */
  readonly maxAgentPingTimeouts: number;
  /** Time for the agents of the registry to come back after the master started. */
  readonly agentReregisterTimeoutMs: number;
  /** An offer that stays unanswered is rescinded; 0: never. */
  readonly offerTimeoutMs: number;
  /** Time between two HEARTBEAT events on the stream of a scheduler or an operator. */
  readonly heartbeatMs: number;
  /** Event streams of operators at the same time; a further one ends the oldest. */
  readonly maxOperatorStreams: number;
  /** What the allocator is made with. Its `domain` is that of the master. */
  readonly allocator: AllocatorConfig;
  /** Where the master is; undefined: it does not say, and no agent is remote. */
  readonly domain: DomainInfo | undefined;
  /** Whether agents that do not say where they are, are refused. */
  readonly requireAgentDomain: boolean;
  /** Removed frameworks that are kept for the pages. */
  readonly maxCompletedFrameworks: number;
  readonly maxCompletedTasksPerFramework: number;
  readonly maxUnreachableTasksPerFramework: number;
  /** Ids of removed frameworks that are remembered, so that they cannot subscribe again. */
  readonly maxRemovedFrameworks: number;
  /** Unreachable agents, and gone ones, that the registry remembers of each kind. */
  readonly registryMaxAgentCount: number;
  /** Age after which an unreachable or gone agent is forgotten. */
  readonly registryMaxAgentAgeMs: number;
  /** Time between two clean-ups of the registry. */
  readonly registryGcIntervalMs: number;
  /** The only roles that frameworks may have; undefined: any. */
  readonly roles: readonly string[] | undefined;
  /** Weights of roles that count, and are recorded, when the registry has none. */
  readonly weights: ReadonlyMap<string, number>;
  /** Which tasks may be asked to end when a guarantee is not met; see `Revocation`. */
  readonly revocation: 'off' | RevocableTasks;
  /** Whether frameworks may run as user root. */
  readonly rootSubmissions: boolean;
  /** Whether the metrics have figures of single frameworks: some sixty of each. */
  readonly publishFrameworkMetrics: boolean;
  /** A name for people, shown on pages. */
  readonly cluster: string | undefined;
  /** What GET_FLAGS answers: the flags of the command, as text. */
  readonly flags: Readonly<Record<string, string>>;
}

/** Settings when nothing is said. */
export const DEFAULT_MASTER_CONFIG: MasterConfig = {
  agentPingTimeoutMs: 15_000,
  maxAgentPingTimeouts: 5,
  agentReregisterTimeoutMs: 600_000,
  offerTimeoutMs: 300_000,
  heartbeatMs: 15_000,
  maxOperatorStreams: 1_000,
  allocator: DEFAULT_ALLOCATOR_CONFIG,
  domain: undefined,
  requireAgentDomain: false,
  maxCompletedFrameworks: 50,
  maxCompletedTasksPerFramework: 1_000,
  maxUnreachableTasksPerFramework: 1_000,
  maxRemovedFrameworks: 10_000,
  registryMaxAgentCount: 102_400,
  registryMaxAgentAgeMs: 14 * 24 * 3_600_000,
  registryGcIntervalMs: 900_000,
  roles: undefined,
  weights: new Map(),
  revocation: 'off',
  rootSubmissions: true,
  publishFrameworkMetrics: true,
  cluster: undefined,
  flags: {},
};

/** What differs from the defaults. */
export type MasterSettings = Partial<Omit<MasterConfig, 'allocator'>> & {
  readonly allocator?: Partial<AllocatorConfig>;
};

/** The settings with the defaults filled in. */
export function completeConfig(settings: MasterSettings = {}): MasterConfig {
  const allocator = { ...DEFAULT_MASTER_CONFIG.allocator, ...settings.allocator };
  return { ...DEFAULT_MASTER_CONFIG, ...settings, allocator };
}

/** Where a master listens. */
export interface MasterAddress {
  /** Name that other hosts can resolve, or the ip. */
  readonly hostname: string;
  /** IPv4 address in dotted form. */
  readonly ip: string;
  readonly port: number;
}
