/**
 * What an operator decides about an agent. Every duration is in milliseconds, every bound a count.
 * Defaults are those of Mesos; the bounds that Plateau adds are named constants beside their use.
 */
import type { AgentInfo, Attribute, Resource } from '../api/index.js';

/** Where the agent is reached: known once its server listens. */
export interface AgentAddress {
  readonly hostname: string;
  /** The address that tasks see as theirs, such as `127.0.0.1`. */
  readonly ip: string;
  readonly port: number;
}

/** See `agentConfig` for the defaults. */
export interface AgentConfig {
  /** Absolute path under which the sandboxes are. */
  readonly workDir: string;
  /** What the agent has, static reservations included; never dynamic ones. */
  readonly resources: readonly Resource[];
  readonly attributes: readonly Attribute[];
  readonly domain: AgentInfo['domain'];
  /** Mean wait before another attempt to connect or register; doubles, with full jitter. */
  readonly registrationBackoffFactorMs: number;
  readonly registrationBackoffMaxMs: number;
  /** How long a silent master is believed in until it has told its own ping timeout. */
  readonly pingTimeoutMs: number;
  /** How long a started executor may take to subscribe. */
  readonly executorRegistrationTimeoutMs: number;
  /** How long a running executor may take to subscribe again after a restart of the agent. */
  readonly executorReregistrationTimeoutMs: number;
  /** Between the request to shut down and the kill, where the executor names no other time. */
  readonly executorShutdownGracePeriodMs: number;
  readonly executorHeartbeatIntervalMs: number;
  /** Between SIGTERM and SIGKILL of a task that the launcher runs, where its policy is silent. */
  readonly killGracePeriodMs: number;
  /** The same of tasks in Docker containers. */
  readonly dockerStopTimeoutMs: number;
  /** How long executors wait for an agent that went away; told to them. */
  readonly recoveryTimeoutMs: number;
  readonly statusRetryMinMs: number;
  readonly statusRetryMaxMs: number;
  /** Age at which the sandbox of a finished executor is removed from an empty disk. */
  readonly gcDelayMs: number;
  /** Part of the disk, 0 to 1, that sandboxes should leave free. */
  readonly gcDiskHeadroom: number;
  readonly diskWatchIntervalMs: number;
  readonly maxCompletedFrameworks: number;
  readonly maxCompletedExecutorsPerFramework: number;
  readonly maxCompletedTasksPerExecutor: number;
  /** Between questions to the resource estimator. */
  readonly oversubscribedResourcesIntervalMs: number;
  /** Least time between questions to the QoS controller. */
  readonly qosCorrectionIntervalMinMs: number;
  /** Whether tasks run as the user of their framework or command, rather than as the agent's. */
  readonly switchUser: boolean;
  /**
   * Which changes of resources and attributes a restart may bring while tasks may still run: none,
   * or more of both.
   */
  readonly reconfigurationPolicy: 'equal' | 'additive';
  /**
   * What to do with what runs from before: take it over, or just recover it so that `close` can end
   * it. With `cleanup` the make-up may be any, and the agent never connects to a master.
   */
  readonly recover: 'reconnect' | 'cleanup';
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

/** The defaults of everything that has one. */
export const AGENT_DEFAULTS = {
  attributes: [],
  domain: undefined,
  registrationBackoffFactorMs: SECOND_MS,
  registrationBackoffMaxMs: MINUTE_MS,
  pingTimeoutMs: 75 * SECOND_MS,
  executorRegistrationTimeoutMs: MINUTE_MS,
  executorReregistrationTimeoutMs: 2 * SECOND_MS,
  executorShutdownGracePeriodMs: 5 * SECOND_MS,
  executorHeartbeatIntervalMs: 30 * MINUTE_MS,
  killGracePeriodMs: 3 * SECOND_MS,
  dockerStopTimeoutMs: 0,
  recoveryTimeoutMs: 15 * MINUTE_MS,
  statusRetryMinMs: 10 * SECOND_MS,
  statusRetryMaxMs: 10 * MINUTE_MS,
  gcDelayMs: WEEK_MS,
  gcDiskHeadroom: 0.1,
  diskWatchIntervalMs: MINUTE_MS,
  maxCompletedFrameworks: 50,
  maxCompletedExecutorsPerFramework: 150,
  maxCompletedTasksPerExecutor: 200,
  oversubscribedResourcesIntervalMs: 15 * SECOND_MS,
  qosCorrectionIntervalMinMs: 0,
  switchUser: true,
  reconfigurationPolicy: 'equal',
  recover: 'reconnect',
} as const satisfies Partial<AgentConfig>;

/** A whole configuration from what differs from the defaults. */
export function agentConfig(
  settings: Partial<AgentConfig> & Pick<AgentConfig, 'workDir' | 'resources'>,
): AgentConfig {
  return { ...AGENT_DEFAULTS, ...settings };
}
