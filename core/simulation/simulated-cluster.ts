/**
 * A whole cluster in one process on virtual time: the real master, allocator and agents, scripted
 * schedulers and task programs, a network and disks that can fail. The seed fixes everything.
 *
 * What must always hold is checked before every event; a violation, or a process that stops for a
 * reason that no fault explains, ends the run with an error that names seed, time and last events.
 */
import type { AgentConfig } from '../agent/index.js';
import {
  type LogLevel,
  type Logger,
  PlateauError,
  SILENT_LOGGER,
  VirtualWorld,
  at,
  errorMessage,
} from '../base/index.js';
import type { Master, MasterSettings } from '../master/index.js';
import { BoundedMap } from './bounded-map.js';
import { Disks } from './disks.js';
import { HostChecks, MasterChecks, checkConvergence } from './invariants.js';
import { DEFAULT_NETWORK, Network, type NetworkOptions } from './network.js';
import type { NodeContext } from './node-context.js';
import { type AgentDescription, SimulatedAgent } from './simulated-agent.js';
import { SimulatedMaster } from './simulated-master.js';
import { type ProcessDisk, type ProcessProgram, SimulatedProcess } from './simulated-process.js';
import { SimulatedScheduler, type SimulatedSchedulerOptions } from './simulated-scheduler.js';
import { Trace } from './trace.js';
import { type Wire, type WireForm, wireOf } from './wire.js';

export interface SimulatedClusterOptions {
  /** Fixes the whole run. */
  readonly seed?: string;
  /** The resources of each agent, such as `cpus:4;mem:4096`, or more about it; or how many agents with that. */
  readonly agents?: number | readonly (string | AgentDescription)[];
  readonly masterConfig?: MasterSettings;
  readonly agentConfig?: Partial<AgentConfig>;
  readonly network?: Partial<NetworkOptions>;
  /** How messages travel. Default: as the JSON texts of a real wire. */
  readonly wire?: WireForm;
  /** Longest time of a commit to a disk, in milliseconds; each is drawn evenly from 0. */
  readonly maxCommitMs?: number;
  /** Where the logs of all processes go. */
  readonly log?: Logger;
}

/** What a run came to. */
export interface RunSummary {
  /** Equal for equal seeds and equal steps. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
}

/** The name of the master's node. */
export const MASTER_NODE = 'master';

const DEFAULT_COMMIT_MS = 4;
const FIRST_AGENT_PORT = 5051;

/** Removed frameworks that are remembered; the oldest are forgotten. */
export const MAX_REMEMBERED_FRAMEWORKS = 10_000;

export class SimulatedCluster {
  readonly world: VirtualWorld;
  readonly network: Network;
  /** How messages travel: for links to the master. */
  readonly wire: Wire;
  readonly trace: Trace;
  readonly schedulers: SimulatedScheduler[] = [];
  readonly #agents: SimulatedAgent[] = [];
  readonly #processes: SimulatedProcess[] = [];
  readonly #disks: Disks;
  readonly #agentConfig: Partial<AgentConfig>;
  readonly #context: NodeContext;
  readonly #master: SimulatedMaster;
  readonly #masterChecks = new MasterChecks();
  readonly #hostChecks = new HostChecks();
  readonly #removedFrameworks = new BoundedMap<string, true>(MAX_REMEMBERED_FRAMEWORKS);
  readonly #isRemoved = (frameworkId: string): boolean =>
    this.#removedFrameworks.entries.has(frameworkId);
  #isStarted = false;
  #failure: PlateauError | undefined;

