/**
 * What a task asks for in its health check and its check, as the numbers and probes of one run. What
 * is not said has the default that the messages declare; what would wear out the host is bounded.
 */
import {
  type CheckInfo,
  type CommandInfo,
  type HealthCheck,
  type NetworkInfoProtocol,
  defaultOf,
} from '../api/index.js';
import { nestedDirectory } from './paths.js';
import type { ProbeSpec } from './ports.js';
import type { AgentTask } from './state.js';

/** Least time between the result of a probe and the next one, whatever the task asks for. */
export const MIN_CHECK_INTERVAL_MS = 100;

/** Longest time that a probe may take, and what a timeout of 0 means. */
export const MAX_CHECK_TIMEOUT_MS = 60 * 60 * 1000;

/** Longest delay and interval: beyond what any clock lives. */
const LONGEST_MS = 2 ** 52;

/** When probes happen, in milliseconds. */
export interface CheckTiming {
  /** From the start of the task to the first probe. */
  readonly delayMs: number;
  /** From the result of a probe to the next probe. */
  readonly intervalMs: number;
  /** From the beginning of a probe until it counts as failed. */
  readonly timeoutMs: number;
}

/** What failures of a health check mean. */
export interface HealthTolerance {
  /** Failures so soon after the start of the task do not count before the first success. */
  readonly gracePeriodMs: number;
  /** So many failures in a row end the task. */
  readonly maxFailures: number;
}

export function healthTiming(check: HealthCheck): CheckTiming {
  return timing({
    delay: check.delay_seconds ?? defaultOf('HealthCheck', 'delay_seconds'),
    interval: check.interval_seconds ?? defaultOf('HealthCheck', 'interval_seconds'),
    timeout: check.timeout_seconds ?? defaultOf('HealthCheck', 'timeout_seconds'),
  });
}

export function healthTolerance(check: HealthCheck): HealthTolerance {
  return {
    gracePeriodMs: milliseconds(
      check.grace_period_seconds ?? defaultOf('HealthCheck', 'grace_period_seconds'),
    ),
    maxFailures: check.consecutive_failures ?? defaultOf('HealthCheck', 'consecutive_failures'),
  };
}

export function checkTiming(check: CheckInfo): CheckTiming {
  return timing({
    delay: check.delay_seconds ?? defaultOf('CheckInfo', 'delay_seconds'),
    interval: check.interval_seconds ?? defaultOf('CheckInfo', 'interval_seconds'),
    timeout: check.timeout_seconds ?? defaultOf('CheckInfo', 'timeout_seconds'),
  });
}

/** The probe of a task's health check; undefined when the message does not name one. */
export function healthProbe(task: AgentTask, check: HealthCheck): ProbeSpec | undefined {
  switch (check.type) {
    case 'COMMAND':
      return check.command && commandProbe(task, check.command, 'plateau-health-check.log');
    case 'HTTP': {
      if (check.http === undefined) return undefined;
      const { protocol, port, path = '/', scheme } = check.http;
      const address = addressOf(task, protocol);
      return { type: 'HTTP', scheme: scheme === 'https' ? 'https' : 'http', address, port, path };
    }
    case 'TCP':
      if (check.tcp === undefined) return undefined;
      return { type: 'TCP', address: addressOf(task, check.tcp.protocol), port: check.tcp.port };
    default:
      return undefined;
  }
}

/** The probe of a task's check; undefined when the message does not name one. */
export function checkProbe(task: AgentTask, check: CheckInfo): ProbeSpec | undefined {
  switch (check.type) {
    case 'COMMAND':
      return check.command && commandProbe(task, check.command.command, 'plateau-check.log');
    case 'HTTP': {
      if (check.http === undefined) return undefined;
      const { port, path = '/' } = check.http;
      return { type: 'HTTP', scheme: 'http', address: addressOf(task, undefined), port, path };
    }
    case 'TCP':
      return (
        check.tcp && { type: 'TCP', address: addressOf(task, undefined), port: check.tcp.port }
      );
    default:
      return undefined;
  }
}

function commandProbe(task: AgentTask, command: CommandInfo, logName: string): ProbeSpec {
  const { executor, containerId, probeContext } = task;
  const isNested = executor.kind === 'GROUP' && containerId !== undefined;
  const variables = [
    ...(probeContext?.environment.variables ?? []),
    ...(command.environment?.variables ?? []),
  ];
  return {
    type: 'COMMAND',
    containerId,
    sandbox: isNested ? nestedDirectory(executor.directory, containerId) : executor.directory,
    command: { ...command, environment: { variables } },
    user: probeContext?.user,
    logName,
  };
}

/** Whether a task has a probe that is a command, and so needs to know how the task was launched. */
export function runsCommands(checks: {
  readonly health_check?: HealthCheck | undefined;
  readonly check?: CheckInfo | undefined;
}): boolean {
  return checks.health_check?.type === 'COMMAND' || checks.check?.type === 'COMMAND';
}

/** Where a task is reached: on the loopback interface, unless its container has networks of its own. */
function addressOf(task: AgentTask, protocol: NetworkInfoProtocol | undefined): string {
  if (task.networkInfos === undefined) return protocol === 'IPv6' ? '::1' : '127.0.0.1';
  const own = task.networkInfos.flatMap(({ ip_addresses }) => ip_addresses ?? []);
  const found = own.find((address) => (address.protocol ?? 'IPv4') === (protocol ?? 'IPv4'));
  return found?.ip_address ?? '';
}

function timing(seconds: {
  readonly delay: number;
  readonly interval: number;
  readonly timeout: number;
}): CheckTiming {
  const timeoutMs = Math.min(milliseconds(seconds.timeout), MAX_CHECK_TIMEOUT_MS);
  return {
    delayMs: milliseconds(seconds.delay),
    intervalMs: Math.max(milliseconds(seconds.interval), MIN_CHECK_INTERVAL_MS),
    timeoutMs: timeoutMs === 0 ? MAX_CHECK_TIMEOUT_MS : timeoutMs,
  };
}

/** What is no number, or below nothing, counts as nothing. */
function milliseconds(seconds: number): number {
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_MS) : 0;
}
