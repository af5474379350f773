/**
 * Containers that Docker or Podman runs for tasks. Each is run by a client, `docker run`, which the launcher
 * holds as it holds any task: so output, exit code and restarts of the agent are as those of processes. The
 * engine is asked what it really did: a launch has succeeded when the container runs, and an end is told
 * when the container has ended, whatever became of its client.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  CommandProbe,
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  ContainerUsage,
  KnownContainer,
  LaunchOutcome,
  PendingOperation,
} from '../../agent/index.js';
import { type ContainerId, type Logger, errorMessage } from '../../base/index.js';
import type { ClientProgram } from '../client-program.js';
import { failed, toFailure } from '../launch-outcomes.js';
import type { ProcessIdentity } from '../launcher/protocol.js';
import type { ProcessContainerizer } from '../process-containerizer.js';
import { isAlive, sendSignal } from '../processes.js';
import { usageOfTree } from '../usage.js';
import { RunClient, execClient, execProbe } from './docker-client.js';
import { DockerContainer, factsOf } from './docker-container.js';
import { endOf, notStarted, takenOver } from './docker-ends.js';
import { type DockerEngine, EngineError } from './engine.js';
import type { Inspection } from './inspection.js';
import type { DockerFolder } from './owner.js';
import { REMOVAL_RETRY_MS, Removals } from './removals.js';
import { OWNER_LABEL, planRun } from './run-arguments.js';

/** How long an engine may take from being asked for a container until that runs. */
export const DOCKER_START_TIMEOUT_MS = 5 * 60_000;
/** How long one that was asked to end before it ran is still waited for. */
export const DOCKER_ABANDON_MS = 10_000;
/** How often the engine is asked whether a container runs: at first, and at last. */
const FIRST_LOOK_MS = 50;
const LOOK_INTERVAL_MS = 500;
/** How long a kill may take before it is tried again, and by which attempt other means are used. */
const KILL_RETRY_MS = 2_000;
const KILL_TIMEOUT_MS = 10_000;
const DRASTIC_ATTEMPT = 3;
/** How long a client that was killed may take to end. */
const CLIENT_END_MS = 5_000;

export interface DockerContainersOptions {
  readonly engine: DockerEngine;
  readonly folder: DockerFolder;
  /** The id of this agent among those that share the engine. */
  readonly owner: string;
  /** Runs the clients. */
  readonly clients: ProcessContainerizer;
  readonly log: Logger;
  readonly hasCpuQuota: boolean;
  /** How long an ended container is kept by the engine. */
  readonly removeDelayMs: number;
  readonly killsOrphans: boolean;
  /** Told of each end once, after the launch or recovery was. */
  readonly onEnd: (containerId: ContainerId, end: ContainerEnd) => void;
}

