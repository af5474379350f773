/**
 * From a container that asks for Docker to the arguments of `docker run`: pure, and the one place where
 * texts of frameworks become arguments. What is a name or a path is looked at before it becomes part of
 * one, so that no text turns into an option of its own.
 */
import type { ContainerInfo, EnvironmentVariable } from '../../api/index.js';
import type { ContainerSpec } from '../../agent/index.js';
import { valueOf } from '../command-line.js';
import { LaunchError } from '../launch-error.js';
import { networkArguments } from './network-arguments.js';
import { refusal } from './refusal.js';
import { type SandboxFolder, volumeArguments } from './volume-arguments.js';

/** Where the sandbox of a task is inside of its container. */
export const SANDBOX_IN_CONTAINER = '/mnt/mesos/sandbox';
/** All containers of Mesos agents are called so; the id of the container follows. */
export const NAME_PREFIX = 'mesos-';
/** Label that names the agent whose container it is. */
export const OWNER_LABEL = 'plateau.agent';

/** The least that engines take. */
const MIN_CPU_SHARES = 2;
const SHARES_PER_CPU = 1024;
const MIN_MEMORY_MIB = 32;
const CFS_PERIOD_US = 100_000;
const MIN_CFS_QUOTA_US = 1_000;
const MIB = 1024 * 1024;

export interface RunOptions {
  /** The value of `OWNER_LABEL`. */
  readonly owner: string;
  /** Whether more processor time than was given is refused even when some is free. */
  readonly hasCpuQuota: boolean;
}

/** How a container is to be run. */
export interface RunPlan {
  readonly name: string;
  readonly image: string;
  readonly forcePull: boolean;
  /** Of the engine: `run`, its options, the image and what follows it. */
  readonly arguments: readonly string[];
  /** Variables whose values must not be on a command line. */
  readonly secrets: readonly { readonly name: string; readonly value: string }[];
  /** Folders of the sandbox that have to be there before. */
  readonly folders: readonly SandboxFolder[];
}

/** The name under which the engine knows a container. */
export function nameOf(containerId: string): string {
  return `${NAME_PREFIX}${containerId}`;
}

/**
 * What to ask the engine for.
 * @throws LaunchError of stage `command` that names the field which cannot be given.
 */
export function planRun(spec: ContainerSpec, options: RunOptions): RunPlan {
  const { container } = spec;
  const docker = container?.docker;
  if (container === undefined || docker === undefined)
    throw refusal('container.docker', 'is missing');
  assertSupported(container);
  const name = nameOf(spec.containerId);
  const environment = environmentOf(spec, { name, hasHostNetwork: usesHostNetwork(container) });
  const volumes = volumeArguments(spec, SANDBOX_IN_CONTAINER);
  const command = commandArguments(spec);
  return {
    name,
    image: imageOf(docker.image),
    forcePull: docker.force_pull_image === true,
    arguments: [
      'run',
      ...(container.tty_info === undefined ? [] : ['--interactive', '--tty']),
      ...limitArguments(spec.limits, options),
      ...environment.arguments,
      ...volumes.arguments,
      ...networkArguments(spec),
      ...(container.hostname === undefined ? [] : [`--hostname=${container.hostname}`]),
      ...(docker.privileged === true ? ['--privileged'] : []),
      ...parameterArguments(container),
      ...labelArguments(spec, options.owner),
      ...(command.entrypoint === undefined ? [] : [`--entrypoint=${command.entrypoint}`]),
      `--name=${name}`,
      imageOf(docker.image),
      ...command.arguments,
    ],
    secrets: environment.secrets,
    folders: volumes.folders,
  };
}

/** Whether a container shares the network of the host, as it does unless it says otherwise. */
export function usesHostNetwork({ docker }: ContainerInfo): boolean {
  return (docker?.network ?? 'HOST') === 'HOST';
}

/** What neither Docker nor Podman is asked for here; a task must not run without what it relies on. */
function assertSupported({ linux_info, rlimit_info }: ContainerInfo): void {
  const problem = 'is not supported for type DOCKER: use container.docker.parameters';
  if (linux_info !== undefined) throw refusal('container.linux_info', problem);
  if (rlimit_info !== undefined) throw refusal('container.rlimit_info', problem);
}

function imageOf(image: string): string {
  if (/^[A-Za-z0-9][\w.:/@+-]*$/.test(image)) return image;
  throw refusal('container.docker.image', `is not the name of an image: '${image}'`);
}

