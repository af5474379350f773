/** A program of the host that runs a container on behalf of a task, in the place of its command. */
import type { CommandLine } from './command-line.js';
import type { LaunchStage } from './container-entry.js';
import type { UserIds } from './users.js';

/** What is there when a client is prepared: a sandbox that only the agent may enter as yet. */
export interface ClientLaunch {
  /** Who will own the sandbox; undefined: the agent's own user. */
  readonly user: UserIds | undefined;
  /** Aborted when the container is asked to end before it was started. */
  readonly signal: AbortSignal;
  /** Says what is waited for. */
  readonly reach: (stage: LaunchStage) => void;
}

export interface ClientProgram {
  /**
   * Gets ready what the container needs beside its sandbox and what was fetched into it.
   * @returns what the launcher is to run, as the agent's own user, with its whole environment.
   * @throws LaunchError
   */
  prepare(launch: ClientLaunch): Promise<CommandLine>;
}
