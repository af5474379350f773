/** What an agent tells an executor in its environment. */
import { parseDuration } from '../../core/api/index.js';
import { PlateauError, errorMessage } from '../../core/base/index.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ExecutorSettings {
  /** `host:port` of the agent. */
  readonly endpoint: string;
  /** Path of the agent's unix socket, where it wants to be spoken to over that. */
  readonly socketPath: string | undefined;
  readonly token: string | undefined;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly agentId: string | undefined;
  readonly sandbox: string;
  /** Whether the executor outlives its agent. */
  readonly isCheckpointed: boolean;
  /** Milliseconds for which an agent that is gone is looked for. */
  readonly recoveryTimeoutMs: number;
  /** Longest wait between tries to subscribe that the agent allows, in milliseconds. */
  readonly subscriptionBackoffMaxMs: number;
  /** Milliseconds between SHUTDOWN and the kill of the process. */
  readonly shutdownGraceMs: number;
}

/**
 * Reads the `MESOS_*` variables; what the agent may leave out has the defaults of Mesos.
 * @throws PlateauError `INVALID_FLAG` naming a variable that is missing or not well-formed.
 */
export function readEnvironment(environment: Environment): ExecutorSettings {
  const needed = (name: string): string => {
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
    throw invalid(name, 'is not set. Executors are started by an agent, which sets it');
  };
  const duration = (name: string, otherwise: string): number => {
    try {
      return Math.max(0, parseDuration(environment[name] ?? otherwise));
    } catch (error) {
      throw invalid(name, `is no duration: ${errorMessage(error)}`);
    }
  };
  return {
    endpoint: needed('MESOS_AGENT_ENDPOINT'),
    socketPath: environment['MESOS_DOMAIN_SOCKET'],
    token: environment['MESOS_EXECUTOR_AUTHENTICATION_TOKEN'],
    frameworkId: needed('MESOS_FRAMEWORK_ID'),
    executorId: needed('MESOS_EXECUTOR_ID'),
    agentId: environment['MESOS_SLAVE_ID'],
    sandbox: environment['MESOS_SANDBOX'] ?? environment['MESOS_DIRECTORY'] ?? '.',
    isCheckpointed: environment['MESOS_CHECKPOINT'] === '1',
    recoveryTimeoutMs: duration('MESOS_RECOVERY_TIMEOUT', '15mins'),
    subscriptionBackoffMaxMs: duration('MESOS_SUBSCRIPTION_BACKOFF_MAX', '2secs'),
    shutdownGraceMs: duration('MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD', '5secs'),
  };
}

function invalid(name: string, why: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `The environment variable ${name} ${why}.`, {
    context: { variable: name },
  });
}