function limitArguments(
  { cpus, memoryMiB }: ContainerSpec['limits'],
  { hasCpuQuota }: RunOptions,
): readonly string[] {
  const found: string[] = [];
  if (cpus !== undefined) {
    const shares = Math.max(Math.floor(cpus * SHARES_PER_CPU), MIN_CPU_SHARES);
    found.push(`--cpu-shares=${shares}`);
    const quota = Math.max(Math.floor(cpus * CFS_PERIOD_US), MIN_CFS_QUOTA_US);
    if (hasCpuQuota) found.push(`--cpu-period=${CFS_PERIOD_US}`, `--cpu-quota=${quota}`);
  }
  if (memoryMiB !== undefined) {
    const bytes = Math.floor(Math.max(memoryMiB, MIN_MEMORY_MIB) * MIB);
    found.push(`--memory=${bytes}`);
  }
  return found;
}

/** What the host says about itself, and what would hide what the image says about itself. */
const NOT_INSIDE: ReadonlySet<string> = new Set(['PATH', 'HOME', 'MESOS_CONTAINER_IP']);

interface Environment {
  readonly arguments: readonly string[];
  readonly secrets: RunPlan['secrets'];
}

function environmentOf(
  spec: ContainerSpec,
  { name, hasHostNetwork }: { readonly name: string; readonly hasHostNetwork: boolean },
): Environment {
  const given = Object.entries(spec.environment).filter(([key]) => !NOT_INSIDE.has(key));
  const plain = new Map<string, string>(given);
  const address = spec.environment['MESOS_CONTAINER_IP'];
  if (hasHostNetwork && address !== undefined) plain.set('MESOS_CONTAINER_IP', address);
  plain.set('MESOS_SANDBOX', SANDBOX_IN_CONTAINER);
  plain.set('MESOS_DIRECTORY', SANDBOX_IN_CONTAINER);
  plain.set('MESOS_CONTAINER_NAME', name);
  const secrets = new Map<string, string>();
  for (const variable of spec.command.environment?.variables ?? []) {
    checkName(variable);
    secrets.delete(variable.name);
    plain.delete(variable.name);
    if (variable.type === 'SECRET') secrets.set(variable.name, secretOf(variable));
    else plain.set(variable.name, valueOf(variable));
  }
  return {
    arguments: [...plain].map(([key, value]) => `--env=${key}=${value}`),
    secrets: [...secrets].map(([key, value]) => ({ name: key, value })),
  };
}

function checkName({ name }: EnvironmentVariable): void {
  if (name !== '' && !/[=\0\r\n]/.test(name)) return;
  throw new LaunchError('command', `'${name}' is not a name for an environment variable`);
}

/** Secrets are handed over in a file of lines. */
function secretOf(variable: EnvironmentVariable): string {
  const value = valueOf(variable);
  if (/^\s|#/.test(variable.name) || /[\r\n\0]/.test(value)) {
    const message = `the secret environment variable '${variable.name}' has a line break in its value or a '#' in its name, which containers of type DOCKER cannot be given: encode it`;
    throw new LaunchError('command', message);
  }
  return value;
}

/** Options that would take the container out of the agent's hands. */
const OWN_OPTIONS: ReadonlySet<string> = new Set([
  'attach',
  'cidfile',
  'detach',
  'detach-keys',
  'help',
  'name',
  'replace',
  'restart',
  'rm',
  'sig-proxy',
]);

function parameterArguments({ docker }: ContainerInfo): readonly string[] {
  return (docker?.parameters ?? []).map(({ key, value }, index) => {
    const field = `container.docker.parameters[${index}].key`;
    if (!/^[A-Za-z0-9][\w.-]*$/.test(key)) {
      throw refusal(field, `is not the name of an option: '${key}'`);
    }
    if (!OWN_OPTIONS.has(key)) return `--${key}=${value}`;
    throw refusal(field, `must not be '${key}', which the agent decides`);
  });
}

function labelArguments(spec: ContainerSpec, owner: string): readonly string[] {
  const { MESOS_TASK_ID: taskId, MESOS_FRAMEWORK_ID: frameworkId } = spec.environment;
  return [
    ...(taskId === undefined ? [] : [`--label=MESOS_TASK_ID=${taskId}`]),
    ...(frameworkId === undefined ? [] : [`--label=MESOS_FRAMEWORK_ID=${frameworkId}`]),
    `--label=${OWNER_LABEL}=${owner}`,
  ];
}

/**
 * A shell takes the place of the entrypoint of the image; otherwise value and arguments are what follows
 * that, and without any the image decides.
 */
function commandArguments({ command }: ContainerSpec): {
  readonly entrypoint?: string;
  readonly arguments: readonly string[];
} {
  const { value, shell = true, arguments: rest = [] } = command;
  if (!shell) return { arguments: [...(value === undefined ? [] : [value]), ...rest] };
  if (value !== undefined) return { entrypoint: '/bin/sh', arguments: ['-c', value] };
  return { arguments: [] };
}
