/**
 * Where sandboxes are: `<work dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/
 * <container>`, as tools around Mesos expect. Pure text: the containerizer makes the folders.
 */
import type { AgentId, ContainerId, ExecutorId, FrameworkId } from '../base/index.js';

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

/** The sandbox of a task that shares its executor with others, inside that of the executor. */
export function nestedDirectory(executorSandbox: string, containerId: ContainerId): string {
  return `${executorSandbox}/containers/${containerId}`;
}

/** The folders above a run's sandbox: of its executor, then of its framework. */
export function foldersAbove(runSandbox: string): {
  readonly executor: string;
  readonly framework: string;
} {
  const executor = runSandbox.slice(0, runSandbox.lastIndexOf('/runs/'));
  return { executor, framework: executor.slice(0, executor.lastIndexOf('/executors/')) };
}
