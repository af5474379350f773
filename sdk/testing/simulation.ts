/**
 * A cluster inside a test: the real master, allocator and agents in memory, on virtual time, with faults. The
 * seed fixes everything; a test that failed is repeated by its seed.
 */
import { type Clock, type Logger, PlateauError } from '../../core/base/index.js';
import {
  type AgentDescription,
  type FaultPlan,
  MASTER_NODE,
  SimulatedCluster,
  type SimulatedClusterOptions,
} from '../../core/simulation/index.js';
import { MemoryMedium } from '../../core/store/index.js';
import { type Duration, durationMs } from '../decisions/index.js';
import { type StartedTask, startedTasks } from './agreement.js';
import { closeFrameworks } from './closing.js';
import { Disturbance, type FaultsToDraw } from './disturbance.js';
import { markGone } from './mark-gone.js';
import { Nodes } from './nodes.js';
import { SimulatedFramework, type SimulatedFrameworkOptions } from './simulated-framework.js';
import { type FrameworkUnderTest, nameOf } from './under-test.js';

export interface SimulateOptions extends Pick<
  SimulatedClusterOptions,
  'agents' | 'masterConfig' | 'agentConfig' | 'network' | 'maxCommitMs' | 'wire'
> {
  /** Fixes the whole run. Default `plateau`. */
  readonly seed?: string | number;
  /** What goes wrong, from the first `advance` on: a plan, or what to draw from the seed. Default nothing. */
  readonly faults?: FaultPlan | FaultsToDraw;
  /** What is looked at in the end. Default `strict`; `off`: nothing. */
  readonly hygiene?: 'strict' | 'off';
  /** Reservations of the frameworks may stay. Default false. */
  readonly keepsReservations?: boolean;
  readonly log?: Logger;
}

/** The master, an agent by its node or hostname, or a framework. */
export type NodeReference = string | SimulatedFramework;

const STEP_MS = 100;

export class Simulation {
  readonly cluster: SimulatedCluster;
  readonly frameworks: SimulatedFramework[] = [];
  readonly #hygiene: 'strict' | 'off';
  readonly #keepsReservations: boolean;
  readonly #nodes: Nodes;
  #isClosed = false;
  #disturbance: Disturbance | undefined;
  #faultsToCome: FaultPlan | FaultsToDraw | undefined;

  constructor(options: SimulateOptions = {}) {
    const { seed = 'plateau', agents = 3, faults, hygiene, keepsReservations, ...others } = options;
    this.#hygiene = hygiene ?? 'strict';
    this.#keepsReservations = keepsReservations ?? false;
    this.#faultsToCome = faults;
    this.cluster = new SimulatedCluster({
      ...others,
      seed: String(seed),
      agents,
      masterConfig: { ...domainBeside(agents), ...others.masterConfig },
    });
    this.#nodes = new Nodes(this.cluster, this.frameworks);
    this.cluster.start();
  }

  get seed(): string {
    return this.cluster.world.seed;
  }

  /** The virtual clock. */
  get clock(): Clock {
    return this.cluster.world.clock;
  }

  /** Names of the nodes of agents: `agent-0`, `agent-1`, … */
  get agents(): readonly string[] {
    return this.cluster.agents.map(({ name }) => name);
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return this.cluster.world.clock.elapsed();
  }

  /** Every task that was ever started on a host, whoever knows of it. */
  get started(): readonly StartedTask[] {
    return startedTasks(this.cluster);
  }

  /** The faults under way, or that were; undefined: there are none. */
  get faults(): Disturbance | undefined {
    return this.#disturbance;
  }

  /** Starts a framework as a process of its own. It connects as time passes. */
  run<T extends object>(
    target: FrameworkUnderTest<T>,
    options: SimulatedFrameworkOptions = {},
  ): SimulatedFramework<T> {
    return this.#start(new SimulatedFramework(this.cluster, target, options));
  }

