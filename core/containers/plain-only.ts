/**
 * What a ContainerInfo may ask for where tasks are plain processes: nothing that would make a
 * difference. A task that relies on an image, a volume or a network must not run without it.
 */
import type { ContainerInfo, Volume } from '../api/index.js';
import { LaunchError } from './launch-error.js';
import { isSandboxPath } from './sandbox-paths.js';

/** @throws LaunchError of stage `command` naming what a plain process cannot be given. */
export function assertPlain(
  container: ContainerInfo | undefined,
  { hasSandbox }: { readonly hasSandbox: boolean } = { hasSandbox: true },
): void {
  const wish =
    container === undefined
      ? undefined
      : (firstWish(container) ?? otherVolume(container, hasSandbox));
  if (wish === undefined) return;
  if (container?.type === 'DOCKER') throw new LaunchError('command', NO_DOCKER);
  const message = `this agent runs tasks as plain processes and cannot give them '${wish}': launch the task without it, or on another agent`;
  throw new LaunchError('command', message);
}

const NO_DOCKER =
  "this agent runs tasks as plain processes and cannot give them 'container.docker': start it with --containerizers=mesos,docker, or launch the task on another agent";

function firstWish(container: ContainerInfo): string | undefined {
  const { docker, hostname, mesos, network_infos } = container;
  if (container.type === 'DOCKER' || docker !== undefined) return 'container.docker';
  if (mesos?.image !== undefined) return 'container.mesos.image';
  if (hostname !== undefined) return 'container.hostname';
  for (const { name, port_mappings } of network_infos ?? []) {
    if (name !== undefined) return `container.network_infos.name: ${name}`;
    if ((port_mappings ?? []).length > 0) return 'container.network_infos.port_mappings';
  }
  const rest = ['linux_info', 'rlimit_info'] as const;
  const found = rest.find((name) => container[name] !== undefined);
  return found === undefined ? undefined : `container.${found}`;
}

/** The first volume that is more than another place of a sandbox; any, for one that gets no sandbox. */
function otherVolume({ volumes }: ContainerInfo, hasSandbox: boolean): string | undefined {
  const index = (volumes ?? []).findIndex((volume) => !hasSandbox || !isSandboxPath(volume));
  const other = volumes?.[index];
  return other && `container.volumes[${index}]: ${originOf(other)}`;
}

function originOf({ host_path, image, source }: Volume): string {
  if (host_path !== undefined) return 'host_path';
  return image === undefined ? `source of type ${source?.type ?? 'UNKNOWN'}` : 'image';
}
