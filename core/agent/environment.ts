/**
 * The environment of executors and tasks: what the executor API promises (`MESOS_*`), and the little
 * that programs expect of any system. Nothing of the agent's own environment is in it.
 */
import { formatDuration } from '../api/index.js';
import type { AgentAddress, AgentConfig } from './config.js';
import { shutdownGraceMs } from './grace.js';
import type { AgentExecutor } from './state.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a container of no framework sees. */
export function baseEnvironment(sandbox: string): Readonly<Record<string, string>> {
  return { PATH: DEFAULT_PATH, HOME: sandbox };
}

/** What every process in a sandbox sees, besides the environment of its command. */
export function containerEnvironment(options: {
  readonly executor: AgentExecutor;
  readonly agentId: string;
  readonly sandbox: string;
  readonly address: AgentAddress;
  readonly config: AgentConfig;
}): Readonly<Record<string, string>> {
  const { executor, agentId, sandbox, address, config } = options;
  const isCheckpointed = executor.framework.info.checkpoint === true;
  const endpoint = `${address.ip}:${address.port}`;
  return {
    PATH: DEFAULT_PATH,
    HOME: sandbox,
    LIBPROCESS_PORT: '0',
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_CHECKPOINT: isCheckpointed ? '1' : '0',
    MESOS_DIRECTORY: sandbox,
    MESOS_EXECUTOR_ID: executor.id,
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: formatDuration(shutdownGraceMs(executor.info, config)),
    MESOS_FRAMEWORK_ID: executor.framework.id,
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_SANDBOX: sandbox,
    MESOS_SLAVE_ID: agentId,
    MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
    ...(isCheckpointed && {
      MESOS_RECOVERY_TIMEOUT: formatDuration(config.recoveryTimeoutMs),
      // One that waited longer between its attempts would be killed after a restart of the agent.
      MESOS_SUBSCRIPTION_BACKOFF_MAX: formatDuration(config.executorReregistrationTimeoutMs),
    }),
  };
}

/** What a task that the launcher runs sees besides: its id, its role, its address. */
export function taskEnvironment(options: {
  readonly taskId: string;
  readonly role: string | undefined;
  readonly address: AgentAddress;
}): Readonly<Record<string, string>> {
  return {
    MESOS_TASK_ID: options.taskId,
    MESOS_CONTAINER_IP: options.address.ip,
    ...(options.role !== undefined && { MESOS_ALLOCATION_ROLE: options.role }),
  };
}
