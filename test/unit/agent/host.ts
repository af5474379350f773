/** A host for agents under test: containers that outlive them, a disk, a master, and virtual time. */
import {
  Agent,
  type AgentConfig,
  type ContainerEnd,
  type ContainerFate,
  type ContainerPipes,
  type ContainerSpec,
  type Containerizer,
  type ExecutorStream,
  type KnownContainer,
  type LaunchOutcome,
  type MasterConnection,
  type PendingOperation,
  type ProbeListener,
  type ProbeOutcome,
  type ProbeSpec,
  type QosController,
  type ResourceEstimator,
  type Volumes,
  agentConfig,
} from '../../../core/agent/index.js';
import {
  type ExecutorEvent,
  type FrameworkInfo,
  type LinkAgentMessage,
  type LinkMasterMessage,
  type Resource,
  type TaskInfo,
  type TaskStatus,
  isTerminalState,
} from '../../../core/api/index.js';
import {
  type ContainerId,
  type Disposable,
  type PlateauError,
  type Store,
  type StoreTransaction,
  VirtualWorld,
  at,
  toDisposable,
} from '../../../core/base/index.js';
import { MemoryMedium, MemoryStore } from '../../../core/store/index.js';

export const AGENT = 'master-S0';
export const FRAMEWORK = 'framework-0';
export const ADDRESS = { hostname: 'host1', ip: '127.0.0.1', port: 5051 };

export function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value }, allocation_info: { role: 'web' } };
}

export function frameworkInfo(
  capabilities: readonly ('PARTITION_AWARE' | 'TASK_KILLING_STATE')[] = ['PARTITION_AWARE'],
  others: Partial<FrameworkInfo> = {},
): FrameworkInfo {
  return {
    user: 'nobody',
    name: 'test',
    id: { value: FRAMEWORK },
    checkpoint: true,
    capabilities: capabilities.map((type) => ({ type })),
    ...others,
  };
}

export function taskInfo(taskId: string, others: Partial<TaskInfo> = {}): TaskInfo {
  return {
    name: taskId,
    task_id: { value: taskId },
    agent_id: { value: AGENT },
    resources: [scalar('cpus', 0.5), scalar('mem', 64)],
    command: { value: `run ${taskId}` },
    ...others,
  };
}

/** A process on the host. */
export interface HostContainer {
  readonly spec: ContainerSpec;
  readonly pid: number;
  end?: ContainerEnd;
}

/** A probe that the agent asked for. */
export interface HostProbe {
  readonly spec: ProbeSpec;
  readonly atMs: number;
  /** Whether the agent still waits for it. */
  isOpen: boolean;
}

/** What a probe comes to: at once, or after a time; undefined: nothing ever comes of it. */
export type ScriptedProbe =
  | ProbeOutcome
  | { readonly afterMs: number; readonly outcome: ProbeOutcome };

export interface HostOptions {
  readonly seed?: string;
  readonly config?: Partial<AgentConfig>;
  /** Answer introductions. Default true. */
  readonly isAdmitting?: boolean;
  /** Acknowledge updates. Default true. */
  readonly isAcknowledging?: boolean;
}

/** What one agent process is connected to; it goes deaf and dumb when the process dies. */
class Incarnation {
  isDead = false;
  readonly listeners = new Set<(containerId: ContainerId, end: ContainerEnd) => void>();
  connection: MasterConnection | undefined;
  constructor(
    readonly agent: () => Agent,
    readonly store: MemoryStore,
  ) {}
}

