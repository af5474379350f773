/**
 * Runs containers as plain processes through the launcher. Owns what is known of each container
 * between its launch and its being forgotten. A launch settles before its end is told, each end is
 * told once, and an end is true: what the launcher did not see end is killed first, then `lost`.
 */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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
import {
  type ContainerId,
  type Disposable,
  type Logger,
  PlateauError,
  id,
  toDisposable,
} from '../base/index.js';
import type { ClientProgram } from './client-program.js';
import { CommandProbes, isCheck } from './command-probes.js';
import { type Entry, isAsked, newEntry, pendingOf, reach } from './container-entry.js';
import { Fetcher } from './fetcher.js';
import { failed, stageOf, toContainerEnd, toFailure } from './launch-outcomes.js';
import { LauncherLink } from './launcher-link.js';
import { openPipes } from './launcher-pipes.js';
import { defaultRuntimeDir, socketPathOf } from './launcher-process.js';
import type {
  ContainerRecord,
  LaunchRequest,
  LauncherEvent,
  ProcessEnd,
  ProcessIdentity,
  Welcome,
} from './launcher/protocol.js';
import { Limiter } from './limiter.js';
import { Preparation } from './preparation.js';
import { Probes } from './probes.js';
import { killLeftBehind } from './processes.js';
import { UsageCache } from './usage-cache.js';
import { Users } from './users.js';

/** From this size on an output file is cut; as much of the past is kept beside it. */
export const DEFAULT_OUTPUT_LIMIT_BYTES = 10 * 1024 * 1024;
/** How many launches the launcher is asked for before it has answered. */
export const MAX_LAUNCHES_IN_FLIGHT = 32;

/** How long closing waits for launches that the launcher has not answered yet. */
const CLOSE_TIMEOUT_MS = 2_000;
const CLOSE_POLL_MS = 5;

export interface ProcessContainerizerOptions {
  readonly workDir: string;
  readonly log: Logger;
  /** Folder of the launcher's socket; see `defaultRuntimeDir`. */
  readonly runtimeDir?: string | undefined;
  readonly outputLimitBytes?: number | undefined;
  readonly fetchStallTimeoutMs?: number | undefined;
  readonly maxFetchBytes?: number | undefined;
  /** Where URIs that are relative paths start. */
  readonly frameworksHome?: string | undefined;
}

export class ProcessContainerizer implements Containerizer {
  readonly unenforced: readonly string[] = [
    'limits on cpus and memory: a task may use more than it was given',
    'limits on disk: only the size of stdout and stderr is bounded',
    'networks and ports: tasks share those of the host, and nothing keeps them to their ports',
    'containment: a process that starts a session of its own (setsid) outlives its task',
    'isolation: tasks of the same user see and may signal each other',
  ];
  readonly #options: ProcessContainerizerOptions;
  readonly #workDir: string;
  readonly #runtimeDir: string;
  readonly #preparation: Preparation;
  readonly #link: LauncherLink;
  readonly #launches = new Limiter(MAX_LAUNCHES_IN_FLIGHT);
  readonly #commandProbes: CommandProbes;
  readonly #probes: Probes;
  readonly #entries = new Map<string, Entry>();
  /** Killed as unknown; forgotten as soon as they have ended. */
  readonly #discarded = new Set<string>();
  /** Containers that have a terminal, until they are forgotten. */
  readonly #terminals = new Set<string>();
  #isClosed = false;
  readonly #usage = new UsageCache();
  readonly #listeners = new Set<(containerId: ContainerId, end: ContainerEnd) => void>();

