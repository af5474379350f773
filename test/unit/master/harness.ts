/** A master with hand-made streams and connections around it, on virtual time. */
import type {
  AgentInfo,
  AgentInfoCapability,
  CallAnswer,
  FrameworkInfo,
  LinkAgentMessage,
  LinkExecutor,
  LinkMasterMessage,
  LinkMasterMessageType,
  Offer,
  OfferOperation,
  Operation,
  OperationState,
  OperationStatus,
  Resource,
  SchedulerCall,
  SchedulerEvent,
  SchedulerEventType,
  Task,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../../core/api/index.js';
import { VirtualWorld, at, id } from '../../../core/base/index.js';
import {
  type AgentConnection,
  Master,
  type MasterSettings,
  type MasterObservation,
  type SchedulerAnswer,
  type SchedulerStream,
} from '../../../core/master/index.js';
import { MemoryMedium, MemoryStore } from '../../../core/store/index.js';

export class FakeStream implements SchedulerStream {
  readonly peer = '127.0.0.1:40000';
  readonly events: SchedulerEvent[] = [];
  isClosed = false;
  readonly id;

  constructor(name: string) {
    this.id = id<'StreamId'>(name);
  }

  send(event: SchedulerEvent): void {
    this.events.push(event);
  }

  close(): void {
    this.isClosed = true;
  }

  of(type: SchedulerEventType): SchedulerEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  get types(): string[] {
    return this.events.map(({ type }) => type ?? '');
  }

  get offers(): Offer[] {
    return this.of('OFFERS').flatMap((event) => event.offers?.offers ?? []);
  }

  get updates(): TaskStatus[] {
    return this.of('UPDATE').flatMap((event) => (event.update ? [event.update.status] : []));
  }

  get error(): string | undefined {
    return this.of('ERROR')[0]?.error?.message;
  }

  clear(): void {
    this.events.length = 0;
  }
}

export class FakeConnection implements AgentConnection {
  readonly messages: LinkMasterMessage[] = [];
  isClosed = false;
  readonly peer: string;

  constructor(peer = '10.0.0.7:40001') {
    this.peer = peer;
  }

  send(message: LinkMasterMessage): void {
    this.messages.push(message);
  }

  close(): void {
    this.isClosed = true;
  }

  of(type: LinkMasterMessageType): LinkMasterMessage[] {
    return this.messages.filter((message) => message.type === type);
  }

  get agentId(): string {
    const { registered, reregistered } = at(
      [...this.of('REGISTERED'), ...this.of('REREGISTERED')],
      0,
    );
    return registered?.agent_id.value ?? reregistered?.agent_id.value ?? '';
  }

  /** The kinds of messages by which the agent was told what to remember, in order. */
  get remembers(): readonly string[] {
    return this.messages.map(({ type }) => type).filter((type) => REMEMBERING.has(type));
  }

  /** What the agent was told last to remember; undefined: nothing yet. */
  get remembered(): readonly Resource[] | undefined {
    const last = this.messages.findLast(({ type }) => REMEMBERING.has(type));
    return last?.apply_operation?.resources ?? last?.checkpoint_resources?.resources;
  }

  get launched(): TaskInfo[] {
    return this.of('RUN_TASKS').flatMap((message) => message.run_tasks?.tasks ?? []);
  }
}

const REMEMBERING: ReadonlySet<string> = new Set(['APPLY_OPERATION', 'CHECKPOINT_RESOURCES']);

export const ROLE = 'web';

export function scalar(name: string, value: number, extra: Partial<Resource> = {}): Resource {
  return { name, type: 'SCALAR', scalar: { value }, ...extra };
}

export function amounts(cpus: number, mem: number, extra: Partial<Resource> = {}): Resource[] {
  return [scalar('cpus', cpus, extra), scalar('mem', mem, extra)];
}

export const AGENT_INFO: AgentInfo = {
  hostname: 'host-1',
  port: 5051,
  resources: [
    ...amounts(4, 1024),
    scalar('ephemeral_ports', 10),
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31000n, end: 31010n }] } },
  ],
  attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'r1' } }],
};

export const FRAMEWORK_INFO: FrameworkInfo = {
  user: 'nobody',
  name: 'test',
  roles: [ROLE],
  failover_timeout: 60,
  capabilities: [
    { type: 'MULTI_ROLE' },
    { type: 'PARTITION_AWARE' },
    { type: 'RESERVATION_REFINEMENT' },
  ],
};

/** A framework that does not know the newer task states. */
export const OLD_FRAMEWORK_INFO: FrameworkInfo = {
  ...FRAMEWORK_INFO,
  capabilities: [{ type: 'MULTI_ROLE' }],
};

export interface HarnessOptions {
  readonly config?: MasterSettings;
  readonly medium?: MemoryMedium;
  readonly world?: VirtualWorld;
}

