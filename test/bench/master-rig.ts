/**
 * The real master with connections and a registry in memory: agents and schedulers are whoever drives
 * it. With still time nothing happens unless asked for; otherwise the master lives in real time.
 */
import type { LinkMasterMessage, SchedulerCall, SchedulerEvent } from '../../core/api/index.js';
import {
  type AllocationListener,
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
} from '../../core/allocator/index.js';
import {
  type StreamId,
  type World,
  SILENT_LOGGER,
  VirtualWorld,
  id,
  systemWorld,
} from '../../core/base/index.js';
import { type AgentConnection, Master, type SchedulerStream } from '../../core/master/index.js';
import { MemoryStore } from '../../core/store/index.js';
import { portsOf } from './rig.js';

export interface MasterRigOptions {
  /** Whether time stands still: no batch, no ping, no timeout. */
  readonly isTimeStill: boolean;
  readonly allocator?: Partial<AllocatorConfig>;
  /** Over how many roles frameworks spread. Default 10. */
  readonly roles?: number;
  /** Takes what the allocator gives out, instead of the master. */
  readonly onAllocations?: AllocationListener;
  /** What each agent has. */
  readonly agent?: { readonly cpus: number; readonly memoryMiB: number };
}

/** Sees what a framework, by number, is told. */
export type OnEvent = (index: number, event: SchedulerEvent) => void;

export class MasterRig {
  readonly world: World;
  readonly master: Master;
  #allocator: HierarchicalAllocator | undefined;
  readonly #frameworks: { readonly frameworkId: string; readonly streamId: StreamId }[] = [];
  #agents = 0;
  readonly #roles: number;
  readonly #agent: { readonly cpus: number; readonly memoryMiB: number };
  #onAgentMessage: ((agent: RigConnection, message: LinkMasterMessage) => void) | undefined;

  private constructor({ isTimeStill, allocator = {}, roles = 10, ...rest }: MasterRigOptions) {
    const { agent, onAllocations } = rest;
    this.#roles = roles;
    this.#agent = agent ?? { cpus: 24, memoryMiB: 4096 };
    this.world = isTimeStill ? new VirtualWorld() : systemWorld(SILENT_LOGGER);
    const config = { ...DEFAULT_ALLOCATOR_CONFIG, ...allocator };
    this.master = new Master({
      world: this.world,
      store: new MemoryStore(),
      address: { hostname: 'bench', ip: '127.0.0.1', port: 5050 },
      createAllocator: (options) => {
        this.#allocator = new HierarchicalAllocator({
          ...options,
          config,
          ...(onAllocations !== undefined && { onAllocations }),
        });
        return this.#allocator;
      },
      onFatal: (error) => {
        throw error;
      },
    });
  }

  static async start(options: MasterRigOptions): Promise<MasterRig> {
    const rig = new MasterRig(options);
    await rig.master.start();
    return rig;
  }

  get allocator(): HierarchicalAllocator {
    if (this.#allocator === undefined) throw new Error('the master made no allocator');
    return this.#allocator;
  }

  /** Messages of the master to agents go there. */
  onAgentMessage(listener: (agent: RigConnection, message: LinkMasterMessage) => void): void {
    this.#onAgentMessage = listener;
  }

  /** Subscribes frameworks and waits until all of them are. */
  async subscribe(count: number, onEvent: OnEvent): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.subscribeOne(onEvent)));
  }

  /** Subscribes one more framework; returns its number. */
  async subscribeOne(onEvent: OnEvent): Promise<number> {
    const index = this.#frameworks.length;
    const streamId = id<'StreamId'>(`stream-${index}`);
    this.#frameworks.push({ frameworkId: '', streamId });
    const name = `framework-${index}`;
    const roles = [`role-${index % this.#roles}`];
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }] as const;
    await new Promise<void>((resolve) => {
      const stream: SchedulerStream = {
        id: streamId,
        peer: '127.0.0.1:40000',
        send: (event) => {
          const value = event.subscribed?.framework_id.value;
          if (value !== undefined) {
            this.#frameworks[index] = { frameworkId: value, streamId };
            resolve();
          }
          onEvent(index, event);
        },
        close() {},
      };
      const framework_info = { user: 'nobody', name, roles, capabilities };
      this.master.schedulerSubscribe({ type: 'SUBSCRIBE', subscribe: { framework_info } }, stream);
    });
    return index;
  }

  /** Makes a call of a framework. */
  call(index: number, call: SchedulerCall): void {
    const framework = this.#frameworks[index];
    if (framework === undefined) throw new Error(`no framework ${index}`);
    const framework_id = { value: framework.frameworkId };
    const answer = this.master.schedulerCall({ ...call, framework_id }, framework.streamId);
    if (answer instanceof Promise || answer.status === 202) return;
    throw new Error(`${call.type}: ${answer.status}`);
  }

  /** Registers agents, each with messages of its own, and waits until all have their ids. */
  async registerAgents(count: number): Promise<readonly RigConnection[]> {
    const connections: RigConnection[] = [];
    const all: Promise<void>[] = [];
    for (let each = 0; each < count; each++) {
      const index = this.#agents++;
      const hostname = `host-${index}.rack-${index % 50}.example.com`;
      const connection = new RigConnection(index, (message) =>
        this.#onAgentMessage?.(connection, message),
      );
      connections.push(connection);
      all.push(connection.registered);
      this.master.agentMessage(connection, {
        type: 'REGISTER',
        register: {
          version: '1.12.0',
          capabilities: AGENT_CAPABILITIES.map((type) => ({ type })),
          agent_info: {
            hostname,
            port: 5051,
            resources: [
              { name: 'cpus', type: 'SCALAR', scalar: { value: this.#agent.cpus } },
              { name: 'mem', type: 'SCALAR', scalar: { value: this.#agent.memoryMiB } },
              { name: 'disk', type: 'SCALAR', scalar: { value: 4096 } },
              portsOf('31000-32000'),
            ],
            attributes: [
              { name: 'rack', type: 'TEXT', text: { value: `rack-${index % 50}` } },
              { name: 'generation', type: 'SCALAR', scalar: { value: index % 3 } },
            ],
          },
        },
      });
    }
    await Promise.all(all);
    return connections;
  }

  stop(): void {
    this.master.stop();
  }
}

const AGENT_CAPABILITIES = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
  'RESOURCE_PROVIDER',
] as const;

/** An agent's side of a connection in memory. */
export class RigConnection implements AgentConnection {
  readonly peer = '127.0.0.1:40001';
  readonly index: number;
  agentId = '';
  #resolve: (() => void) | undefined;
  readonly #listener: (message: LinkMasterMessage) => void;

  constructor(index: number, listener: (message: LinkMasterMessage) => void) {
    this.index = index;
    this.#listener = listener;
  }

  /** Resolves when the agent has its id. */
  get registered(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  send(message: LinkMasterMessage): void {
    if (message.registered !== undefined) {
      this.agentId = message.registered.agent_id.value;
      this.#resolve?.();
      this.#resolve = undefined;
    }
    this.#listener(message);
  }

  close(): void {}
}
