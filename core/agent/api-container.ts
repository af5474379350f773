/** A container that the operators' API launched, and its record in the checkpoint. */
import {
  type CheckpointContainer,
  type CheckpointContainerKind,
  type ContainerID,
  type Resource,
  exitStatusWord,
  signalStatusWord,
} from '../api/index.js';
import { type ContainerId, id } from '../base/index.js';
import { pathOfContainer } from './container-parents.js';
import { signalNumber } from './outcomes.js';
import type { ContainerEnd } from './ports.js';
import type { AgentExecutor } from './state.js';

/** How a container ended: a wait(2) status word, unless nobody saw it. */
export interface ContainerExit {
  readonly status: number | undefined;
  /** Why there is no status. */
  readonly message: string | undefined;
}

export class ApiContainer {
  /** As the API names it, with its parents. */
  readonly containerId: ContainerID;
  /** The same as one text. */
  readonly path: string;
  /** Under which it runs: ids of clients repeat, these do not. */
  readonly runId: ContainerId;
  readonly kind: CheckpointContainerKind;
  /** Its sandbox; of a session, that of its parent. */
  readonly directory: string;
  readonly user: string | undefined;
  readonly resources: readonly Resource[];
  /** Under which its parent runs; undefined: it is standalone. */
  parentRunId: ContainerId | undefined;
  /** The executor above it, if there is one. */
  executor: AgentExecutor | undefined;
  process: CheckpointContainer['process'];
  phase: 'starting' | 'started' | 'ended' = 'starting';
  exit: ContainerExit | undefined;
  /** It is to end, or its parent has: nothing is started in it any more. */
  isEnding = false;
  /** Its parent has ended: nobody can ask for it any more once it has ended too. */
  isOrphan = false;

  constructor(
    options: Pick<
      ApiContainer,
      'containerId' | 'runId' | 'kind' | 'directory' | 'user' | 'resources'
    >,
  ) {
    this.containerId = options.containerId;
    this.path = pathOfContainer(options.containerId);
    this.runId = options.runId;
    this.kind = options.kind;
    this.directory = options.directory;
    this.user = options.user;
    this.resources = options.resources;
  }
}

/** What `WAIT_CONTAINER` says of an end. */
export function exitOf(end: ContainerEnd): ContainerExit {
  if (end.kind === 'lost') return { status: undefined, message: end.message };
  const status =
    end.kind === 'exited'
      ? exitStatusWord(end.code)
      : signalStatusWord(signalNumber(end.signal) || SIGKILL);
  return { status, message: undefined };
}

const SIGKILL = 9;

/** What is remembered of a container. */
export function containerRecord(container: ApiContainer): CheckpointContainer {
  const { exit } = container;
  return {
    container_id: container.containerId,
    run_id: { value: container.runId },
    kind: container.kind,
    directory: container.directory,
    user: container.user,
    process: container.process,
    resources: container.resources,
    ending: container.isEnding,
    exit_status: exit?.status,
    lost: exit?.message,
  };
}

/** The container of a record, without its parent. */
export function restoreContainer(record: CheckpointContainer): ApiContainer {
  const container = new ApiContainer({
    containerId: record.container_id,
    runId: id<'ContainerId'>(record.run_id.value),
    kind: record.kind,
    directory: record.directory,
    user: record.user,
    resources: record.resources ?? [],
  });
  container.process = record.process;
  container.isEnding = record.ending === true;
  if (record.exit_status !== undefined || record.lost !== undefined) {
    container.phase = 'ended';
    container.exit = { status: record.exit_status, message: record.lost };
  } else if (record.process !== undefined) container.phase = 'started';
  return container;
}
