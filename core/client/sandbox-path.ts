/** Under which path an agent serves a sandbox. */

/** Which sandbox: ids as text. */
export interface SandboxOwner {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly containerId: string;
}

/** The path of a sandbox for `AgentClient.readFile` and `/files`; the same on every agent. */
export function sandboxPath({ frameworkId, executorId, containerId }: SandboxOwner): string {
  return `/frameworks/${frameworkId}/executors/${executorId}/runs/${containerId}`;
}
