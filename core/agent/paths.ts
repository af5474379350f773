/**
 * Where sandboxes are: `<work dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/
 * <container>`, as tools around Mesos expect; and persistent volumes: `<root>/volumes/roles/<role>/
 * <id>`, or the root itself on a MOUNT disk. Pure text: the containerizer makes the folders.
 */
import type { AgentId, ContainerId, ExecutorId, FrameworkId } from '../base/index.js';
import type { ResourceItem } from '../resources/index.js';

/** What names one run of an executor on an agent. */
export interface RunIds {
  readonly agentId: AgentId;
  readonly frameworkId: FrameworkId;
  readonly executorId: ExecutorId;
  readonly containerId: ContainerId;
}

/** The folder of all that a framework has left on the agent. */
export function frameworkDirectory(
  workDir: string,
  ids: Pick<RunIds, 'agentId' | 'frameworkId'>,
): string {
  return `${workDir}/slaves/${ids.agentId}/frameworks/${ids.frameworkId}`;
}

/** The folder of all runs of an executor. */
export function executorDirectory(workDir: string, ids: Omit<RunIds, 'containerId'>): string {
  return `${frameworkDirectory(workDir, ids)}/executors/${ids.executorId}`;
}

/** The sandbox of one run of an executor. */
export function runDirectory(workDir: string, ids: RunIds): string {
  return `${executorDirectory(workDir, ids)}/runs/${ids.containerId}`;
}

/** Where the link to the latest run of an executor belongs; the containerizer makes it. */
export function latestRunLink(workDir: string, ids: Omit<RunIds, 'containerId'>): string {
  return `${executorDirectory(workDir, ids)}/runs/latest`;
}

/** The sandbox of a container that is inside another, be it that of a task in a group. */
export function nestedDirectory(executorSandbox: string, containerId: string): string {
  return `${executorSandbox}/containers/${containerId}`;
}

/** The sandbox of a container that belongs to no framework. */
export function standaloneDirectory(workDir: string, containerId: string): string {
  return `${workDir}/containers/${containerId}`;
}

/** The folders above a run's sandbox: of its executor, then of its framework. */
export function foldersAbove(runSandbox: string): {
  readonly executor: string;
  readonly framework: string;
} {
  const executor = runSandbox.slice(0, runSandbox.lastIndexOf('/runs/'));
  return { executor, framework: executor.slice(0, executor.lastIndexOf('/executors/')) };
}

/**
 * The folder that holds the volumes of a disk: the root of a PATH or MOUNT disk (a relative one is
 * below the work directory), or the work directory.
 */
export function volumeRoot(workDir: string, disk: Pick<ResourceItem, 'disk'>): string {
  const { source } = disk.disk ?? {};
  const root = (source?.path?.root ?? source?.mount?.root ?? '').replace(/(?!^)\/+$/, '');
  if (root === '') return workDir;
  return root.startsWith('/') ? root : `${workDir}/${root}`;
}

/**
 * The folder of a persistent volume: the root of a MOUNT disk, which is one volume as a whole, else one
 * below the root. The slashes of a hierarchical role become blanks, which no role contains: `a/b` is
 * not below `a`, so that equal ids in both stay apart.
 */
export function volumeDirectory(
  workDir: string,
  volume: Pick<ResourceItem, 'disk' | 'role'>,
): string {
  const root = volumeRoot(workDir, volume);
  if (volume.disk?.source?.type === 'MOUNT') return root;
  const role = volume.role.replaceAll('/', ' ');
  return `${root}/volumes/roles/${role}/${volume.disk?.persistence?.id ?? ''}`;
}