export class Harness {
  readonly world: VirtualWorld;
  readonly medium: MemoryMedium;
  readonly store: MemoryStore;
  readonly master: Master;
  readonly observed: MasterObservation[] = [];
  readonly fatal: unknown[] = [];
  /** Whether agents carry operations with an id out, and their frameworks acknowledge that, at once. */
  carriesOut = true;
  readonly #connections = new Set<FakeConnection>();
  readonly #carriedOut = new Set<string>();
  #streams = 0;

  constructor(options: HarnessOptions = {}) {
    this.world = options.world ?? new VirtualWorld();
    this.medium = options.medium ?? new MemoryMedium();
    this.store = new MemoryStore({ medium: this.medium });
    this.master = new Master({
      world: this.world,
      store: this.store,
      config: options.config ?? {},
      address: { hostname: 'localhost', ip: '127.0.0.1', port: 5050 },
      onFatal: (error) => this.fatal.push(error),
    });
    this.master.observe((observation) => this.observed.push(observation));
  }

  static async started(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options);
    await harness.master.start();
    return harness;
  }

  /** The same registry under a new master. */
  async restarted(config: MasterSettings = {}): Promise<Harness> {
    this.master.stop();
    return Harness.started({ config, medium: this.medium, world: this.world });
  }

  async subscribe(
    info: FrameworkInfo = FRAMEWORK_INFO,
    suppressed: readonly string[] = [],
  ): Promise<Scheduler> {
    const stream = new FakeStream(`stream-${this.#streams++}`);
    const call = {
      type: 'SUBSCRIBE' as const,
      subscribe: { framework_info: info, suppressed_roles: suppressed },
    };
    this.master.schedulerSubscribe(call, stream);
    await this.world.settle();
    return new Scheduler(this, stream);
  }

  async register(
    info: AgentInfo = AGENT_INFO,
    connection = new FakeConnection(),
    capabilities: readonly AgentInfoCapability[] = CAPABILITIES,
  ): Promise<FakeConnection> {
    this.master.agentMessage(connection, {
      type: 'REGISTER',
      register: { agent_info: info, version: '1.11.0', capabilities },
    });
    this.#connections.add(connection);
    await this.world.settle();
    return connection;
  }

  async reregister(agentId: string, given: Reregistration = {}): Promise<FakeConnection> {
    const connection = given.connection ?? new FakeConnection();
    this.master.agentMessage(connection, {
      type: 'REREGISTER',
      reregister: {
        agent_info: { ...AGENT_INFO, id: { value: agentId } },
        version: '1.11.0',
        capabilities: CAPABILITIES,
        tasks: given.tasks,
        frameworks: given.frameworks,
        executors: given.executors,
        operations: given.operations,
        checkpointed_resources: given.checkpointed,
      },
    });
    this.#connections.add(connection);
    await this.world.settle();
    return connection;
  }

  /** Agents carry out what they were told, and the framework that asked hears of it. */
  carryOut(scheduler: Scheduler): void {
    for (const connection of this.#connections) {
      for (const { apply_operation: asked } of connection.of('APPLY_OPERATION')) {
        const uuid = asked?.operation.uuid.value ?? '';
        if (asked === undefined || this.#carriedOut.has(uuid)) continue;
        this.#carriedOut.add(uuid);
        const status = this.operationStatus(connection, asked.operation);
        scheduler.acknowledgeOperation(status);
      }
    }
  }

  /** The agent tells what became of an operation. */
  operationStatus(
    connection: FakeConnection,
    operation: Operation,
    state: OperationState = 'OPERATION_FINISHED',
  ): OperationStatus {
    const latest_status: OperationStatus = {
      operation_id: operation.info.id,
      state,
      uuid: { value: this.world.ids.uuidBytes() },
      agent_id: operation.agent_id,
    };
    const told = { ...operation, latest_status, statuses: [latest_status] };
    this.agentMessage(connection, {
      type: 'OPERATION_STATUS',
      operation_status: { operation: told },
    });
    return latest_status;
  }

  /** Answers pings for a while. */
  async live(durationMs: number, connections: readonly FakeConnection[]): Promise<void> {
    for (let left = durationMs; left > 0; left -= 5000) {
      for (const connection of connections) {
        this.master.agentMessage(connection, { type: 'PONG' });
      }
      // oxlint-disable-next-line no-await-in-loop -- time passes step by step
      await this.world.advance(Math.min(left, 5000));
    }
  }

  agentMessage(connection: FakeConnection, message: LinkAgentMessage): void {
    this.master.agentMessage(connection, message);
  }

  update(connection: FakeConnection, scheduler: Scheduler, status: Partial<TaskStatus>): void {
    this.master.agentMessage(connection, {
      type: 'STATUS_UPDATE',
      status_update: {
        framework_id: { value: scheduler.id },
        status: { task_id: { value: 't1' }, state: 'TASK_RUNNING', ...status },
        latest_state: status.state,
      },
    });
  }

  counter(name: string): number {
    return this.master.metrics().get(`master/${name}`) ?? -1;
  }
}

