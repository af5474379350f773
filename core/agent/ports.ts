/**
 * What the agent needs from outside: containers, sandboxes, and its connections. `core/containers`
 * and `core/http` implement these for a real host, `core/simulation` in memory.
 */
import type {
  CommandInfo,
  ContainerInfo,
  ExecutorEvent,
  LinkAgentMessage,
  NetworkInfo,
  ValueRange,
} from '../api/index.js';
import type { ContainerId, Disposable } from '../base/index.js';

/** A persistent volume that a container uses. */
export interface ContainerVolume {
  readonly id: string;
  /** Absolute path of its folder. */
  readonly source: string;
  /** Where the container wants it: a path below its sandbox; from outside, and not checked yet. */
  readonly containerPath: string;
}

/** A container with others inside. Its sandbox is there, or is made with theirs. */
export interface ParentContainer {
  readonly sandbox: string;
  /** Its persistent volumes, which are there: they are in its sandbox before others are given theirs. */
  readonly volumes: readonly ContainerVolume[];
  /** Of one that is not launched itself: the volumes that its sandbox has to have. */
  readonly container?: ContainerInfo | undefined;
}

/** What to run. The containerizer makes the sandbox, fetches the URIs, and starts the process. */
export interface ContainerSpec {
  readonly containerId: ContainerId;
  /** Absolute path of the sandbox; made by the containerizer, owned by the user of the task. */
  readonly sandbox: string;
  /** What to run, with its URIs and its own environment, which wins over `environment`. */
  readonly command: CommandInfo;
  /** Image, volumes, networks: a containerizer that cannot provide them must fail the launch. */
  readonly container?: ContainerInfo | undefined;
  /** The whole environment besides that of the command; nothing of the agent's leaks in. */
  readonly environment: Readonly<Record<string, string>>;
  /** The process whose environment it starts from, below `environment`; the launch fails without it. */
  readonly environmentFrom?: { readonly pid: number; readonly startTime: string } | undefined;
  /**
   * The standard streams are pipes, to be taken by `Containerizer.pipes`, and no sandbox is made: the
   * command runs in one that is there. It ends when the agent does.
   */
  readonly hasPipes?: boolean | undefined;
  /** The user to run as; undefined: the agent's own. */
  readonly user: string | undefined;
  /** Persistent volumes, which are there; the launch fails when one cannot be given. */
  readonly volumes?: readonly ContainerVolume[];
  /** The container that it is inside: volumes of type SANDBOX_PATH may lead to its sandbox. */
  readonly parent?: ParentContainer | undefined;
  /** For containerizers that enforce them: memory and disk in MiB. */
  readonly limits: {
    readonly cpus?: number;
    readonly memoryMiB?: number;
    readonly diskMiB?: number;
  };
  /** The ports of the host that it was given, by which mappings of ports are judged. */
  readonly ports?: readonly ValueRange[] | undefined;
}

/** What is known of a container that runs, beside its process. */
export interface ContainerFacts {
  /** Its own networks, if it does not use that of the host; empty: it has none. */
  readonly networkInfos?: readonly NetworkInfo[] | undefined;
  /** What whoever holds it says about it, in base64, for the scheduler. */
  readonly data?: string | undefined;
}

/** How a launch ended. A failure has left no process behind. */
export type LaunchOutcome =
  | ({
      readonly kind: 'started';
      readonly pid: number;
      readonly startTime: string;
    } & ContainerFacts)
  | {
      readonly kind: 'failed';
      /** What could not be done: `user` and `command` name what is wrong with the task. */
      readonly stage: 'sandbox' | 'user' | 'fetch' | 'command' | 'launcher';
      readonly message: string;
    };

/** How a container ended. */
export type ContainerEnd =
  | {
      readonly kind: 'exited';
      readonly code: number;
      /** It was killed because it used more memory than it was given. */
      readonly isOutOfMemory?: boolean | undefined;
    }
  | { readonly kind: 'signaled'; readonly signal: string }
  /** Nobody saw it end: the launcher died, or the host was rebooted. All of its processes are gone. */
  | { readonly kind: 'lost'; readonly message: string };

