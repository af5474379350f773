/**
 * The master: the state machine of the cluster. Pure: it is told of calls, connections and time, and
 * answers through streams and connections. Nothing happens before `start` has recovered the registry,
 * and nothing after `stop`, or after a write of the registry was refused.
 */
import {
  type Allocation,
  type AllocationListener,
  type Allocator,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
} from '../allocator/index.js';
import {
  type LinkAgentMessage,
  type MasterCall,
  type MasterInfo,
  type MasterResponse,
  type SchedulerCall,
  masterInfo,
  type CallAnswer,
} from '../api/index.js';
import {
  type Disposable,
  type Store,
  type StreamId,
  type World,
  errorMessage,
  toDisposable,
  Timers,
} from '../base/index.js';
import { agentMessage } from './agent-messages.js';
import { agentDisconnected } from './agents.js';
import { Cluster, type ClusterView } from './cluster.js';
import { DEFAULT_MASTER_CONFIG, type MasterAddress, type MasterConfig } from './config.js';
import type { MasterContext } from './context.js';
import { schedulerDisconnected, subscribe } from './frameworks.js';
import { Metrics } from './metrics.js';
import { makeOffers } from './offers.js';
import { type MasterTimes, collectMetrics, operatorCall } from './operator.js';
import type { AgentConnection, MasterObservation, SchedulerStream } from './ports.js';
import { collectGarbage, recoverCluster } from './recovery.js';
import { Registry } from './registry.js';
import { schedulerCall } from './scheduler-calls.js';
import { type FrameworkExplanation, explainFramework } from './why.js';

export interface MasterOptions {
  readonly world: World;
  /** Where the registry is; claimed by `start`. */
  readonly store: Store;
  /** What differs from the defaults. */
  readonly config?: Partial<MasterConfig>;
  readonly address: MasterAddress;
  /** Makes another allocator than the hierarchical one. */
  readonly createAllocator?: (onAllocations: AllocationListener) => Allocator;
  /**
   * Called once when the master has stopped acting because the registry could not be written, as
   * when another master has taken over (`FENCED`). The process should end.
   */
  readonly onFatal?: (error: unknown) => void;
}

const NOT_RECOVERED: CallAnswer = {
  status: 503,
  message: 'The master has not finished recovering its registry: try again',
};

export class Master {
  readonly #context: MasterContext;
  readonly #cluster: Cluster;
  readonly #observers = new Set<(observation: MasterObservation) => void>();
  readonly #onFatal: (error: unknown) => void;
  readonly #startedMs: number;
  readonly #startedElapsedMs: number;
  #electedMs: number | undefined;
  #isStopped = false;