  /**
   * Starts copies of a framework over one disk, of which one is active and the others stand by. Their nodes
   * are called after the framework, with numbers from 1.
   */
  runCopies<T extends object>(
    target: FrameworkUnderTest<T>,
    count: number,
    options: SimulatedFrameworkOptions = {},
  ): readonly SimulatedFramework<T>[] {
    const shared = new MemoryMedium();
    const name = options.node ?? nameOf(target, this.cluster.world, options);
    return Array.from({ length: count }, (_, index) => {
      const node = `${name}-${index + 1}`;
      return this.#start(
        new SimulatedFramework(this.cluster, target, { ...options, node, shared }),
      );
    });
  }

  /** Adds a host with an agent. Returns the name of its node. */
  addAgent(agent: string | AgentDescription = {}): string {
    return this.cluster.addAgent(agent).name;
  }

  /**
   * Lets time pass.
   * @throws what ended a framework by itself, and PlateauError `ASSERTION` when the cluster breaks an
   *   invariant; both name the seed.
   */
  async advance(duration: Duration): Promise<void> {
    if (this.#faultsToCome !== undefined) this.disturb(this.#faultsToCome);
    await this.cluster.advance(durationMs(duration));
    this.#throwFailures();
  }

  /**
   * Lets time pass until something holds.
   * @throws PlateauError `ASSERTION` when it does not within the time.
   */
  async until(
    holds: () => boolean,
    {
      within = '1m',
      step = STEP_MS,
    }: { readonly within?: Duration; readonly step?: Duration } = {},
  ): Promise<void> {
    const endMs = this.elapsedMs + durationMs(within);
    await this.advance(0);
    while (!holds()) {
      if (this.elapsedMs >= endMs) {
        throw new PlateauError(
          'ASSERTION',
          `seed '${this.seed}': after ${within} this did not hold: ${holds.toString()}`,
          { context: { seed: this.seed } },
        );
      }
      // oxlint-disable-next-line no-await-in-loop -- time passes step by step
      await this.advance(step);
    }
  }

  /** Kills a process: the master, the agent of a host (its tasks run on), or a framework. */
  crash(what: NodeReference): void {
    this.cluster.crash(this.#nodes.name(what));
  }

  /** Starts what was killed. */
  restart(what: NodeReference): void {
    this.cluster.restart(this.#nodes.name(what));
  }

  /** The master dies and another one starts over its registry. */
  restartMaster(): void {
    this.crash(MASTER_NODE);
    this.restart(MASTER_NODE);
  }

  /** Another master takes over, and the old one goes on until the registry refuses a write of it. */
  deposeMaster(): void {
    this.cluster.deposeMaster();
  }

  /** The host goes down and up again: its tasks are gone. */
  reboot(agent: string): void {
    this.cluster.rebootAgent(this.#nodes.agent(agent));
  }

  /** The host goes without a word and for good. */
  lose(agent: string): void {
    this.cluster.loseAgent(this.#nodes.agent(agent));
  }

  /** An operator tells the master that a host will never come back. Does nothing for one that it does not know. */
  markGone(agent: string): void {
    markGone(this.cluster, this.#nodes.agent(agent));
  }

  /** The process of a task dies. Does nothing when it does not run. */
  crashTask(task: string | { readonly id: string }, signal = 'SIGSEGV'): void {
    const taskId = typeof task === 'string' ? task : task.id;
    for (const { host } of this.cluster.agents) {
      for (const { containerId, task: name } of host.containers.values()) {
        if (name.endsWith(`/${taskId}`)) host.crash(containerId, signal);
      }
    }
  }

  /** Nothing passes between two nodes, or nothing from the first to the second, until `heal`. */
  partition(
    from: NodeReference,
    to: NodeReference = MASTER_NODE,
    options: { readonly oneWay?: boolean } = {},
  ): void {
    const direction = options.oneWay === true ? 'one-way' : 'both';
    this.cluster.partition(this.#nodes.name(from), this.#nodes.name(to), direction);
  }

  /** Resets the connections between two nodes. */
  cut(one: NodeReference, other: NodeReference = MASTER_NODE): void {
    this.cluster.cut(this.#nodes.name(one), this.#nodes.name(other));
  }

  /** The connections of a node to the master die, and only the one that is `told` learns of it, until `heal`. */
  halfOpen(what: NodeReference, told: 'itself' | 'master' | 'nobody' = 'nobody'): void {
    const node = this.#nodes.name(what);
    const informed = { itself: node, master: MASTER_NODE, nobody: undefined }[told];
    this.cluster.halfOpen(node, MASTER_NODE, informed);
  }

  /** What comes from or goes to a node takes longer, in the mean by so much, until `heal`. */
  slowNetwork(what: NodeReference, by: Duration): void {
    this.cluster.slowNetwork(this.#nodes.name(what), durationMs(by));
  }

  /** Commits of a node take longer, in the mean by so much, until `heal`. */
  slowDisk(what: NodeReference, by: Duration): void {
    this.cluster.slowDisk(this.#nodes.name(what), durationMs(by));
  }

  /** The disk of a node refuses its next write: its process has to end. */
  failDisk(what: NodeReference): void {
    this.cluster.failDisk(this.#nodes.name(what));
  }

  /** Moves the wall clock of all machines without time passing. */
  jumpClock(by: Duration, direction: 'forward' | 'back' = 'forward'): void {
    this.cluster.jumpClock(durationMs(by) * (direction === 'forward' ? 1 : -1));
  }

  /**
   * Lets faults happen from now on: a plan, or one that is drawn from the seed. When the last is over,
   * everything is healed and restarted.
   * @throws PlateauError `INVALID_REQUEST` when faults are under way, or a kind is unknown.
   */
  disturb(faults: FaultPlan | FaultsToDraw): Disturbance {
    if (this.#disturbance?.isHealed === false) {
      const message = 'faults are under way: let them end, or end them with heal()';
      throw new PlateauError('INVALID_REQUEST', message);
    }
    this.#faultsToCome = undefined;
    const names = this.frameworks.map(({ name }) => name);
    this.#disturbance = new Disturbance(this.cluster, faults, names);
    return this.#disturbance;
  }

  /** Ends partitions, failures of disks and drawn faults. What was killed by hand stays so. */
  heal(): void {
    this.#faultsToCome = undefined;
    this.#disturbance?.heal();
    this.cluster.heal();
  }

  /** Heals, and starts everything that is down: all is well again, but for lost hosts. */
  restore(): void {
    this.heal();
    this.cluster.restore();
  }

  /**
   * Closes all frameworks as in production, and looks at their hygiene: no offer unanswered, no update
   * unacknowledged, no timer left, no reservation left.
   * @throws PlateauError `HYGIENE` with all that was found, and what ended a framework by itself.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#hygiene === 'off') return;
    this.#throwFailures();
    if (this.#disturbance?.isHealed === false) this.heal();
    await closeFrameworks({
      cluster: this.cluster,
      frameworks: this.frameworks,
      keepsReservations: this.#keepsReservations,
      advance: (durationMilliseconds) => this.advance(durationMilliseconds),
    });
  }

  #start<T extends object>(framework: SimulatedFramework<T>): SimulatedFramework<T> {
    this.frameworks.push(framework);
    framework.start();
    return framework;
  }

  #throwFailures(): void {
    for (const framework of this.frameworks) {
      const { failure, name } = framework;
      if (failure === undefined || framework.mayFail) continue;
      throw new PlateauError(
        failure instanceof PlateauError ? failure.code : 'HANDLER_FAILED',
        `seed '${this.seed}': ${name} ended: ${failure.message}`,
        { context: { seed: this.seed }, cause: failure },
      );
    }
  }
}

/** A master refuses agents that say where they are when it does not itself: it is where the first of them is. */
function domainBeside(
  agents: SimulateOptions['agents'],
): Pick<NonNullable<SimulateOptions['masterConfig']>, 'domain'> | undefined {
  const described = typeof agents === 'object' ? agents : [];
  for (const agent of described) {
    const domain = typeof agent === 'string' ? undefined : agent.domain;
    if (domain === undefined) continue;
    const { region, zone } = domain;
    return { domain: { fault_domain: { region: { name: region }, zone: { name: zone } } } };
  }
  return undefined;
}