interface Reregistration {
  readonly connection?: FakeConnection;
  readonly tasks?: readonly Task[];
  readonly frameworks?: readonly FrameworkInfo[];
  readonly executors?: readonly LinkExecutor[];
  readonly operations?: readonly Operation[];
  readonly checkpointed?: readonly Resource[];
}

export const CAPABILITIES = [
  { type: 'MULTI_ROLE' as const },
  { type: 'HIERARCHICAL_ROLE' as const },
  { type: 'RESERVATION_REFINEMENT' as const },
  { type: 'RESIZE_VOLUME' as const },
  { type: 'AGENT_OPERATION_FEEDBACK' as const },
  { type: 'TASK_RESOURCE_LIMITS' as const },
  { type: 'AGENT_DRAINING' as const },
];

export class Scheduler {
  readonly harness: Harness;
  readonly stream: FakeStream;
  /** Empty when it was refused. */
  readonly id: string;

  constructor(harness: Harness, stream: FakeStream) {
    this.harness = harness;
    this.stream = stream;
    this.id = stream.of('SUBSCRIBED')[0]?.subscribed?.framework_id.value ?? '';
  }

  /** Any call that is answered at once. */
  call(call: SchedulerCall): CallAnswer {
    const answer = this.#send(call);
    if (!('status' in answer)) throw new Error(`${call.type} is answered later: see 'ask'`);
    return answer;
  }

  /** A call that may be answered when something is durable. */
  async ask(call: SchedulerCall): Promise<CallAnswer> {
    const answer = this.#send(call);
    await this.harness.world.settle();
    return answer;
  }

  #send(call: SchedulerCall): SchedulerAnswer {
    const full = { framework_id: { value: this.id }, ...call };
    return this.harness.master.schedulerCall(full, this.stream.id);
  }

  disconnect(): void {
    this.harness.master.schedulerDisconnected(this.stream);
  }

  /** Waits a batch of the allocator and gives the newest offer. */
  async offer(): Promise<Offer> {
    const before = this.stream.offers.length;
    if (before === 0) await this.harness.world.advance(1000);
    return at(this.stream.offers, this.stream.offers.length - 1);
  }

  accept(offers: readonly Offer[], operations: readonly OfferOperation[], refuse = 0): CallAnswer {
    const accept = {
      offer_ids: offers.map((offer) => offer.id),
      operations,
      filters: { refuse_seconds: refuse },
    };
    const answer = this.call({ type: 'ACCEPT', accept });
    if (this.harness.carriesOut) this.harness.carryOut(this);
    return answer;
  }

  acknowledgeOperation(status: OperationStatus): CallAnswer {
    const { operation_id, agent_id, uuid } = status;
    return this.call({
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: {
        operation_id: operation_id ?? { value: '' },
        agent_id,
        uuid: uuid?.value ?? '',
      },
    });
  }

  launch(offer: Offer, ...tasks: TaskInfo[]): CallAnswer {
    return this.accept([offer], [{ type: 'LAUNCH', launch: { task_infos: tasks } }], 3600);
  }

  acknowledge(agentId: string, uuid: string, taskId = 't1'): CallAnswer {
    const acknowledge = { agent_id: { value: agentId }, task_id: { value: taskId }, uuid };
    return this.call({ type: 'ACKNOWLEDGE', acknowledge });
  }

  reconcile(taskId?: string, agentId?: string): TaskStatus[] {
    const task =
      taskId === undefined
        ? []
        : [
            {
              task_id: { value: taskId },
              agent_id: agentId === undefined ? undefined : { value: agentId },
            },
          ];
    const before = this.stream.updates.length;
    this.call({ type: 'RECONCILE', reconcile: { tasks: task } });
    return this.stream.updates.slice(before);
  }
}

export function task(offer: Offer, extra: Partial<TaskInfo> = {}): TaskInfo {
  return {
    name: 'task',
    task_id: { value: 't1' },
    agent_id: offer.agent_id,
    resources: amounts(1, 128),
    command: { value: 'sleep 60' },
    ...extra,
  };
}

/** A framework and an agent with one task that runs. */
export async function running(
  given: { info?: FrameworkInfo; config?: MasterSettings } = {},
): Promise<{ harness: Harness; scheduler: Scheduler; agent: FakeConnection; offer: Offer }> {
  const harness = await Harness.started({ config: given.config ?? {} });
  const agent = await harness.register();
  const scheduler = await harness.subscribe(given.info);
  const offer = await scheduler.offer();
  scheduler.launch(offer, task(offer));
  harness.update(agent, scheduler, { state: 'TASK_RUNNING', uuid: 'running' });
  scheduler.acknowledge(agent.agentId, 'running');
  return { harness, scheduler, agent, offer };
}

/** The Task message that an agent reports of a running task. */
export function reported(
  scheduler: Scheduler,
  agentId: string,
  state: TaskState = 'TASK_RUNNING',
): Task {
  return {
    name: 'task',
    task_id: { value: 't1' },
    framework_id: { value: scheduler.id },
    agent_id: { value: agentId },
    state,
    resources: amounts(1, 128, { allocation_info: { role: ROLE } }),
  };
}
