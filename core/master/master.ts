/**
 * The master: the state machine of the cluster. Pure: it is told of calls, connections and time, and
 * answers through streams and connections. Nothing happens before `start` has recovered the registry,
 * and nothing after `stop`, or after a write of the registry was refused.
 */
import {
  type Allocator,
  type AllocatorFactory,
  type AllocatorOptions,
  HierarchicalAllocator,
} from '../allocator/index.js';
import {
  type LinkAgentMessage,
  type MasterCall,
  type MasterInfo,
  type SchedulerCall,
  masterInfo,
  type CallAnswer,
} from '../api/index.js';
import {
  type Clock,
  type Disposable,
  type Store,
  type StoreEntry,
  type StreamId,
  type World,
  errorMessage,
  toDisposable,
  TimeoutQueue,
  Timers,
} from '../base/index.js';
import { agentMessage } from './agent-messages.js';
import { agentDisconnected } from './agents.js';
import { Cluster, type ClusterView } from './cluster.js';
import {
  type MasterAddress,
  type MasterConfig,
  type MasterSettings,
  completeConfig,
} from './config.js';
import type { MasterContext } from './context.js';
import { checkDrained } from './drain.js';
import type { SchedulerAnswer } from './framework-update.js';
import { schedulerDisconnected, subscribe } from './frameworks.js';
import { makeInverseOffers } from './inverse-offers.js';
import { Metrics } from './metrics.js';
import { OfferWriters } from './offer-messages.js';
import { makeOffers, rescindOffer } from './offers.js';
import {
  type MasterTimes,
  type OperatorAnswer,
  type MetricSteps,
  collectMetrics,
  finish,
  isReading,
  operatorCall,
} from './operator.js';
import { OperatorChanges } from './operator-changes.js';
import { type OperatorStream, OperatorStreams } from './operator-streams.js';
import type { AgentConnection, MasterObservation, SchedulerStream } from './ports.js';
import { collectGarbage, recoverCluster } from './recovery.js';
import { Registry } from './registry.js';
import { schedulerCall } from './scheduler-calls.js';
import { REVOCATION_INTERVAL_MS, Revocation } from './revocation.js';
import { type FrameworkExplanation, type WhyQuestion, explainFramework } from './why.js';

export interface MasterOptions {
  readonly world: World;
  /** Where the registry is; claimed by `start`. */
  readonly store: Store;
  /** What differs from the defaults. */
  readonly config?: MasterSettings;
  readonly address: MasterAddress;
  /** Makes another allocator than the hierarchical one. */
  readonly createAllocator?: AllocatorFactory | undefined;
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
  readonly #operators: OperatorStreams;
  readonly #observers = new Set<(observation: MasterObservation) => void>();
  readonly #onFatal: (error: unknown) => void;
  readonly #startedMs: number;
  readonly #startedElapsedMs: number;
  #electedMs: number | undefined;
  #isStopped = false;