/** What the agent remembers of a container that it launched. */
export interface KnownContainer {
  readonly containerId: ContainerId;
  /** Undefined when the agent died between asking for the launch and learning of its outcome. */
  readonly process: { readonly pid: number; readonly startTime: string } | undefined;
  /** What its task or executor asked for. */
  readonly container?: ContainerInfo | undefined;
}

/** What became of a known container while the agent was away. */
export type ContainerFate =
  | ({
      readonly kind: 'running';
      readonly pid: number;
      readonly startTime: string;
    } & ContainerFacts)
  | ContainerEnd;

/**
 * What a check does to a task once: on the loopback interface of the host, or at the address of a
 * container that has a network of its own.
 */
export type ProbeSpec = CommandProbe | HttpProbe | TcpProbe;

/**
 * Runs a command beside the task: in its sandbox, as its user. All that it started ends with it, and
 * it does not outlive the agent.
 */
export interface CommandProbe {
  readonly type: 'COMMAND';
  /** The container of the task: where it has an image of its own the command runs inside. */
  readonly containerId?: ContainerId | undefined;
  /** Absolute path of the task's sandbox. */
  readonly sandbox: string;
  /** Its environment is whole, but for what every command is given; `user` and `uris` do not count. */
  readonly command: CommandInfo;
  /** Whom to run as; undefined: the agent's own user. */
  readonly user: string | undefined;
  /** Name of the file in the sandbox that its output is added to. */
  readonly logName: string;
}

/** Asks for a page and follows no redirect. */
export interface HttpProbe {
  readonly type: 'HTTP';
  /** With `https` any certificate will do. */
  readonly scheme: 'http' | 'https';
  /** An IP address; empty: the task has none, and cannot be probed. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
}

/** Connects, and closes the connection. */
export interface TcpProbe {
  readonly type: 'TCP';
  /** As of `HttpProbe`. */
  readonly address: string;
  readonly port: number;
}

/** What came of a probe. */
export type ProbeOutcome =
  | { readonly kind: 'exited'; readonly code: number }
  /** The status of a whole answer. */
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'connected' }
  /** The task did not answer, or the command could not be run or died by a signal. */
  | { readonly kind: 'failed'; readonly message: string }
  /** It could not be carried out, for which the task is not to blame. */
  | { readonly kind: 'unknown'; readonly message: string };

/** Who hears of a probe. */
export interface ProbeListener {
  /** It is under way: from now on the task is expected to answer. */
  begun(): void;
  /** Told once at most, after `begun` or instead of it; never while `probe` is being called. */
  done(outcome: ProbeOutcome): void;
}

/** Hears what a container writes. */
export interface OutputListener {
  data(stream: 'stdout' | 'stderr', bytes: Uint8Array): void;
  /** Both streams have ended. */
  end(): void;
}

/**
 * The standard streams of a container. What is not read holds the process up. On a terminal all output is
 * `stdout`, and the end of the input is typed.
 */
export interface ContainerPipes {
  /** Starts to read. Call once. */
  read(listener: OutputListener): void;
  pause(): void;
  resume(): void;
  /** Resolves when more may be written; false: the process does not read any more. */
  write(bytes: Uint8Array): Promise<boolean>;
  endInput(): void;
  /** Sets the size of the window, in characters; absent: they are no terminal. */
  resize?(size: { readonly rows: number; readonly columns: number }): void;
  /** Lets go of all of them; a process that still runs is killed. */
  close(): void;
}

/** What the processes of a container use together. */
export interface ContainerUsage {
  /** Of the processes that live and of those that they waited for. */
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  readonly residentBytes: number;
  readonly processes: number;
  readonly threads: number;
}

/** Something that a containerizer has begun and not finished. */
export interface PendingOperation {
  readonly operation: string;
  readonly args: Readonly<Record<string, string>>;
}