  constructor(options: SimulatedClusterOptions = {}) {
    const log = options.log ?? SILENT_LOGGER;
    this.world = new VirtualWorld({ seed: options.seed ?? 'plateau', log });
    this.trace = new Trace(this.world.clock);
    const beforeEvent = (): void => this.#checkBeforeEvent();
    this.network = new Network({
      clock: this.world.clock,
      random: this.world.random.fork('network'),
      options: { ...DEFAULT_NETWORK, ...options.network },
      beforeEvent,
      onArrival: (node, origin, content) => this.trace.add(node, origin, content),
    });
    this.#disks = new Disks(options.maxCommitMs ?? DEFAULT_COMMIT_MS);
    this.#agentConfig = options.agentConfig ?? {};
    this.wire = wireOf(options.wire ?? 'json');
    this.#context = {
      world: this.world,
      network: this.network,
      wire: this.wire,
      trace: this.trace,
      log,
      beforeEvent,
      fail: (process, error) => this.#fail(`${process} stopped`, error),
      onObservation: (observation) => {
        if (observation.kind !== 'framework-removed') return;
        this.#removedFrameworks.set(observation.frameworkId, true);
      },
      onHostEvent: (agent, kind, text) => {
        if (kind === 'started') this.#hostChecks.noteStart(agent, text);
        else this.#hostChecks.noteChange(agent);
      },
      disks: this.#disks,
    };
    this.#master = new SimulatedMaster(MASTER_NODE, this.#context, options.masterConfig ?? {});
    for (const agent of listAgents(options.agents ?? 1)) this.addAgent(agent);
  }

  /** All agents in the order in which they were added, lost ones among them. */
  get agents(): readonly SimulatedAgent[] {
    return this.#agents;
  }

  /** The processes that were registered. */
  get processes(): readonly SimulatedProcess[] {
    return this.#processes;
  }