  constructor(options: ProcessContainerizerOptions) {
    this.#options = options;
    this.#workDir = resolve(options.workDir);
    const users = new Users();
    this.#preparation = new Preparation({
      workDir: this.#workDir,
      users,
      fetcher: new Fetcher({
        log: options.log,
        stallTimeoutMs: options.fetchStallTimeoutMs,
        maxBytes: options.maxFetchBytes,
        frameworksHome: options.frameworksHome,
      }),
      outputLimitBytes: options.outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES,
    });
    this.#runtimeDir = resolve(options.runtimeDir ?? defaultRuntimeDir(this.#workDir));
    const place = { workDir: this.#workDir, runtimeDir: this.#runtimeDir };
    this.#link = new LauncherLink(place, options.log, {
      event: (event) => this.#take(event),
      reconnected: (records) => this.#compare(records),
      died: () => this.#loseAll('the launcher died'),
    });
    this.#commandProbes = new CommandProbes(this.#link, users);
    this.#probes = new Probes(this.#commandProbes);
  }

  /**
   * @throws PlateauError `SOCKET_PATH_TOO_LONG`, `STALE_SOCKET`, `LAUNCHER_UNREACHABLE`: the agent
   *   must not go on then.
   */
  async recover(
    known: readonly KnownContainer[],
  ): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    const { welcome, isNew } = await this.#link.open();
    const records = new Map(welcome.containers.map((record) => [record.containerId, record]));
    const missing = known.filter(({ containerId }) => !records.has(containerId));
    // No wait before all entries are there: an end that arrives meanwhile finds its entry.
    const fates = new Map<ContainerId, ContainerFate>();
    for (const { containerId, process } of known) {
      const record = records.get(containerId);
      records.delete(containerId);
      fates.set(containerId, this.#fateOf(record, process));
    }
    for (const record of records.values()) this.#discard(record);
    await this.#killLeftBehind({
      leaders: missing.flatMap(({ process }) => process ?? []),
      // While their launcher lives, processes that write output are its own.
      withOutput: isNew,
    });
    for (const [containerId, entry] of this.#entries) this.#settled(containerId, entry);
    return fates;
  }

  /** With a client, that is what is run, as the agent's own user, in the sandbox of the container. */
  async launch(spec: ContainerSpec, client?: ClientProgram): Promise<LaunchOutcome> {
    const { containerId } = spec;
    if (this.#entries.has(containerId)) {
      return failed('launcher', `container ${containerId} was launched before`);
    }
    const entry = newEntry();
    this.#entries.set(containerId, entry);
    const outcome = await this.#start(spec, entry, client).catch(toFailure);
    if (outcome.kind === 'failed') {
      this.#entries.delete(containerId);
      this.#terminals.delete(containerId);
    } else this.#settled(containerId, entry);
    return outcome;
  }

  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void {
    const entry = this.#entries.get(containerId);
    if (entry === undefined) return;
    if (entry.lastSignal === undefined && entry.process !== undefined) {
      entry.sinceMs = performance.now();
    }
    entry.lastSignal = signal;
    entry.abort.abort();
    this.#link.send({ type: 'signal', containerId, signal });
  }

  /** A launcher of an older version knows SIGTERM and SIGKILL only; others are dropped with a warning. */
  signalNumber(containerId: ContainerId, signal: number): void {
    const name = NAMED_SIGNALS[signal];
    if (name !== undefined) this.signal(containerId, name);
    else if (!this.#link.can('signals')) {
      this.#options.log.warn('the launcher is too old for this signal', { containerId, signal });
    } else if (this.#entries.has(containerId)) {
      this.#link.send({ type: 'signal', containerId, signal });
    }
  }

  async pipes(containerId: ContainerId): Promise<ContainerPipes> {
    return this.#open(containerId, this.#terminals.has(containerId));
  }

  async terminal(containerId: ContainerId): Promise<ContainerPipes> {
    if (this.#link.can('terminal-taps')) return await this.#open(containerId, true);
    throw new PlateauError('LAUNCHER_UNREACHABLE', 'the running launcher is of an older version', {
      context: { containerId },
    });
  }

  #open(containerId: ContainerId, hasTerminal: boolean): Promise<ContainerPipes> {
    const path = socketPathOf({ workDir: this.#workDir, runtimeDir: this.#runtimeDir });
    return openPipes(path, containerId, { hasTerminal });
  }

  usage(leaders: readonly ProcessIdentity[]): ReadonlyMap<number, ContainerUsage> {
    return this.#usage.of(leaders);
  }

  pending(): readonly PendingOperation[] {
    return [...this.#entries].flatMap(
      ([containerId, entry]) => pendingOf(containerId, entry) ?? [],
    );
  }

  probe(spec: ProbeSpec, listener: ProbeListener): Disposable {
    return this.#probes.start(spec, listener);
  }

  forget(containerId: ContainerId): void {
    this.#terminals.delete(containerId);
    this.#link.send({ type: 'forget', containerId });
  }

  onEnd(listener: (containerId: ContainerId, end: ContainerEnd) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
  }

  async close(mode: 'leave-running' | 'end-all'): Promise<void> {
    this.#isClosed = true;
    this.#probes.close();
    if (mode === 'leave-running') {
      await this.#answersOfLauncher();
      this.#link.close();
      return;
    }
    for (const entry of this.#entries.values()) entry.abort.abort();
    await this.#link.shutDown();
    await this.#loseAll('the agent ended it');
  }

  /** Waits a little for launches that the launcher was asked for. */
  async #answersOfLauncher(): Promise<void> {
    const deadlineMs = performance.now() + CLOSE_TIMEOUT_MS;
    while ([...this.#entries.values()].some(isAsked) && performance.now() < deadlineMs) {
      await delay(CLOSE_POLL_MS);
    }
  }

  async #start(
    spec: ContainerSpec,
    entry: Entry,
    client: ClientProgram | undefined,
  ): Promise<LaunchOutcome> {
    const begun = await this.#preparation.begin(spec, client);
    const lacking = begun.abilities.find((ability) => !this.#link.can(ability));
    if (lacking !== undefined) {
      return failed('launcher', `the running launcher is of an older version without ${lacking}`);
    }
    if (begun.terminal !== undefined) this.#terminals.add(spec.containerId);
    const request = await this.#preparation.finish(spec, begun, { entry, client });
    reach(entry, 'launcher::wait');
    return this.#launches.run(() => this.#ask(request, entry));
  }

  async #ask(request: LaunchRequest, entry: Entry): Promise<LaunchOutcome> {
    await this.#link.ready();
    if (this.#isClosed) return failed('launcher', 'the agent is closing');
    if (entry.abort.signal.aborted) return failed('launcher', 'it was killed before it started');
    reach(entry, 'launcher::launch');
    return new Promise((resolve) => {
      entry.settle = resolve;
      this.#link.send(request);
    });
  }

  #take(event: Exclude<LauncherEvent, Welcome>): void {
    if (isCheck(event.containerId)) {
      this.#commandProbes.take(event);
      return;
    }
    const entry = this.#entries.get(event.containerId);
    if (event.type === 'ended') this.#ended(event.containerId, event.end);
    else if (event.type === 'started') this.#started(entry, event);
    else if (entry !== undefined) {
      entry.settle?.(failed(stageOf(event), `the process did not start: ${event.message}`));
      entry.settle = undefined;
    }
  }

  #started(entry: Entry | undefined, process: ProcessIdentity): void {
    if (entry === undefined) return;
    const { pid, startTime } = process;
    entry.process = { pid, startTime };
    entry.settle?.({ kind: 'started', pid, startTime });
    entry.settle = undefined;
  }

  #ended(containerId: string, end: ProcessEnd): void {
    const entry = this.#entries.get(containerId);
    if (entry !== undefined) {
      entry.end ??= toContainerEnd(end);
      this.#tellEnd(containerId, entry);
    } else if (this.#discarded.delete(containerId)) {
      this.#link.send({ type: 'forget', containerId });
    }
  }

  /** Whoever awaits the outcome must learn of it before he hears of the end. */
  #settled(containerId: string, entry: Entry): void {
    setImmediate(() => {
      entry.isStarted = true;
      this.#tellEnd(containerId, entry);
    });
  }

  #tellEnd(containerId: string, entry: Entry): void {
    if (!entry.isStarted || entry.end === undefined || !this.#entries.delete(containerId)) return;
    for (const listener of this.#listeners) listener(id<'ContainerId'>(containerId), entry.end);
  }

  #fateOf(
    record: ContainerRecord | undefined,
    process: ProcessIdentity | undefined,
  ): ContainerFate {
    if (record?.end !== undefined) return toContainerEnd(record.end);
    if (record !== undefined) {
      const { containerId, pid, startTime } = record;
      this.#entries.set(containerId, { ...newEntry(), process: { pid, startTime } });
      return { kind: 'running', pid, startTime };
    }
    const message =
      process === undefined
        ? 'the agent stopped before the container was started'
        : 'the launcher died, or the host was rebooted';
    return { kind: 'lost', message };
  }

  #discard(record: ContainerRecord): void {
    const { containerId } = record;
    if (isCheck(containerId)) this.#commandProbes.remove(containerId, record.end);
    else if (record.end !== undefined) this.#link.send({ type: 'forget', containerId });
    else {
      this.#discarded.add(containerId);
      this.#options.log.warn('kills a container that the agent does not know', { containerId });
      this.#link.send({ type: 'signal', containerId, signal: 'SIGKILL' });
    }
  }

  /** Brings the entries to what the launcher says after a connection was lost. */
  #compare(list: readonly ContainerRecord[]): void {
    this.#commandProbes.reconnected(list);
    const records = new Map(list.map((record) => [record.containerId, record]));
    for (const [containerId, entry] of this.#entries) {
      if (entry.process === undefined && entry.settle === undefined) continue;
      const record = records.get(containerId);
      if (record === undefined) this.#missing(containerId, entry);
      else {
        this.#started(entry, record);
        if (record.end !== undefined) this.#ended(containerId, record.end);
        else if (entry.lastSignal !== undefined) {
          this.#link.send({ type: 'signal', containerId, signal: entry.lastSignal });
        }
      }
    }
  }

  #missing(containerId: string, entry: Entry): void {
    if (entry.settle !== undefined) {
      entry.settle(failed('launcher', 'the connection to the launcher broke before it started'));
      entry.settle = undefined;
    } else {
      entry.end ??= { kind: 'lost', message: 'the launcher does not know the container' };
      this.#tellEnd(containerId, entry);
    }
  }

  /** Kills what a dead launcher left, then tells that it is lost. */
  async #loseAll(message: string): Promise<void> {
    const lost = [...this.#entries].filter(
      ([, entry]) => entry.process !== undefined || entry.settle !== undefined,
    );
    await this.#killLeftBehind({
      leaders: [
        ...lost.flatMap(([, { process, end }]) => (end === undefined ? (process ?? []) : [])),
        ...this.#commandProbes.processes,
      ],
      withOutput: true,
    });
    this.#commandProbes.lost(message);
    for (const [containerId, entry] of lost) {
      entry.settle?.(failed('launcher', message));
      entry.settle = undefined;
      if (entry.process === undefined) continue;
      entry.end ??= { kind: 'lost', message };
      this.#tellEnd(containerId, entry);
    }
  }

  async #killLeftBehind(left: {
    readonly leaders: readonly ProcessIdentity[];
    readonly withOutput: boolean;
  }): Promise<void> {
    if (left.leaders.length === 0 && !left.withOutput) return;
    const outputBelow = left.withOutput
      ? await realpath(this.#workDir).catch(() => this.#workDir)
      : undefined;
    const remaining = await killLeftBehind({ leaders: left.leaders, outputBelow });
    if (remaining.length === 0) return;
    const pids = remaining.map(({ pid }) => pid);
    this.#options.log.error('processes of lost containers could not be killed', { pids });
  }
}

/** Those that end a container for good are remembered, in case the connection breaks. */
const NAMED_SIGNALS: Readonly<Record<number, 'SIGTERM' | 'SIGKILL'>> = {
  9: 'SIGKILL',
  15: 'SIGTERM',
};
