/** What can be run: environment, command, container with its volumes, kill policy, executor. */
import type {
  CommandInfo,
  ContainerInfo,
  DurationInfo,
  Environment,
  EnvironmentVariable,
  ExecutorInfo,
  KillPolicy,
  Secret,
  Volume,
  VolumeSource,
} from '../messages.js';
import { validateId } from './ids.js';
import { type Reason, expected, firstReason, within } from './reasons.js';

/** Why an environment is not valid, or undefined. */
export function validateEnvironment(environment: Environment | undefined): Reason {
  return firstReason(environment?.variables, (variable) =>
    within(`Environment variable '${variable.name}' is not valid`, variableFault(variable)),
  );
}

function variableFault(variable: EnvironmentVariable): Reason {
  switch (variable.type ?? 'VALUE') {
    case 'VALUE':
      if (variable.value === undefined) return "'value' must be set for type VALUE";
      return variable.secret === undefined ? undefined : "'secret' must not be set for type VALUE";
    case 'SECRET':
      if (variable.secret === undefined) return "'secret' must be set for type SECRET";
      if (variable.value !== undefined) return "'value' must not be set for type SECRET";
      return within("'secret'", secretFault(variable.secret) ?? nulFault(variable.secret));
    default:
      return "'type' must be VALUE or SECRET";
  }
}

function secretFault(secret: Secret): Reason {
  switch (secret.type) {
    case 'REFERENCE':
      if (secret.reference === undefined) return "'reference' must be set for type REFERENCE";
      return secret.value === undefined ? undefined : "'value' must not be set for type REFERENCE";
    case 'VALUE':
      if (secret.value === undefined) return "'value' must be set for type VALUE";
      return secret.reference === undefined
        ? undefined
        : "'reference' must not be set for type VALUE";
    default:
      return "'type' must be REFERENCE or VALUE";
  }
}

/** Environments are NUL-terminated texts. */
function nulFault(secret: Secret): Reason {
  const bytes = Buffer.from(secret.value?.data ?? '', 'base64');
  return bytes.includes(0) ? 'must not contain NUL bytes' : undefined;
}

/** Why a command is not valid, or undefined. What is to be run may come from elsewhere. */
export function validateCommandInfo(command: CommandInfo | undefined): Reason {
  return validateEnvironment(command?.environment);
}

/** Why a container is not valid, or undefined. */
export function validateContainerInfo(container: ContainerInfo | undefined): Reason {
  if (container === undefined) return undefined;
  if (container.type === 'DOCKER') {
    if (container.docker === undefined) return "'ContainerInfo.docker' must be set for type DOCKER";
    const hasName = container.docker.parameters?.some(({ key }) => key === 'name') ?? false;
    if (hasName) return "'ContainerInfo.docker.parameters' must not contain the key 'name'";
  }
  return firstReason(container.volumes, (volume) =>
    within(`Volume '${volume.container_path}' is not valid`, validateVolume(volume)),
  );
}

/** Why a volume is not valid, or undefined. */
export function validateVolume(volume: Volume): Reason {
  const origins = [volume.host_path, volume.image, volume.source];
  if (origins.filter((origin) => origin !== undefined).length !== 1) {
    return "exactly one of 'host_path', 'image' and 'source' must be set";
  }
  return volume.source === undefined ? undefined : sourceFault(volume.source);
}

function sourceFault(source: VolumeSource): Reason {
  switch (source.type) {
    case 'DOCKER_VOLUME':
      return source.docker_volume === undefined ? missing('docker_volume') : undefined;
    case 'HOST_PATH':
      return source.host_path === undefined ? missing('host_path') : undefined;
    case 'SANDBOX_PATH':
      return source.sandbox_path === undefined ? missing('sandbox_path') : undefined;
    case 'SECRET':
      if (source.secret === undefined) return missing('secret');
      return within("'source.secret'", secretFault(source.secret));
    case 'CSI_VOLUME':
      if (source.csi_volume === undefined) return missing('csi_volume');
      return source.csi_volume.static_provisioning === undefined
        ? missing('csi_volume.static_provisioning')
        : undefined;
    default:
      return "'source.type' must be set";
  }
}

function missing(field: string): string {
  return `'source.${field}' must be set`;
}

/** Why a duration is not valid, or undefined. `field` names it in the reason. */
export function validateNotNegative(duration: DurationInfo | undefined, field: string): Reason {
  if (duration === undefined || duration.nanoseconds >= 0n) return undefined;
  return `'${field}' must not be negative`;
}

/** Why a kill policy is not valid, or undefined. */
export function validateKillPolicy(policy: KillPolicy | undefined): Reason {
  return validateNotNegative(policy?.grace_period, 'kill_policy.grace_period');
}

/** Why an executor is not valid on its own, or undefined. Its resources are judged elsewhere. */
export function validateExecutorInfo(executor: ExecutorInfo): Reason {
  return (
    validateId(executor.executor_id.value, "'ExecutorInfo.executor_id'") ??
    validateExecutorType(executor) ??
    validateNotNegative(executor.shutdown_grace_period, 'ExecutorInfo.shutdown_grace_period') ??
    validateCommandInfo(executor.command) ??
    validateContainerInfo(executor.container)
  );
}

function validateExecutorType(executor: ExecutorInfo): Reason {
  switch (executor.type) {
    case 'UNKNOWN':
      return "'ExecutorInfo.type' is unknown";
    case 'DEFAULT':
      if (executor.command !== undefined) {
        return "'ExecutorInfo.command' must not be set for the default executor";
      }
      return defaultContainerFault(executor.container);
    default:
      return executor.command === undefined ? expected('ExecutorInfo.command') : undefined;
  }
}

function defaultContainerFault(container: ContainerInfo | undefined): Reason {
  if (container === undefined) return undefined;
  if (container.type !== 'MESOS') {
    return "'ExecutorInfo.container.type' must be MESOS for the default executor";
  }
  return container.mesos?.image === undefined
    ? undefined
    : "'ExecutorInfo.container.mesos.image' must not be set for the default executor";
}
