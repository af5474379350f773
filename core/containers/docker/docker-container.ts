/** What is known of one Docker container from its launch to its end. */
import { readFileSync } from 'node:fs';
import type { ContainerEnd, ContainerFacts } from '../../agent/index.js';
import type { ContainerId } from '../../base/index.js';
import type { ProcessIdentity } from '../launcher/protocol.js';
import { readProcess } from '../processes.js';
import type { Inspection } from './inspection.js';
import { nameOf } from './run-arguments.js';

export class DockerContainer {
  readonly containerId: ContainerId;
  readonly name: string;
  /** Not seen to run yet; seen to run, or known from before; its client has ended and that is settled. */
  phase: 'starting' | 'running' | 'ended' = 'starting';
  /** Whether its launch, or its recovery, has been told, so that its end may be. */
  isSettled = false;
  /** The client that runs it, and stands for it where processes are numbered. */
  client: ProcessIdentity | undefined;
  /** Its own first process, where that can be seen from here. */
  init: ProcessIdentity | undefined;
  clientEnd: ContainerEnd | undefined;
  stopSignal = 'SIGTERM';
  /** Since when it has been asked to end; on the monotonic clock. */
  askedMs: number | undefined;
  isKilled = false;
  /** Resolves when its client has ended. */
  readonly whenClientEnded: Promise<void>;
  #clientHasEnded: () => void = () => undefined;

  constructor(containerId: ContainerId) {
    this.containerId = containerId;
    this.name = nameOf(containerId);
    this.whenClientEnded = new Promise((resolve) => {
      this.#clientHasEnded = resolve;
    });
  }

  endClient(end: ContainerEnd): void {
    this.clientEnd ??= end;
    this.#clientHasEnded();
  }

  /** Takes over what the engine says while it runs. */
  see(found: Inspection): void {
    this.stopSignal = found.stopSignal;
    this.init = initOf(found);
  }
}

/** What an agent is to know of a container that runs. */
export function factsOf({ networkInfos, data }: Inspection): ContainerFacts {
  return {
    ...(networkInfos !== undefined && { networkInfos }),
    ...(data !== undefined && { data }),
  };
}

/**
 * The first process of a container, if it is one of this host: its number may be that of another one where
 * the engine is elsewhere, or the agent in a container of its own.
 */
function initOf({ pid, id }: Inspection): ProcessIdentity | undefined {
  if (pid <= 0 || id === '') return undefined;
  try {
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id)) return undefined;
  } catch {
    return undefined;
  }
  const facts = readProcess(pid);
  return facts && { pid, startTime: facts.startTime };
}