  /**
   * Adds a host with an agent, which starts at once if the cluster has started.
   * @param agent what it is like, or its resources.
   */
  addAgent(agent: string | AgentDescription = {}): SimulatedAgent {
    const description = typeof agent === 'string' ? { resources: agent } : agent;
    const index = this.#agents.length;
    const added = new SimulatedAgent(
      {
        name: `agent-${index}`,
        description,
        config: this.#agentConfig,
        master: MASTER_NODE,
        port: FIRST_AGENT_PORT + index,
      },
      this.#context,
    );
    this.#agents.push(added);
    if (this.#isStarted) added.start();
    return added;
  }

  /**
   * Adds a process, such as a scheduler, with a node of its own. It starts by `start`, of its own or of the
   * cluster, and is crashed and restarted by its name.
   * @throws PlateauError `INVALID_REQUEST` when the name is taken.
   */
  process(name: string, program: ProcessProgram, disk: ProcessDisk = {}): SimulatedProcess {
    this.#assertFree(name);
    const options = { ...disk, name, program, master: MASTER_NODE };
    const process = new SimulatedProcess(options, this.#context);
    this.#processes.push(process);
    return process;
  }

  /** The master that runs now; undefined after a crash. */
  get master(): Master | undefined {
    return this.#master.master;
  }

  /** Starts master, agents, and the schedulers and processes added so far. */
  start(): void {
    this.#isStarted = true;
    this.#master.start();
    for (const node of [...this.#agents, ...this.schedulers, ...this.#processes]) node.start();
  }

  /** Adds a scheduler; it starts by `start`, of its own or of the cluster. */
  addScheduler(options: Omit<SimulatedSchedulerOptions, 'master'>): SimulatedScheduler {
    this.#assertFree(options.name);
    const scheduler = new SimulatedScheduler({ ...options, master: MASTER_NODE }, this.#context);
    this.schedulers.push(scheduler);
    return scheduler;
  }

  /**
   * Lets time pass.
   * @throws PlateauError `ASSERTION` naming the seed when an invariant is violated.
   */
  async advance(durationMs: number): Promise<void> {
    try {
      await this.world.advance(durationMs);
      if (this.master !== undefined) this.#masterChecks.checkStep(this.master);
      this.#checkHosts();
    } catch (error) {
      throw this.#report(error);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets time pass, a second at a time, until the condition holds or the time is over. */
  async advanceUntil(condition: () => boolean, longestMs: number): Promise<boolean> {
    for (let passedMs = 0; passedMs < longestMs && !condition(); passedMs += 1000) {
      await this.advance(1000);
    }
    return condition();
  }

  /** The master dies. Its pending writes are kept up to a number that the seed draws. */
  crashMaster(): void {
    this.#master.crash(this.#drawKept(this.#master.pendingWrites));
  }

  restartMaster(): void {
    this.#master.start();
  }

  /**
   * Another master takes over the registry while the old one goes on, with its connections, until
   * the store refuses a write of it.
   */
  deposeMaster(): void {
    this.#master.depose();
  }

  /** Ends a deposition: where two masters act, as if the lease of both had ended, one starts anew. */
  endDeposition(): void {
    if (this.deposedMasters === 0) return;
    this.crashMaster();
    this.restartMaster();
  }

  /** Masters that still act although another one has taken over. */
  get deposedMasters(): number {
    return this.#master.deposedCount;
  }

  /** The disk under the master refuses its next write: it stops. */
  failMasterDisk(): void {
    this.failDisk(MASTER_NODE);
  }

  /** The disk under an agent refuses its next write: the agent stops, its tasks run on. */
  failAgentDisk(index: number): void {
    at(this.agents, index).failDisk();
  }

  /** The disk of a node refuses its next write, and its process stops; or does so no more. */
  failDisk(node: string, isFailing = true): void {
    this.trace.add(node, 'disk', isFailing ? 'fails' : 'works');
    this.#diskOwner(node)?.failDisk(isFailing);
  }

  /** Commits of a node take longer by so many milliseconds in the mean; 0: no more. */
  slowDisk(node: string, meanExtraMs: number): void {
    this.trace.add(node, 'disk', `slower by ${meanExtraMs} ms`);
    this.#disks.slow(node, meanExtraMs);
  }

  /** What comes from or goes to a node takes longer by so many milliseconds in the mean; 0: no more. */
  slowNetwork(node: string, meanExtraMs: number): void {
    this.trace.add(node, 'network', `slower by ${meanExtraMs} ms`);
    this.network.slow(node, meanExtraMs);
  }

  /** The process of a node dies: the master, an agent, a scheduler or a process, by its name. */
  crash(node: string): void {
    const owner = this.#diskOwner(node);
    if (owner === undefined) this.schedulers.find(({ name }) => name === node)?.crash();
    else owner.crash(this.#drawKept(owner.pendingWrites));
  }

  /** Starts the process of a node unless it runs. A lost host stays lost. */
  restart(node: string): void {
    const owner = this.#diskOwner(node) ?? this.schedulers.find(({ name }) => name === node);
    owner?.start();
  }

  /** The agent of that name, lost or not. */
  agentNamed(name: string): SimulatedAgent | undefined {
    return this.#agents.find((agent) => agent.name === name);
  }

  /** The agent dies, its tasks run on. */
  crashAgent(index: number): void {
    this.crash(at(this.agents, index).name);
  }

  restartAgent(index: number): void {
    at(this.agents, index).start();
  }

  /** The host of the agent goes down and up: its tasks are gone, and the agent starts again. */
  rebootAgent(index: number): void {
    const agent = at(this.agents, index);
    agent.reboot(this.#drawKept(agent.pendingWrites));
    agent.start();
  }

  /** The host of the agent goes without a word and for good. */
  loseAgent(index: number): void {
    at(this.agents, index).lose();
  }

  /** The process of a task that runs on a host dies: the one that `count` leads to, counting around. */
  crashTask(index: number, count = 0): void {
    const { host } = at(this.agents, index);
    const running = [...host.containers.values()].filter(({ end }) => end === undefined);
    const container = running[count % running.length];
    if (container !== undefined) host.crash(container.containerId);
  }

  /**
   * The connections of a node to the master are reset, and it opens the next one twice: what it says
   * first comes a second time, on a connection to which nobody listens.
   * @param lateMs 0: the copy comes first; otherwise so much later. A master takes a late copy of a
   *   subscription for a scheduler that replaces the other, and tells that one to stop.
   */
  duplicateConnection(node: string, lateMs = 0): void {
    this.trace.add(node, 'duplicate', `late by ${lateMs} ms`);
    this.network.doubleNext(node, lateMs);
    this.network.cut(node, MASTER_NODE);
  }

  /**
   * The connections between two nodes die: only the one that is `told` learns of it. The other keeps
   * an end that looks open, until `heal`. New connections work.
   */
  halfOpen(one: string, other: string, told?: string): void {
    this.trace.add(one, 'half-open', `${other}, told: ${told ?? 'nobody'}`);
    this.network.halfOpen(one, other, told);
  }

  /** Resets the connections between two nodes, such as `master` and `agent-0`. */
  cut(one: string, other: string): void {
    this.trace.add(one, 'cut', other);
    this.network.cut(one, other);
  }

  /** Nothing passes between two nodes, or only in one direction, until `heal`. */
  partition(from: string, to: string, direction: 'both' | 'one-way' = 'both'): void {
    this.trace.add(from, 'partition', `${to} ${direction}`);
    this.network.block(from, to);
    if (direction === 'both') this.network.block(to, from);
  }

  /** Ends all faults of network and disks that have not stopped a process yet. */
  heal(): void {
    this.trace.add(MASTER_NODE, 'heal', '');
    this.network.heal();
    this.#disks.heal();
    for (const node of [this.#master, ...this.#agents, ...this.#processes]) node.failDisk(false);
  }

  /** Heals, and starts everything that is down: all is well again, but for lost hosts. */
  restore(): void {
    this.heal();
    this.endDeposition();
    this.#master.start();
    for (const node of [...this.#agents, ...this.schedulers, ...this.#processes]) {
      if (!(node instanceof SimulatedScheduler) || node.error === undefined) node.start();
    }
  }

  /** Moves the wall clock of all hosts without time passing, as an operator or NTP does. */
  jumpClock(byMs: number): void {
    this.trace.add(MASTER_NODE, 'jump', String(byMs));
    this.world.clock.jump(byMs);
  }

  /** What a run of one seed comes to, so far. */
  summary(): RunSummary {
    const { clock } = this.world;
    return { hash: this.traceHash(), events: clock.events, virtualMs: clock.elapsed() };
  }

  /** Stands for the whole run so far: equal for equal seeds and equal steps. */
  traceHash(): string {
    return this.trace.hash();
  }

  /**
   * Checks all that must hold at any time. Parts of it are checked before each event, and after each
   * `advance`.
   * @throws PlateauError `ASSERTION`.
   */
  check(): void {
    if (this.master !== undefined) this.#masterChecks.checkAll(this.master);
    this.#checkHosts();
  }

  #checkBeforeEvent(): void {
    const { master } = this.#master;
    if (master !== undefined) this.#masterChecks.checkSome(master);
    this.#checkHosts();
  }

  #checkHosts(): void {
    this.#hostChecks.check(this.#isRemoved);
  }

  /** Checks what must hold once all is healed, restarted and quiet. */
  checkConvergence(): void {
    try {
      this.check();
      const { master } = this;
      if (master === undefined) throw new PlateauError('ASSERTION', 'there is no master');
      checkConvergence(master, this.agents, this.schedulers);
    } catch (error) {
      throw this.#report(error);
    }
  }

  /** Whoever has a disk, by name. */
  #diskOwner(node: string): SimulatedMaster | SimulatedAgent | SimulatedProcess | undefined {
    if (node === MASTER_NODE) return this.#master;
    return this.agentNamed(node) ?? this.#processes.find(({ name }) => name === node);
  }

  #assertFree(name: string): void {
    const isTaken =
      this.#diskOwner(name) !== undefined || this.schedulers.some((each) => each.name === name);
    if (!isTaken) return;
    const message = `there is a node '${name}' already: give each scheduler and process a name of its own`;
    throw new PlateauError('INVALID_REQUEST', message, { context: { field: 'name' } });
  }

  #drawKept(pendingWrites: number): number {
    return this.world.random.fork(`kept/${this.trace.count}`).below(pendingWrites + 1);
  }

  #fail(what: string, error: unknown): void {
    this.#failure ??= this.#report(
      new PlateauError('ASSERTION', `${what}: ${errorMessage(error)}`, { cause: error }),
    );
  }

  #report(error: unknown): PlateauError {
    if (error instanceof PlateauError && error.context['seed'] !== undefined) return error;
    const { seed } = this.world;
    const time = this.world.clock.elapsed().toFixed(3);
    const message = `seed '${seed}' at ${time} ms: ${errorMessage(error)}\n${this.trace.tail(60)}`;
    return new PlateauError('ASSERTION', message, { context: { seed }, cause: error });
  }
}

function listAgents(
  agents: number | readonly (string | AgentDescription)[],
): readonly (string | AgentDescription)[] {
  return typeof agents === 'number' ? Array.from({ length: agents }, () => ({})) : agents;
}

/** A logger for people who watch a simulation: each line with its level and fields. */
export function lineLogger(write: (line: string) => void): Logger {
  const make = (bound: Readonly<Record<string, unknown>>): Logger => {
    const line =
      (level: LogLevel) =>
      (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
        write(`${level} ${message} ${JSON.stringify({ ...bound, ...fields }, bigintAsText)}`);
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
