/** What to run for a container of the API: where, as whom, and in which environment. */
import type {
  CheckpointContainerKind,
  CommandInfo,
  ContainerID,
  ContainerInfo,
  Resource,
} from '../api/index.js';
import { Resources, fromThousandths } from '../resources/index.js';
import type { ApiContainer } from './api-container.js';
import type { ContainerRun } from './container-parents.js';
import type { AgentContext } from './context.js';
import { baseEnvironment, containerEnvironment } from './environment.js';
import { nestedDirectory, standaloneDirectory } from './paths.js';
import type { ContainerSpec, ParentContainer } from './ports.js';

/** What to launch. */
export interface ContainerLaunch {
  readonly containerId: ContainerID;
  readonly command: CommandInfo | undefined;
  readonly container: ContainerInfo | undefined;
  readonly resources?: readonly Resource[] | undefined;
}

/** What the containerizer is asked for. */
export function containerSpec(
  context: AgentContext,
  container: ApiContainer,
  launch: ContainerLaunch,
  parent: ContainerRun | undefined,
): ContainerSpec {
  const { directory: sandbox, runId, user, kind } = container;
  const resources = Resources.fromWire(container.resources);
  return {
    containerId: runId,
    sandbox,
    command: launch.command ?? {},
    container: launch.container,
    ...(parent !== undefined && { parent: parentOf(context, parent) }),
    environment: environmentOf(context, container, parent),
    environmentFrom: parent?.process,
    hasPipes: kind === 'SESSION',
    user,
    limits: {
      ...(resources.scalar('cpus') > 0 && { cpus: fromThousandths(resources.scalar('cpus')) }),
      ...(resources.scalar('mem') > 0 && { memoryMiB: fromThousandths(resources.scalar('mem')) }),
    },
  };
}

/** The sandbox of a container; that of a session is its parent's. */
export function containerDirectory(
  workDir: string,
  containerId: ContainerID,
  kind: CheckpointContainerKind,
  parent: ContainerRun | undefined,
): string {
  if (parent === undefined) return standaloneDirectory(workDir, containerId.value);
  return kind === 'SESSION'
    ? parent.directory
    : nestedDirectory(parent.directory, containerId.value);
}

function parentOf(
  { checkpointed }: AgentContext,
  { directory: sandbox, executor }: ContainerRun,
): ParentContainer {
  const isOwn = executor !== undefined && executor.directory === sandbox;
  const [task] = isOwn && executor.kind === 'COMMAND' ? executor.active.values() : [];
  const resources = isOwn ? (task?.task.resources ?? executor.info.resources ?? []) : [];
  return { sandbox, volumes: checkpointed.mountsOf(Resources.fromWire(resources)) };
}

/** What is not its parent's; all of it where the parent has no process. */
function environmentOf(
  { address, config, state }: AgentContext,
  container: ApiContainer,
  parent: ContainerRun | undefined,
): Readonly<Record<string, string>> {
  const { directory: sandbox, executor } = container;
  if (parent?.process !== undefined) {
    return container.kind === 'SESSION' ? {} : sandboxEnvironment(sandbox);
  }
  if (executor === undefined) {
    return { ...baseEnvironment(sandbox), ...sandboxEnvironment(sandbox) };
  }
  const agentId = state.agentId ?? '';
  return containerEnvironment({ executor, agentId, sandbox, address, config });
}

function sandboxEnvironment(sandbox: string): Readonly<Record<string, string>> {
  return { HOME: sandbox, MESOS_DIRECTORY: sandbox, MESOS_SANDBOX: sandbox };
}