export class Host {
  readonly world: VirtualWorld;
  readonly medium = new MemoryMedium();
  readonly containers = new Map<string, HostContainer>();
  readonly signals: {
    readonly taskOrId: string;
    readonly signal: string;
    readonly atMs: number;
  }[] = [];
  readonly forgotten: string[] = [];
  /** Terminals, by the ids under which containers run. */
  readonly terminals = new Map<string, ContainerPipes>();
  /** Whose terminals were asked for. */
  readonly joins: string[] = [];
  /** What the containerizer is busy with. */
  pending: readonly PendingOperation[] = [];
  readonly removed: string[] = [];
  readonly received: LinkAgentMessage[] = [];
  readonly connects: number[] = [];
  readonly fatal: PlateauError[] = [];
  readonly closes: string[] = [];
  /** Tasks whose processes ignore SIGTERM. */
  readonly stubborn = new Set<string>();
  /** Outcomes for the next launches, in order; those that started get a pid of their own. */
  readonly outcomes: LaunchOutcome[] = [];
  launchDelayMs = 0;
  readonly probes: HostProbe[] = [];
  /** What each probe comes to. */
  answer: (spec: ProbeSpec, number: number) => ScriptedProbe | undefined = () => undefined;
  /** How long the removal of a folder takes. */
  removeDelayMs = 0;
  /** How long a commit takes. */
  commitMs = 0;
  diskUsage = 0;
  bootId = 'boot-1';
  isMasterUp = true;
  isAdmitting: boolean;
  isAcknowledging: boolean;
  config: AgentConfig;
  /** Says how much the agent is oversubscribed, from its next start on. */
  estimator: ResourceEstimator | undefined;
  qosController: QosController | undefined;
  unknownTasks: readonly string[] = [];
  transactions: StoreTransaction[] = [];
  /** Called when a transaction waits for its commit, with its number from 1. */
  onTransaction: ((number: number) => void) | undefined;
  /** Folders of persistent volumes. */
  readonly folders = new Set<string>();
  /** What was asked for concerning volumes, such as `make /disk/volumes/roles/web/id`. */
  readonly volumeCalls: string[] = [];
  /** Which of these calls fail, and why. */
  readonly volumeFailures = new Map<string, string>();
  /** Which of these calls wait for something. */
  readonly heldVolumeCalls = new Map<string, Promise<void>>();
  /** Volumes that were given to executors: sandbox and paths in it. */
  readonly links: (readonly [string, readonly string[]])[] = [];
  #pid = 100;
  #incarnation: Incarnation | undefined;
  #agent: Agent | undefined;

  constructor(options: HostOptions = {}) {
    this.world = new VirtualWorld({ seed: options.seed ?? 'agent' });
    this.isAdmitting = options.isAdmitting ?? true;
    this.isAcknowledging = options.isAcknowledging ?? true;
    this.config = agentConfig({
      workDir: '/work-dir',
      resources: [
        { name: 'cpus', type: 'SCALAR', scalar: { value: 4 } },
        { name: 'mem', type: 'SCALAR', scalar: { value: 4096 } },
      ],
      ...options.config,
    });
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error('no agent was started');
    return this.#agent;
  }

