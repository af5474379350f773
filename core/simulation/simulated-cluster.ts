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
  type Random,
  SILENT_LOGGER,
  VirtualWorld,
  at,
  errorMessage,
} from '../base/index.js';
import type { Master, MasterSettings } from '../master/index.js';
import { HostChecks, MasterChecks, checkConvergence } from './invariants.js';
import { DEFAULT_NETWORK, Network, type NetworkOptions } from './network.js';
import type { NodeContext } from './node-context.js';
import { SimulatedAgent } from './simulated-agent.js';
import { SimulatedMaster } from './simulated-master.js';
import { SimulatedScheduler, type SimulatedSchedulerOptions } from './simulated-scheduler.js';
import { Trace } from './trace.js';

export interface SimulatedClusterOptions {
  /** Fixes the whole run. */
  readonly seed?: string;
  /** The resources of each agent, such as `cpus:4;mem:4096`; or how many agents with that. */
  readonly agents?: number | readonly string[];
  readonly masterConfig?: MasterSettings;
  readonly agentConfig?: Partial<AgentConfig>;
  readonly network?: Partial<NetworkOptions>;
  /** Longest time of a commit to a disk, in milliseconds; each is drawn evenly from 0. */
  readonly maxCommitMs?: number;
  /** Where the logs of all processes go. */
  readonly log?: Logger;
}

/** The name of the master's node. */
export const MASTER_NODE = 'master';

const DEFAULT_AGENT_RESOURCES = 'cpus:4;mem:4096';
const DEFAULT_COMMIT_MS = 4;
const FIRST_AGENT_PORT = 5051;

export class SimulatedCluster {
  readonly world: VirtualWorld;
  readonly network: Network;
  readonly trace: Trace;
  readonly agents: readonly SimulatedAgent[];
  readonly schedulers: SimulatedScheduler[] = [];
  readonly #context: NodeContext;
  readonly #master: SimulatedMaster;
  readonly #masterChecks = new MasterChecks();
  readonly #hostChecks = new HostChecks();
  readonly #removedFrameworks = new Set<string>();
  #failure: PlateauError | undefined;

  constructor(options: SimulatedClusterOptions = {}) {
    const log = options.log ?? SILENT_LOGGER;
    this.world = new VirtualWorld({ seed: options.seed ?? 'plateau', log });
    this.trace = new Trace(this.world.clock);
    const beforeEvent = (): void => this.check('changed');
    this.network = new Network({
      clock: this.world.clock,
      random: this.world.random.fork('network'),
      options: { ...DEFAULT_NETWORK, ...options.network },
      beforeEvent,
      onArrival: (from, to, text) => this.trace.add(to, `from ${from}`, text),
    });
    const maxCommitMs = options.maxCommitMs ?? DEFAULT_COMMIT_MS;
    this.#context = {
      world: this.world,
      network: this.network,
      trace: this.trace,
      log,
      beforeEvent,
      fail: (process, error) => this.#fail(`${process} stopped`, error),
      onObservation: (observation) => {
        if (observation.kind !== 'framework-removed') return;
        this.#removedFrameworks.add(observation.frameworkId);
      },
      disk: (random: Random) => () => random.next() * maxCommitMs,
    };
    this.#master = new SimulatedMaster(MASTER_NODE, this.#context, options.masterConfig ?? {});
    this.agents = resourcesOfAgents(options.agents ?? 1).map(
      (resources, index) =>
        new SimulatedAgent(
          {
            name: `agent-${index}`,
            resources,
            config: options.agentConfig ?? {},
            master: MASTER_NODE,
            port: FIRST_AGENT_PORT + index,
          },
          this.#context,
        ),
    );
  }

  /** The master that runs now; undefined after a crash. */
  get master(): Master | undefined {
    return this.#master.master;
  }

  /** Starts master, agents and the schedulers added so far. */
  start(): void {
    this.#master.start();
    for (const agent of this.agents) agent.start();
    for (const scheduler of this.schedulers) scheduler.start();
  }

  /** Adds a scheduler; it starts by `start`, of its own or of the cluster. */
  addScheduler(options: Omit<SimulatedSchedulerOptions, 'master'>): SimulatedScheduler {
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
      this.check();
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

  /** Masters that still act although another one has taken over. */
  get deposedMasters(): number {
    return this.#master.deposedCount;
  }

  /** The disk under the master refuses its next write: it stops. */
  failMasterDisk(): void {
    this.#master.failDisk();
  }

  /** The disk under an agent refuses its next write: the agent stops, its tasks run on. */
  failAgentDisk(index: number): void {
    at(this.agents, index).failDisk();
  }

  /** The agent dies, its tasks run on. */
  crashAgent(index: number): void {
    const agent = at(this.agents, index);
    agent.crash(this.#drawKept(agent.pendingWrites));
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

  /** Ends all partitions, and mends disks that have not failed yet. */
  heal(): void {
    this.trace.add(MASTER_NODE, 'heal', '');
    this.network.heal();
    this.#master.failDisk(false);
    for (const agent of this.agents) agent.failDisk(false);
  }

  /** Moves the wall clock of all hosts without time passing, as an operator or NTP does. */
  jumpClock(byMs: number): void {
    this.trace.add(MASTER_NODE, 'jump', String(byMs));
    this.world.clock.jump(byMs);
  }

  /** Stands for the whole run so far: equal for equal seeds and equal steps. */
  traceHash(): string {
    return this.trace.hash();
  }

  /**
   * Checks what must hold at any time. What has changed is checked before each event, everything at
   * the end of each `advance`.
   */
  check(which: 'changed' | 'all' = 'all'): void {
    const { master } = this;
    if (master !== undefined) this.#masterChecks.check(master, which);
    this.#hostChecks.check(this.agents, this.#removedFrameworks);
  }

  /** Checks what must hold once all is healed, restarted and quiet. */
  checkConvergence(): void {
    try {
      const { master } = this;
      if (master === undefined) throw new PlateauError('ASSERTION', 'there is no master');
      checkConvergence(master, this.agents, this.schedulers);
    } catch (error) {
      throw this.#report(error);
    }
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

function resourcesOfAgents(agents: number | readonly string[]): readonly string[] {
  if (typeof agents !== 'number') return agents;
  return Array.from({ length: agents }, () => DEFAULT_AGENT_RESOURCES);
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