export class DockerContainers {
  readonly #options: DockerContainersOptions;
  readonly #engine: DockerEngine;
  readonly #removals: Removals;
  readonly #containers = new Map<ContainerId, DockerContainer>();
  #orphanTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DockerContainersOptions) {
    this.#options = options;
    this.#engine = options.engine;
    this.#removals = new Removals(options.engine, options.log);
  }

  /** Whether a container is one of these, and not known to have ended. */
  has(containerId: ContainerId): boolean {
    return this.#containers.has(containerId);
  }

  /** The container whose client a process is. */
  byClient({ pid, startTime }: ProcessIdentity): ContainerId | undefined {
    for (const { containerId, client } of this.#containers.values()) {
      if (client?.pid === pid && client.startTime === startTime) return containerId;
    }
    return undefined;
  }

  /** Before the clients are recovered: their ends will be heard from then on. */
  expect(known: readonly KnownContainer[]): void {
    for (const { containerId, container, process } of known) {
      if (container?.type !== 'DOCKER') continue;
      const found = new DockerContainer(containerId);
      found.phase = 'running';
      found.client = process;
      this.#containers.set(containerId, found);
    }
  }

  /** Makes the fates of clients those of containers; ends what nobody knows. */
  async recover(
    fates: ReadonlyMap<ContainerId, ContainerFate>,
  ): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    const known = [...this.#containers.values()];
    for (const container of known) {
      const fate = fates.get(container.containerId);
      if (fate?.kind === 'running') container.client = { pid: fate.pid, startTime: fate.startTime };
      else this.#containers.delete(container.containerId);
    }
    const seen = await this.#endOrphans(new Set(known.map(({ name }) => name)));
    const changed = new Map(fates);
    for (const container of known) {
      const { containerId, name } = container;
      const fate = fates.get(containerId);
      const found = seen?.get(name);
      if (fate !== undefined) changed.set(containerId, takenOver(fate, found));
      if (fate?.kind !== 'running') continue;
      if (found !== undefined) container.see(found);
      this.#settled(container);
    }
    return changed;
  }

  async launch(spec: ContainerSpec): Promise<LaunchOutcome> {
    const { containerId } = spec;
    if (this.#containers.has(containerId)) {
      return failed('launcher', `container ${containerId} was launched before`);
    }
    const container = new DockerContainer(containerId);
    this.#containers.set(containerId, container);
    try {
      const outcome = await this.#start(spec, container);
      if (outcome.kind === 'failed') this.#containers.delete(containerId);
      else this.#settled(container);
      return outcome;
    } catch (error) {
      await this.#undo(container);
      return toFailure(error);
    }
  }

  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    container.askedMs ??= performance.now();
    if (signal === 'SIGKILL') this.#kill(container);
    // One that is about to start is asked again by whoever learns that it runs.
    if (container.phase === 'running' && signal === 'SIGTERM') {
      this.#send(container, container.stopSignal);
    } else if (container.client === undefined) {
      this.#options.clients.signal(containerId, signal);
    }
  }

  signalNumber(containerId: ContainerId, signal: number): void {
    const container = this.#containers.get(containerId);
    if (container !== undefined) this.#send(container, String(signal));
  }

  /** The client of a container has ended. */
  clientEnded(containerId: ContainerId, end: ContainerEnd): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    container.endClient(end);
    if (container.isSettled) void this.#settleEnd(container);
  }

  /** What runs a command of a session inside of a container. @throws LaunchError. */
  session(spec: ContainerSpec, containerId: ContainerId): ClientProgram {
    return execClient(this.#engine, spec, containerId);
  }

  /** A probe that runs inside of its container. @throws EngineError, LaunchError. */
  probe(spec: CommandProbe, containerId: ContainerId): CommandProbe {
    return execProbe(this.#engine, spec, containerId);
  }

  /** What a container uses whose client is given, as far as its processes can be seen from here. */
  usage(containerId: ContainerId): ContainerUsage | undefined {
    const init = this.#containers.get(containerId)?.init;
    return init && usageOfTree(init);
  }

  /** Containers that the engine was asked for or told to end. */
  pending(): readonly PendingOperation[] {
    return [...this.#containers.values()].flatMap((container) => {
      const { containerId, phase, client, askedMs } = container;
      if (phase === 'starting' && client !== undefined) {
        return [{ operation: 'docker::run', args: { containerId } }];
      }
      if (phase !== 'running' || askedMs === undefined) return [];
      const seconds = ((performance.now() - askedMs) / 1000).toFixed(3);
      return [{ operation: 'docker::kill', args: { containerId, seconds } }];
    });
  }

  /** Lets go of the containers, which run on, or has all of them removed. */
  async close(mode: 'leave-running' | 'end-all'): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#orphanTimer);
    this.#removals.close();
    if (mode === 'leave-running') return;
    await this.#removals.idle();
    const running = [...this.#containers.values()].map(({ name }) => name);
    try {
      // What it knows itself it ends also when the engine does not list it.
      const all = await this.#engine.list(this.#label).catch(() => []);
      const names = new Set([...running, ...all]);
      if (names.size > 0) await this.#engine.end([...names]);
    } catch (error) {
      const why = errorMessage(error);
      this.#options.log.error('containers could not be ended', { names: running, why });
    }
  }

  get #label(): string {
    return `${OWNER_LABEL}=${this.#options.owner}`;
  }

  async #start(spec: ContainerSpec, container: DockerContainer): Promise<LaunchOutcome> {
    const { engine, folder, owner, clients, hasCpuQuota } = this.#options;
    const plan = planRun(spec, { owner, hasCpuQuota });
    try {
      const program = new RunClient({ engine, folder }, spec, plan);
      const outcome = await clients.launch(spec, program);
      if (outcome.kind === 'failed') return outcome;
      const { pid, startTime } = outcome;
      container.client = { pid, startTime };
      const found = await this.#untilStarted(container, spec.sandbox);
      container.phase = 'running';
      if (found === undefined) return outcome;
      container.see(found);
      return { ...outcome, ...factsOf(found) };
    } finally {
      await folder.removeSecrets(container.name);
    }
  }

  /**
   * Waits until the container runs, or has run; undefined: the engine does not say, and the client ended
   * as if it had.
   * @throws LaunchError when it did not start.
   */
  async #untilStarted(
    container: DockerContainer,
    sandbox: string,
  ): Promise<Inspection | undefined> {
    const deadlineMs = performance.now() + DOCKER_START_TIMEOUT_MS;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 1.5, LOOK_INTERVAL_MS)) {
      // What is found after the client has ended is final.
      const { clientEnd } = container;
      const found = await this.#look(container.name);
      if (found?.hasStarted === true || this.#isClosed) return found;
      const nowMs = performance.now();
      const isAbandoned = nowMs > (container.askedMs ?? nowMs) + DOCKER_ABANDON_MS;
      const isLate = nowMs > deadlineMs || isAbandoned;
      if (clientEnd !== undefined || isLate) {
        const why = notStarted(clientEnd, sandbox, container.askedMs !== undefined);
        if (why === undefined) return undefined;
        throw why;
      }
      await Promise.race([delay(waitMs), container.whenClientEnded]);
    }
  }

  /** As the engine's `inspect`, but an engine that does not answer knows nothing. */
  async #look(name: string): Promise<Inspection | undefined> {
    try {
      return await this.#engine.inspect(name);
    } catch (error) {
      this.#options.log.debug('a container could not be looked at', {
        name,
        why: errorMessage(error),
      });
      return undefined;
    }
  }

  /** Leaves nothing of a container that did not come to run. */
  async #undo(container: DockerContainer): Promise<void> {
    const { containerId, name, client, clientEnd } = container;
    if (client !== undefined && clientEnd === undefined) {
      this.#options.clients.signal(containerId, 'SIGKILL');
      await Promise.race([container.whenClientEnded, delay(CLIENT_END_MS)]);
    }
    container.phase = 'ended';
    this.#containers.delete(containerId);
    if (client === undefined) return;
    await this.#engine.end([name]).catch(() => undefined);
    // An engine that was still at it may have made it after that.
    this.#removals.schedule(name, REMOVAL_RETRY_MS);
  }

  /** Whoever awaits the launch must learn of it before he hears of the end. */
  #settled(container: DockerContainer): void {
    setImmediate(() => {
      container.isSettled = true;
      if (container.clientEnd !== undefined) void this.#settleEnd(container);
    });
  }

  async #settleEnd(container: DockerContainer): Promise<void> {
    const { containerId, name, clientEnd } = container;
    if (container.phase === 'ended' || clientEnd === undefined) return;
    container.phase = 'ended';
    const end = this.#isClosed ? clientEnd : await endOf(this.#engine, name, clientEnd);
    if (!this.#containers.delete(containerId)) return;
    const { removeDelayMs, log } = this.#options;
    if (end.kind === 'lost') log.warn('a container was lost', { name, why: end.message });
    this.#removals.schedule(name, end.kind === 'lost' ? 0 : removeDelayMs);
    this.#options.onEnd(containerId, end);
  }

  #send(container: DockerContainer, signal: string): void {
    this.#engine.run(['kill', `--signal=${signal}`, container.name]).catch((error: unknown) => {
      if (container.phase === 'ended' || container.clientEnd !== undefined) return;
      const why = errorMessage(error);
      this.#options.log.warn('a signal did not reach a container', { name: container.name, why });
    });
  }

  /** Kills a container, by other means when its engine does not. */
  #kill(container: DockerContainer): void {
    if (container.isKilled) return;
    container.isKilled = true;
    void this.#killUntilEnded(container);
  }

  async #killUntilEnded(container: DockerContainer): Promise<void> {
    const { containerId, name } = container;
    for (let attempt = 1; container.clientEnd === undefined && !this.#isClosed; attempt++) {
      if (container.client !== undefined) {
        const timeoutMs = KILL_TIMEOUT_MS;
        const why = await this.#engine.run(['kill', name], { timeoutMs }).then(
          () => undefined,
          (error: unknown) => errorMessage(error),
        );
        if (why !== undefined && container.clientEnd === undefined) {
          this.#options.log.warn('a container was not killed; trying again', { name, why });
          if (container.init !== undefined && isAlive(container.init)) {
            sendSignal(container.init.pid, 'SIGKILL');
          }
        }
        // A client that waits for an engine which hangs would never end.
        if (attempt >= DRASTIC_ATTEMPT) this.#options.clients.signal(containerId, 'SIGKILL');
      }
      await Promise.race([container.whenClientEnded, delay(KILL_RETRY_MS, undefined, UNREF)]);
      if (container.phase === 'ended' || !this.#containers.has(containerId)) return;
    }
  }

  /**
   * Removes containers of this agent that nobody waits for; tries again later when the engine does not
   * answer. Those that are known, and whose clients have ended, are among them whatever the settings say.
   * @returns what the engine knows of all, by name; undefined: it does not answer.
   */
  async #endOrphans(
    lost: ReadonlySet<string> = new Set(),
  ): Promise<ReadonlyMap<string, Inspection> | undefined> {
    try {
      const all = await this.#engine.inspectAll(await this.#engine.list(this.#label));
      const known = new Set([...this.#containers.values()].map(({ name }) => name));
      const unknown = all.filter(({ name }) => !known.has(name));
      const orphans = unknown
        .filter(
          ({ name, isRunning }) => isRunning && (this.#options.killsOrphans || lost.has(name)),
        )
        .map(({ name }) => name);
      if (orphans.length > 0) {
        this.#options.log.warn('ends containers that nobody waits for', { names: orphans });
        await this.#engine.end(orphans);
      }
      for (const { name, isRunning, finishedAtMs } of unknown) {
        const ageMs = finishedAtMs === undefined ? Infinity : Date.now() - finishedAtMs;
        if (!isRunning) this.#removals.schedule(name, this.#options.removeDelayMs - ageMs);
      }
      return new Map(all.map((found) => [found.name, found]));
    } catch (error) {
      const isMissing = error instanceof EngineError && error.kind === 'missing';
      const why = errorMessage(error);
      this.#options.log.error('the container engine does not answer: tasks with images fail', {
        why,
      });
      const again = (): unknown => (this.#isClosed ? undefined : this.#endOrphans());
      if (!isMissing) this.#orphanTimer = setTimeout(again, REMOVAL_RETRY_MS).unref();
      return undefined;
    }
  }
}

const UNREF = { ref: false } as const;