  /** Starts an agent process and lets it recover and register. */
  async start(): Promise<Agent> {
    const { commitMs } = this;
    const store = new MemoryStore({
      medium: this.medium,
      ...(commitMs > 0 && { delay: { clock: this.world.clock, commitMs: () => commitMs } }),
    });
    const incarnation: Incarnation = new Incarnation(() => agent, store);
    this.#incarnation = incarnation;
    const agent = new Agent({
      world: this.world,
      store: this.#counting(incarnation),
      containerizer: this.#containerizer(incarnation),
      sandboxes: {
        diskUsage: () => Promise.resolve(this.diskUsage),
        remove: (path) => {
          if (!incarnation.isDead) this.removed.push(path);
          if (this.removeDelayMs === 0) return Promise.resolve();
          return new Promise((resolve) => {
            this.world.clock.setTimer(this.removeDelayMs, resolve);
          });
        },
      },
      volumes: this.#volumes(incarnation),
      connector: { connect: () => this.#connect(incarnation) },
      estimator: this.estimator,
      qosController: this.qosController,
      config: this.config,
      address: ADDRESS,
      bootId: this.bootId,
      onFatal: (error) => this.fatal.push(error),
    });
    this.#agent = agent;
    const started = agent.start();
    started.catch(() => {});
    await this.settle();
    // A crash during recovery leaves the promise unsettled, as a dead process would.
    if (!incarnation.isDead) await started;
    return agent;
  }

  /** `kill -9` of the agent. The first `kept` writes that are not durable still become so. */
  crash(kept = 0): void {
    if (this.#incarnation === undefined) return;
    this.#incarnation.isDead = true;
    this.#incarnation.store.crash(kept);
  }

  /** Whether the agent was killed and not started again. */
  get isDead(): boolean {
    return this.#incarnation?.isDead === true;
  }

  /** The next write of the agent fails. */
  failNextWrite(): void {
    this.#incarnation?.store.failNextWrites();
  }

  async restart(): Promise<Agent> {
    this.crash();
    return this.start();
  }

  /** Lets everything happen that is due. */
  async settle(): Promise<void> {
    for (let round = 0; round < 5; round++) await this.world.advance(0);
  }

  async advance(durationMs: number): Promise<void> {
    await this.world.advance(durationMs);
    await this.settle();
  }

  /** The master sends a message. */
  async tell(message: LinkMasterMessage): Promise<void> {
    const incarnation = this.#incarnation;
    if (incarnation?.connection !== undefined && !incarnation.isDead) {
      this.agent.masterMessage(incarnation.connection, message);
    }
    await this.settle();
  }

  async run(tasks: readonly TaskInfo[], framework = frameworkInfo()): Promise<void> {
    await this.tell({ type: 'RUN_TASKS', run_tasks: { framework_info: framework, tasks } });
  }

  async kill(taskId: string, graceMs?: number): Promise<void> {
    await this.tell({
      type: 'KILL_TASK',
      kill_task: {
        framework_id: { value: FRAMEWORK },
        task_id: { value: taskId },
        ...(graceMs !== undefined && {
          kill_policy: { grace_period: { nanoseconds: BigInt(graceMs) * 1_000_000n } },
        }),
      },
    });
  }

  async acknowledge(status: TaskStatus, frameworkId = FRAMEWORK): Promise<void> {
    await this.tell({
      type: 'ACKNOWLEDGE',
      acknowledge: {
        framework_id: { value: frameworkId },
        task_id: status.task_id,
        uuid: status.uuid ?? '',
      },
    });
  }

  /** The connection to the master breaks. */
  async disconnect(): Promise<void> {
    const incarnation = this.#incarnation;
    const connection = incarnation?.connection;
    if (incarnation !== undefined) incarnation.connection = undefined;
    this.agent.masterDisconnected(connection, 'test');
    await this.settle();
  }

  /** The process of a task (or executor) ends by itself. */
  async end(taskId: string, end: ContainerEnd = { kind: 'exited', code: 0 }): Promise<void> {
    for (const container of this.containers.values()) {
      if (nameOf(container.spec) === taskId && container.end === undefined) {
        this.#end(container, end);
      }
    }
    await this.settle();
  }

  /** The processes that match end by themselves, whatever they belong to. */
  async endContainer(
    matches: (container: HostContainer) => boolean,
    end: ContainerEnd,
  ): Promise<void> {
    for (const container of this.containers.values()) {
      if (container.end === undefined && matches(container)) this.#end(container, end);
    }
    await this.settle();
  }

  containersOf(taskId: string): readonly HostContainer[] {
    return [...this.containers.values()].filter(({ spec }) => nameOf(spec) === taskId);
  }

  messages(type: LinkAgentMessage['type']): readonly LinkAgentMessage[] {
    return this.received.filter((message) => message.type === type);
  }

  /** Statuses that reached the master, repeated ones included. */
  statuses(taskId: string): readonly TaskStatus[] {
    return this.received.flatMap((message) => {
      const status = message.status_update?.status;
      return status?.task_id.value === taskId ? [status] : [];
    });
  }

  /** States of a task in the order in which the master first heard of them. */
  states(taskId: string): readonly string[] {
    const seen = new Set<string>();
    return this.statuses(taskId).flatMap(({ uuid = '', state }) => {
      if (seen.has(uuid)) return [];
      seen.add(uuid);
      return [state];
    });
  }

  /** Whether the master knows a terminal state of the task. */
  hasEnded(taskId: string): boolean {
    return this.statuses(taskId).some(({ state }) => isTerminalState(state));
  }

  last(taskId: string): TaskStatus {
    const statuses = this.statuses(taskId);
    return at(statuses, statuses.length - 1);
  }

  keys(prefix = ''): readonly string[] {
    return this.medium.list(prefix).map(({ key }) => key);
  }

  #counting(incarnation: Incarnation): Store {
    const { store } = incarnation;
    return {
      get: (key) => store.get(key),
      list: (prefix) => store.list(prefix),
      claimEpoch: () => store.claimEpoch(),
      close: () => store.close(),
      transact: (transaction) => {
        const durable = store.transact(transaction);
        if (!incarnation.isDead) {
          this.transactions.push(transaction);
          this.onTransaction?.(this.transactions.length);
        }
        return durable;
      },
    };
  }

  #volumes(incarnation: Incarnation): Volumes {
    const act = (what: string, apply: () => void): Promise<void> => {
      if (incarnation.isDead) return new Promise(() => {});
      this.volumeCalls.push(what);
      const failure = this.volumeFailures.get(what);
      if (failure !== undefined) return Promise.reject(new Error(failure));
      const held = this.heldVolumeCalls.get(what);
      if (held === undefined) {
        apply();
        return Promise.resolve();
      }
      return held.then(() => (incarnation.isDead ? new Promise(() => {}) : apply()));
    };
    return {
      make: ({ folder }) => act(`make ${folder}`, () => this.folders.add(folder)),
      discard: ({ folder }) => act(`discard ${folder}`, () => this.folders.delete(folder)),
      sweep: (root) => act(`sweep ${root}`, () => {}),
      link: ({ sandbox, volumes }) => {
        const paths = volumes.map(({ containerPath }) => containerPath);
        return act(`link ${paths.join(' ')}`, () => this.links.push([sandbox, paths]));
      },
    };
  }