export interface Containerizer {
  /** What it cannot enforce, in words for the log and the docs. */
  readonly unenforced: readonly string[];
  /**
   * Called once, before anything else: finds or starts what is needed to run containers, tells the
   * fate of each known container, and kills every container that is not among the known.
   */
  recover(known: readonly KnownContainer[]): Promise<ReadonlyMap<ContainerId, ContainerFate>>;
  /** Starts a container. Never rejects. */
  launch(spec: ContainerSpec): Promise<LaunchOutcome>;
  /**
   * Sends a signal to every process of the container. An ended container is no error. Instead of
   * SIGTERM containers with an image may get the signal by which that wants to be stopped.
   */
  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void;
  /** As `signal`, with any signal of the system by number; only containerizers of real hosts know it. */
  signalNumber?(containerId: ContainerId, signal: number): void;
  /** Takes the streams of a container that was launched with pipes, once. Rejects when it cannot. */
  pipes?(containerId: ContainerId): Promise<ContainerPipes>;
  /**
   * Joins the terminal of a container that was launched without pipes and has one: once at a time, and
   * `close` leaves it running. Rejects when it has none.
   */
  terminal?(containerId: ContainerId): Promise<ContainerPipes>;
  /** What it is busy with: launches and ends that are under way. For people. */
  pending?(): readonly PendingOperation[];
  /** What containers use, by the number of their first process; those that ended are left out. */
  usage?(
    leaders: readonly { readonly pid: number; readonly startTime: string }[],
  ): ReadonlyMap<number, ContainerUsage>;
  /**
   * Probes a task. Disposing gives the probe up: whatever it started is ended, and the listener hears
   * nothing more. `close` gives up all.
   */
  probe(spec: ProbeSpec, listener: ProbeListener): Disposable;
  /**
   * The end of a container has been checkpointed: nobody needs to remember it any more. Until then
   * the containerizer tells it again after each restart of the agent.
   */
  forget(containerId: ContainerId): void;
  /** Calls the listener when a container ends, once for each. */
  onEnd(listener: (containerId: ContainerId, end: ContainerEnd) => void): Disposable;
  /** Lets go of the containers, which run on (an upgrade), or ends them and what runs them. */
  close(mode: 'leave-running' | 'end-all'): Promise<void>;
}

/** The sandboxes on disk. */
export interface Sandboxes {
  /** Part of the disk under the work directory that is in use, 0 to 1. */
  diskUsage(): Promise<number>;
  /** Removes a folder and all in it; an absent one is no error. Never follows a link out. */
  remove(path: string): Promise<void>;
}

/** Where the folder of a persistent volume is. */
export interface VolumePlace {
  /** Absolute path of the disk. */
  readonly root: string;
  /**
   * Absolute path of the folder, `<root>/volumes/roles/<role>/<id>`; or the root itself, where the
   * whole disk is the volume.
   */
  readonly folder: string;
}

/** The folders of persistent volumes on disk. What a promise stands for is durable when it resolves. */
export interface Volumes {
  /**
   * Makes an empty folder; one that nobody knows of is put aside if it holds anything. A whole disk
   * is there already and has to be empty. Rejects when it cannot, in particular when the root is not
   * there.
   */
  make(place: VolumePlace): Promise<void>;
  /**
   * Gets a folder with all in it out of the way, for `sweep` to remove; an absent one is no error. Of
   * a whole disk all that is on it is removed, and the disk stays; an absent one rejects.
   */
  discard(place: VolumePlace): Promise<void>;
  /**
   * Removes all that was discarded below a root, now or before. Never follows a link out. Not for
   * disks that are volumes as a whole.
   */
  sweep(root: string): Promise<void>;
  /** Gives volumes to a container that runs already. Rejects, saying why, when it cannot. */
  link(target: {
    readonly sandbox: string;
    /** Whom the container runs as; undefined: the agent's own user. */
    readonly user: string | undefined;
    readonly volumes: readonly ContainerVolume[];
  }): Promise<void>;
}

/** The agent's side of its connection to the master. */
export interface MasterConnection {
  /** Queues one message, in order. Never throws. */
  send(message: LinkAgentMessage): void;
  close(): void;
}

/** Opens connections to the master; when and how often, the agent decides. */
export interface MasterConnector {
  /**
   * Tries once to find and reach the leading master. The shell answers by `agent.masterConnected`,
   * or by `agent.masterDisconnected` when it fails; later, by the latter when the connection ends.
   */
  connect(): void;
}

/** The event stream of one subscription of an executor. */
export interface ExecutorStream {
  /** Queues one event, in order. Never throws. */
  send(event: ExecutorEvent): void;
  /** Ends the stream after what was sent. The shell reports no disconnection for it. */
  close(): void;
}
