/** What all parts of one master share. */
import type { MasterInfo, SchedulerEvent } from '../api/index.js';
import type { Allocator } from '../allocator/index.js';
import type { AgentId, FrameworkId, Logger, World, TimeoutQueue, Timers } from '../base/index.js';
import type { Agent } from './agent.js';
import type { Cluster } from './cluster.js';
import type { MasterConfig } from './config.js';
import type { Framework, OutstandingOffer } from './framework.js';
import type { Metrics } from './metrics.js';
import type { AgentConnection, MasterObservation, SchedulerStream } from './ports.js';
import type { OfferWriters } from './offer-messages.js';
import type { OperatorChanges } from './operator-changes.js';
import type { Registry } from './registry.js';

export interface MasterContext {
  readonly world: World;
  readonly log: Logger;
  readonly config: MasterConfig;
  readonly cluster: Cluster;
  readonly registry: Registry;
  readonly operatorChanges: OperatorChanges;
  readonly allocator: Allocator;
  readonly metrics: Metrics;
  readonly timers: Timers;
  /** Of the length of the offer timeout. */
  readonly offerTimeouts: TimeoutQueue<OutstandingOffer>;
  readonly offerWriters: OfferWriters;
  readonly info: MasterInfo;
  /** Numbers for the next ids. */
  readonly next: { framework: number; agent: number; offer: number };
  /** Subscriptions whose framework is being recorded. */
  readonly pendingStreams: Map<SchedulerStream, FrameworkId>;
  readonly pendingAgents: PendingAgents;
  /** The last task, executor or operation of an agent may have left the books. */
  agentEmptied(agent: Agent): void;
  /** Tells those who observe. */
  notify(observation: MasterObservation): void;
}

/** Registrations that wait for the registry. */
export interface PendingAgents {
  /** New agents by `host:port`: the id that they get, and the connection that asked last. */
  readonly registering: Map<
    string,
    { readonly agentId: AgentId; connection: AgentConnection | undefined }
  >;
  /**
   * Agents that something is being written about. They cannot come back meanwhile: the latest
   * request to do so waits here.
   */
  readonly writing: Map<AgentId, WaitingRequest | undefined>;
  /** Those of them that are being marked gone. */
  readonly markingGone: Set<AgentId>;
}

/** A request that is repeated when the write is durable, unless its connection has ended. */
export interface WaitingRequest {
  readonly connection: AgentConnection;
  readonly repeat: () => void;
}

/** Sends an event if the framework is connected; otherwise it learns by retry or reconciliation. */
export function sendEvent(framework: Framework, event: SchedulerEvent): void {
  const { stream } = framework;
  if (stream === undefined) return;
  framework.counts.event(event);
  stream.send(event);
}

/** Seconds since 1970, as messages carry them. */
export function nowSeconds(context: MasterContext): number {
  return Math.round(context.world.clock.now() * 1000) / 1e6;
}
