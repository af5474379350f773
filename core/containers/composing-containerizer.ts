/**
 * Gives each container to whoever can run it: those of type DOCKER to the container engine, all others to
 * the launcher as plain processes. Ends, signals and checks follow the container.
 */
import type {
  ContainerEnd,
  ContainerFate,
  ContainerPipes,
  ContainerSpec,
  ContainerUsage,
  Containerizer,
  KnownContainer,
  LaunchOutcome,
  PendingOperation,
  ProbeListener,
  ProbeSpec,
} from '../agent/index.js';
import { type ContainerId, type Disposable, errorMessage, toDisposable } from '../base/index.js';
import { DockerContainers } from './docker/docker-containers.js';
import { DockerEngine } from './docker/engine.js';
import { DockerFolder } from './docker/owner.js';
import { LaunchError } from './launch-error.js';
import { failed, toFailure } from './launch-outcomes.js';
import type { ProcessIdentity } from './launcher/protocol.js';
import { ProcessContainerizer, type ProcessContainerizerOptions } from './process-containerizer.js';

export interface DockerOptions {
  /** Name or path of the client of Docker or Podman. */
  readonly program: string;
  /** How long an ended container is kept by the engine; milliseconds. */
  readonly removeDelayMs: number;
  /** Whether containers of this agent that nobody waits for are ended when it starts. */
  readonly killsOrphans: boolean;
  /** Whether a container gets no more processor time than it was given, even when some is free. */
  readonly hasCpuQuota: boolean;
  /** Credentials of registries, as the `config.json` of a client has them. */
  readonly config?: string | undefined;
  /** How long the engine may take to answer; default `ENGINE_TIMEOUT_MS`. */
  readonly timeoutMs?: number | undefined;
}

export interface ComposingOptions extends ProcessContainerizerOptions {
  readonly docker: DockerOptions;
  /** False: containers that are not of type DOCKER are refused. Default true. */
  readonly runsProcesses?: boolean | undefined;
}

export class ComposingContainerizer implements Containerizer {
  readonly unenforced: readonly string[];
  readonly #options: ComposingOptions;
  readonly #processes: ProcessContainerizer;
  readonly #folder: DockerFolder;
  readonly #listeners = new Set<(containerId: ContainerId, end: ContainerEnd) => void>();
  #docker: DockerContainers | undefined;

  constructor(options: ComposingOptions) {
    this.#options = options;
    this.#processes = new ProcessContainerizer(options);
    this.#folder = new DockerFolder(options.workDir);
    this.unenforced = this.#processes.unenforced.map((wish) => `without an image: ${wish}`);
    this.#processes.onEnd((containerId, end) => {
      if (this.#docker?.has(containerId) === true) this.#docker.clientEnded(containerId, end);
      else this.#tell(containerId, end);
    });
  }

  /** @throws PlateauError as `ProcessContainerizer.recover`. An engine that is away is no error. */
  async recover(
    known: readonly KnownContainer[],
  ): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    const docker = await this.#makeDocker();
    this.#docker = docker;
    docker.expect(known);
    return docker.recover(await this.#processes.recover(known));
  }

  async launch(spec: ContainerSpec): Promise<LaunchOutcome> {
    const docker = this.#docker;
    const inside = spec.environmentFrom && docker?.byClient(spec.environmentFrom);
    if (docker !== undefined && inside !== undefined) {
      return await this.#launchInside(docker, spec, inside);
    }
    if (docker !== undefined && spec.container?.type === 'DOCKER') return await docker.launch(spec);
    if (this.#options.runsProcesses !== false) return await this.#processes.launch(spec);
    const message = `this agent runs containers of type DOCKER only: add 'mesos' to its --containerizers, or give the task an image`;
    return failed('command', message);
  }

  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#ownerOf(containerId).signal(containerId, signal);
  }

  signalNumber(containerId: ContainerId, signal: number): void {
    this.#ownerOf(containerId).signalNumber(containerId, signal);
  }

  pipes(containerId: ContainerId): Promise<ContainerPipes> {
    return this.#processes.pipes(containerId);
  }

  terminal(containerId: ContainerId): Promise<ContainerPipes> {
    return this.#processes.terminal(containerId);
  }

  pending(): readonly PendingOperation[] {
    const clients = this.#processes.pending();
    return [...clients, ...(this.#docker?.pending() ?? [])];
  }

  usage(leaders: readonly ProcessIdentity[]): ReadonlyMap<number, ContainerUsage> {
    const found = new Map(this.#processes.usage(leaders));
    for (const leader of leaders) {
      const containerId = this.#docker?.byClient(leader);
      if (containerId === undefined) continue;
      // Its client says nothing about what a container uses.
      found.delete(leader.pid);
      const own = this.#docker?.usage(containerId);
      if (own !== undefined) found.set(leader.pid, own);
    }
    return found;
  }

  probe(spec: ProbeSpec, listener: ProbeListener): Disposable {
    const containerId = spec.type === 'COMMAND' ? spec.containerId : undefined;
    const docker = this.#docker;
    if (spec.type !== 'COMMAND' || containerId === undefined || docker?.has(containerId) !== true) {
      return this.#processes.probe(spec, listener);
    }
    try {
      return this.#processes.probe(docker.probe(spec, containerId), listener);
    } catch (error) {
      const kind = error instanceof LaunchError ? 'failed' : 'unknown';
      const tell = setImmediate(() => listener.done({ kind, message: errorMessage(error) }));
      return toDisposable(() => clearImmediate(tell));
    }
  }

  forget(containerId: ContainerId): void {
    this.#processes.forget(containerId);
  }

  onEnd(listener: (containerId: ContainerId, end: ContainerEnd) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
  }

  async close(mode: 'leave-running' | 'end-all'): Promise<void> {
    await this.#docker?.close(mode);
    await this.#processes.close(mode);
  }

  async #makeDocker(): Promise<DockerContainers> {
    const { docker, log } = this.#options;
    const owner = await this.#folder.open();
    const configFolder =
      docker.config === undefined ? undefined : await this.#folder.writeConfig(docker.config);
    const { program, timeoutMs } = docker;
    return new DockerContainers({
      engine: new DockerEngine({ program, configFolder, timeoutMs }),
      folder: this.#folder,
      owner,
      clients: this.#processes,
      log,
      hasCpuQuota: docker.hasCpuQuota,
      removeDelayMs: docker.removeDelayMs,
      killsOrphans: docker.killsOrphans,
      onEnd: (containerId, end) => this.#tell(containerId, end),
    });
  }

  /** Only sessions can be inside of a container with an image. */
  async #launchInside(
    docker: DockerContainers,
    spec: ContainerSpec,
    containerId: ContainerId,
  ): Promise<LaunchOutcome> {
    if (spec.hasPipes !== true) {
      const message = `its parent is a container of type DOCKER, inside of which only sessions can be launched: use LAUNCH_NESTED_CONTAINER_SESSION`;
      return failed('command', message);
    }
    try {
      return await this.#processes.launch(spec, docker.session(spec, containerId));
    } catch (error) {
      return toFailure(error);
    }
  }

  #ownerOf(containerId: ContainerId): DockerContainers | ProcessContainerizer {
    const docker = this.#docker;
    return docker?.has(containerId) === true ? docker : this.#processes;
  }

  #tell(containerId: ContainerId, end: ContainerEnd): void {
    for (const listener of this.#listeners) listener(containerId, end);
  }
}