  constructor(options: MasterOptions) {
    const { world, store, address } = options;
    const config = { ...DEFAULT_MASTER_CONFIG, ...options.config };
    const log = world.log.child({ component: 'master' });
    this.#onFatal = options.onFatal ?? (() => {});
    this.#startedMs = world.clock.now();
    this.#startedElapsedMs = world.clock.elapsed();
    this.#cluster = new Cluster(config);
    const create = options.createAllocator ?? hierarchical(world, config);
    this.#context = {
      world,
      log,
      config,
      cluster: this.#cluster,
      registry: new Registry(store, (error) => this.#fail(error)),
      allocator: create((allocations) => this.#offer(allocations)),
      metrics: new Metrics(),
      timers: new Timers(world.clock, (error) => this.#fail(error)),
      info: masterInfo({ id: world.ids.uuid(), ...address }),
      next: { framework: 0, agent: 0, offer: 0 },
      pendingStreams: new Map(),
      pendingAgents: { registering: new Map(), writing: new Map() },
      notify: (observation) => {
        for (const observer of this.#observers) observer(observation);
      },
    };
  }

  /**
   * Claims the registry and recovers from it.
   * @throws PlateauError of the store; the master is of no use then.
   */
  async start(): Promise<void> {
    const { registry, timers, config, world, log, info } = this.#context;
    const contents = await registry.recover(info);
    if (this.#isStopped) return;
    recoverCluster(this.#context, contents);
    this.#electedMs = world.clock.now();
    timers.every(config.registryGcIntervalMs, () => collectGarbage(this.#context));
    const { agents, frameworks } = contents;
    log.info('master recovered', { agents: agents.size, frameworks: frameworks.size, id: info.id });
  }

  /** Stops acting at once: timers end, streams and connections are closed, nothing is written. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const { registry, timers, allocator } = this.#context;
    registry.stop();
    timers.dispose();
    allocator.dispose();
    for (const stream of this.#cluster.streams.keys()) stream.close();
    for (const stream of this.#context.pendingStreams.keys()) stream.close();
    for (const connection of this.#cluster.connections.keys()) connection.close();
  }

  /** Whether the registry is recovered and calls are served. */
  get isRecovered(): boolean {
    return this.#electedMs !== undefined && !this.#isStopped;
  }

  /** How this master presents itself. */
  get info(): MasterInfo {
    return this.#context.info;
  }

  get config(): MasterConfig {
    return this.#context.config;
  }

  /** Moments of this master, for pages. */
  get times(): MasterTimes {
    return {
      startedMs: this.#startedMs,
      electedMs: this.#electedMs,
      startedElapsedMs: this.#startedElapsedMs,
    };
  }

  /** Read access to frameworks, agents, tasks and offers. */
  get cluster(): ClusterView {
    return this.#cluster;
  }

  /**
   * SUBSCRIBE, which was validated in form. What else is wrong becomes an ERROR event, and the end
   * of the stream.
   */
  schedulerSubscribe(call: SchedulerCall, stream: SchedulerStream, principal?: string): void {
    const given = call.subscribe;
    const message = this.isRecovered
      ? "Expecting 'subscribe' to be present"
      : 'The master has not finished recovering its registry: try again';
    if (this.isRecovered && given !== undefined) {
      this.#act(() => subscribe(this.#context, given, { stream, principal }));
    } else {
      stream.send({ type: 'ERROR', error: { message } });
      stream.close();
    }
  }

  /** Any other call of a scheduler, which was validated in form. */
  schedulerCall(
    call: SchedulerCall,
    streamId: StreamId | undefined,
    principal?: string,
  ): CallAnswer {
    if (!this.isRecovered) return NOT_RECOVERED;
    return this.#act(() => schedulerCall(this.#context, call, { streamId, principal }));
  }

  /** The stream of a scheduler has ended, from its side. */
  schedulerDisconnected(stream: SchedulerStream): void {
    if (this.isRecovered) this.#act(() => schedulerDisconnected(this.#context, stream));
  }

  /** A message of an agent. Before the registry is recovered the agent is sent away to try again. */
  agentMessage(connection: AgentConnection, message: LinkAgentMessage): void {
    if (!this.isRecovered) connection.close();
    else this.#act(() => agentMessage(this.#context, connection, message));
  }

  /** The connection of an agent has ended, from its side. */
  agentDisconnected(connection: AgentConnection): void {
    if (this.isRecovered) this.#act(() => agentDisconnected(this.#context, connection));
  }

  /** A call of an operator, which was validated in form: a response, or an answer without one. */
  operatorCall(call: MasterCall): CallAnswer | MasterResponse {
    if (!this.isRecovered) return NOT_RECOVERED;
    return this.#act(() => operatorCall(this.#context, call, this.times));
  }

  /** Figures by their Mesos names, sorted. */
  metrics(): ReadonlyMap<string, number> {
    return collectMetrics(this.#context, this.times);
  }

  /** Why a framework is, or is not, offered resources; undefined for an unknown id. */
  why(frameworkId: string): FrameworkExplanation | undefined {
    return explainFramework(this.#context, frameworkId);
  }

  /** Calls the listener for everything that happens, until disposed of. It must not call back. */
  observe(listener: (observation: MasterObservation) => void): Disposable {
    this.#observers.add(listener);
    return toDisposable(() => this.#observers.delete(listener));
  }

  /** The allocator calls from a timer of its own. */
  #offer(allocations: readonly Allocation[]): void {
    if (this.#isStopped) return;
    try {
      makeOffers(this.#context, allocations);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A broken invariant must not be acted upon: the master ends itself before it harms anybody. */
  #act<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#context.log.error('the master stops', { reason: errorMessage(error) });
    this.stop();
    this.#onFatal(error);
  }
}

function hierarchical(
  world: World,
  config: MasterConfig,
): (onAllocations: AllocationListener) => Allocator {
  const { allocationIntervalMs, minAllocatable, earlyReoffer } = config;
  const settings = { allocationIntervalMs, minAllocatable, earlyReoffer };
  return (onAllocations) =>
    new HierarchicalAllocator({
      world,
      config: { ...DEFAULT_ALLOCATOR_CONFIG, ...settings },
      onAllocations,
    });
}