  #connect(incarnation: Incarnation): void {
    if (incarnation.isDead) return;
    this.connects.push(this.world.clock.elapsed());
    this.world.clock.setTimer(0, () => {
      if (incarnation.isDead) return;
      if (!this.isMasterUp) {
        incarnation.agent().masterDisconnected(undefined, 'refused');
        return;
      }
      const connection: MasterConnection = {
        send: (message) => this.#receive(incarnation, connection, message),
        close: () => {
          if (incarnation.connection === connection) incarnation.connection = undefined;
        },
      };
      incarnation.connection = connection;
      incarnation.agent().masterConnected(connection);
    });
  }

  #receive(
    incarnation: Incarnation,
    connection: MasterConnection,
    message: LinkAgentMessage,
  ): void {
    if (incarnation.isDead || incarnation.connection !== connection) return;
    this.received.push(message);
    const answer = this.#answer(message);
    if (answer === undefined) return;
    this.world.clock.setTimer(0, () => {
      if (incarnation.isDead || incarnation.connection !== connection) return;
      incarnation.agent().masterMessage(connection, answer);
    });
  }

  #answer(message: LinkAgentMessage): LinkMasterMessage | undefined {
    const master = {
      agent_id: { value: AGENT },
      master_info: { id: 'master', ip: 0, port: 5050 },
      ping_timeout_seconds: 75,
    };
    if (message.type === 'REGISTER' && this.isAdmitting) {
      return { type: 'REGISTERED', registered: master };
    }
    if (message.type === 'REREGISTER' && this.isAdmitting) {
      const here = new Set(message.reregister?.tasks?.map((task) => task.task_id.value));
      const missing = this.unknownTasks.filter(
        (taskId) => !here.has(taskId) && !this.hasEnded(taskId),
      );
      const unknown_tasks = [
        { framework_id: { value: FRAMEWORK }, task_ids: missing.map((value) => ({ value })) },
      ];
      return { type: 'REREGISTERED', reregistered: { ...master, unknown_tasks } };
    }
    const update = message.status_update;
    if (update === undefined || !this.isAcknowledging) return undefined;
    const { task_id, uuid = '' } = update.status;
    return {
      type: 'ACKNOWLEDGE',
      acknowledge: { framework_id: update.framework_id, task_id, uuid },
    };
  }

  #containerizer(incarnation: Incarnation): Containerizer {
    return {
      unenforced: [],
      recover: (known) => Promise.resolve(this.#fates(known)),
      launch: (spec) => this.#launch(incarnation, spec),
      signal: (containerId, signal) => {
        if (!incarnation.isDead) this.#signal(containerId, signal);
      },
      terminal: (containerId) => {
        this.joins.push(containerId);
        const pipes = this.terminals.get(containerId);
        return pipes === undefined ? Promise.reject(new Error('none')) : Promise.resolve(pipes);
      },
      pending: () => this.pending,
      probe: (spec, listener) => this.#probe(incarnation, spec, listener),
      forget: (containerId) => {
        if (!incarnation.isDead) this.forgotten.push(containerId);
      },
      onEnd: (listener) => {
        incarnation.listeners.add(listener);
        return toDisposable(() => incarnation.listeners.delete(listener));
      },
      close: (mode) => {
        this.closes.push(mode);
        return Promise.resolve();
      },
    };
  }

  #probe(incarnation: Incarnation, spec: ProbeSpec, listener: ProbeListener): Disposable {
    const probe: HostProbe = { spec, atMs: this.world.clock.elapsed(), isOpen: true };
    this.probes.push(probe);
    const scripted = this.answer(spec, this.probes.length);
    listener.begun();
    if (scripted !== undefined) {
      const { afterMs, outcome } =
        'kind' in scripted ? { afterMs: 0, outcome: scripted } : scripted;
      this.world.clock.setTimer(afterMs, () => {
        if (incarnation.isDead || !probe.isOpen) return;
        probe.isOpen = false;
        listener.done(outcome);
      });
    }
    return toDisposable(() => {
      probe.isOpen = false;
    });
  }

  #fates(known: readonly KnownContainer[]): ReadonlyMap<ContainerId, ContainerFate> {
    const fates = new Map<ContainerId, ContainerFate>();
    for (const { containerId } of known) {
      const container = this.containers.get(containerId);
      if (container === undefined) continue;
      const { pid, end } = container;
      fates.set(containerId, end ?? { kind: 'running', pid, startTime: String(pid) });
    }
    for (const [containerId, container] of this.containers) {
      const isKnown = known.some((other) => other.containerId === containerId);
      if (!isKnown && container.end === undefined) {
        container.end = { kind: 'signaled', signal: 'SIGKILL' };
      }
    }
    return fates;
  }

  async #launch(incarnation: Incarnation, spec: ContainerSpec): Promise<LaunchOutcome> {
    if (incarnation.isDead) return new Promise(() => {});
    const outcome = this.outcomes.shift();
    if (outcome?.kind === 'failed') return outcome;
    if (this.containers.has(spec.containerId)) throw new Error('a container was launched twice');
    const pid = this.#pid++;
    this.containers.set(spec.containerId, { spec, pid });
    if (this.launchDelayMs > 0) {
      await new Promise<void>((resolve) => this.world.clock.setTimer(this.launchDelayMs, resolve));
    }
    if (incarnation.isDead) return new Promise(() => {});
    return { ...outcome, kind: 'started', pid, startTime: String(pid) };
  }

  #signal(containerId: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    const container = this.containers.get(containerId);
    const taskOrId = container === undefined ? containerId : nameOf(container.spec);
    this.signals.push({ taskOrId, signal, atMs: this.world.clock.elapsed() });
    if (container === undefined || container.end !== undefined) return;
    if (signal === 'SIGTERM' && this.stubborn.has(taskOrId)) return;
    this.world.clock.setTimer(1, () => {
      if (container.end === undefined) {
        this.#end(container, { kind: 'signaled', signal });
      }
    });
  }

  #end(container: HostContainer, end: ContainerEnd): void {
    container.end = end;
    const incarnation = this.#incarnation;
    if (incarnation === undefined || incarnation.isDead) return;
    for (const listener of incarnation.listeners) listener(container.spec.containerId, end);
  }
}

function nameOf(spec: ContainerSpec): string {
  return spec.environment['MESOS_TASK_ID'] ?? spec.environment['MESOS_EXECUTOR_ID'] ?? '';
}

/** The event stream of an executor under test. */
export class TestStream implements ExecutorStream {
  readonly events: ExecutorEvent[] = [];
  isClosed = false;

  send(event: ExecutorEvent): void {
    this.events.push(event);
  }

  close(): void {
    this.isClosed = true;
  }

  types(): readonly (string | undefined)[] {
    return this.events.map(({ type }) => type);
  }
}