  constructor(options: MasterOptions) {
    const { world, store, address } = options;
    const config = completeConfig(options.config);
    const log = world.log.child({ component: 'master' });
    this.#onFatal = options.onFatal ?? (() => {});
    this.#startedMs = world.clock.now();
    this.#startedElapsedMs = world.clock.elapsed();
    this.#cluster = new Cluster(config);
    const create = options.createAllocator ?? createHierarchical;
    const touch = (): void => this.#cluster.touch();
    const registry = new Registry(store, {
      clock: world.clock,
      onFatal: (error) => this.#fail(error),
      onDurable: touch,
    });
    const timers = new TouchingTimers(world.clock, (error) => this.#fail(error), touch);
    this.#context = {
      world,
      log,
      config,
      cluster: this.#cluster,
      registry,
      operatorChanges: new OperatorChanges(registry),
      allocator: create({
        world,
        config: { ...config.allocator, domain: config.domain },
        onAllocations: (allocations) => this.#offer(() => makeOffers(this.#context, allocations)),
        onInverseOffers: (round) => this.#offer(() => makeInverseOffers(this.#context, round)),
      }),
      metrics: new Metrics(),
      timers,
      offerTimeouts: new TimeoutQueue({
        timers,
        clock: world.clock,
        delayMs: config.offerTimeoutMs,
        run: (offer) => rescindOffer(this.#context, offer),
      }),
      offerWriters: new OfferWriters(),
      info: masterInfo({ id: world.ids.uuid(), ...address, domain: config.domain }),
      next: { framework: 0, agent: 0, offer: 0 },
      pendingStreams: new Map(),
      pendingAgents: { registering: new Map(), writing: new Map(), markingGone: new Set() },
      agentEmptied: (agent) => checkDrained(this.#context, agent),
      notify: (observation) => {
        this.#cluster.touch();
        this.#operators.tell(observation);
        for (const observer of this.#observers) observer(observation);
      },
    };
    this.#operators = new OperatorStreams({
      cluster: this.#cluster,
      timers,
      heartbeatMs: config.heartbeatMs,
      maxStreams: config.maxOperatorStreams,
    });
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
    this.#cluster.touch();
    this.#electedMs = world.clock.now();
    timers.every(config.registryGcIntervalMs, () => collectGarbage(this.#context));
    if (config.revocation !== 'off') {
      const revocation = new Revocation(this.#context, config.revocation);
      timers.every(REVOCATION_INTERVAL_MS, () => revocation.look());
    }
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
    this.#operators.close();
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

  /**
   * Sets the host names of the agents that may be offered; undefined: all. Offers that are out stay.
   * May be called before `start`.
   */
  updateWhitelist(hostnames: readonly string[] | undefined): void {
    if (!this.#isStopped) this.#act(() => this.#context.allocator.updateWhitelist(hostnames));
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

  /**
   * Any other call of a scheduler, which was validated in form. A changed FrameworkInfo is answered
   * when it is durable, and never when the master ends first.
   */
  schedulerCall(
    call: SchedulerCall,
    streamId: StreamId | undefined,
    principal?: string,
  ): SchedulerAnswer {
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
    else if (message.type === 'PONG') {
      this.#guard(() => agentMessage(this.#context, connection, message));
    } else this.#act(() => agentMessage(this.#context, connection, message));
  }

  /** The connection of an agent has ended, from its side. */
  agentDisconnected(connection: AgentConnection): void {
    if (this.isRecovered) this.#act(() => agentDisconnected(this.#context, connection));
  }

  /**
   * A call of an operator, which was validated in form: a response, or an answer without one. What
   * is recorded is answered when it is durable, and never when the master ends first.
   */
  operatorCall(call: MasterCall): OperatorAnswer {
    if (!this.isRecovered) return NOT_RECOVERED;
    const run = (): OperatorAnswer => operatorCall(this.#context, call, this.times);
    return isReading(call) ? this.#guard(run) : this.#act(run);
  }

  /**
   * SUBSCRIBE of an operator, which was validated in form. The stream gets the state as it is now, and
   * then everything that happens.
   */
  operatorSubscribe(stream: OperatorStream): void {
    if (this.isRecovered) this.#guard(() => this.#operators.add(stream));
    else stream.close();
  }

  /** The stream of an operator has ended, from its side. */
  operatorDisconnected(stream: OperatorStream): void {
    this.#operators.remove(stream);
  }

  /** All records of the registry as they are now; undefined before it is recovered, and when it ended. */
  async registryEntries(): Promise<readonly StoreEntry[] | undefined> {
    return this.isRecovered ? await this.#context.registry.entries() : undefined;
  }

  /** Figures by their Mesos names, sorted; a `brief` list is without those of single frameworks. */
  metrics(extent: 'all' | 'brief' = 'all'): ReadonlyMap<string, number> {
    return finish(this.metricSteps(extent));
  }

  /** As `metrics`, in steps of a fraction of a millisecond: others may have their turn in between. */
  *metricSteps(extent: 'all' | 'brief' = 'all'): MetricSteps {
    const figures = yield* collectMetrics(this.#context, this.times, extent === 'brief');
    return figures.set('master/operator_event_stream_subscribers', this.#operators.size);
  }

  /**
   * Why a framework is, or is not, offered resources; undefined for an unknown id or name.
   * @throws PlateauError `INVALID_MESSAGE` naming the field of the question that is not valid.
   */
  why(framework: string, question?: WhyQuestion): FrameworkExplanation | undefined {
    return explainFramework(this.#context, framework, question);
  }

  /** Calls the listener for everything that happens, until disposed of. It must not call back. */
  observe(listener: (observation: MasterObservation) => void): Disposable {
    this.#observers.add(listener);
    return toDisposable(() => this.#observers.delete(listener));
  }

  /** The allocator calls from a timer of its own. */
  #offer(make: () => void): void {
    if (this.#isStopped) return;
    try {
      make();
    } catch (error) {
      this.#fail(error);
    }
    this.#cluster.touch();
  }

  /** What it is told may change anything. */
  #act<T>(run: () => T): T {
    try {
      return this.#guard(run);
    } finally {
      this.#cluster.touch();
    }
  }

  /** A broken invariant must not be acted upon: the master ends itself before it harms anybody. */
  #guard<T>(run: () => T): T {
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

/**
 * What a timer does once may change anything. What is done again and again (heartbeats, pings, clean-up)
 * changes nothing that is shown, but through the registry, offers or observations.
 */
class TouchingTimers extends Timers {
  readonly #touch: () => void;

  constructor(clock: Clock, onError: (error: unknown) => void, touch: () => void) {
    super(clock, onError);
    this.#touch = touch;
  }

  override after(delayMs: number, run: () => void): Disposable {
    return super.after(delayMs, () => {
      run();
      this.#touch();
    });
  }
}

function createHierarchical(options: AllocatorOptions): Allocator {
  return new HierarchicalAllocator(options);
}
