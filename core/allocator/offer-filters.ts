/**
 * Refusals: a framework that gave resources back does not want the same, or less, of that agent in that
 * role for a while. A filter is in force until its end, and in any case until one batch has passed
 * since it was set; so even one of exactly an interval hides one batch.
 */
import type { Filters } from '../api/index.js';
import { assert } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Client } from './client.js';
import { type AllocatorConfig, MAX_FILTERS_PER_AGENT } from './config.js';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';

export interface OfferFilter extends Expiring {
  readonly client: Client;
  readonly agent: AgentEntry;
  /** What is not wanted, bound to no role. */
  readonly refused: Resources;
  /** How many batches there had been when it was set. */
  readonly batches: number;
}

/**
 * How long a refusal of an offer lasts, in milliseconds; 0: no filter. At least one allocation
 * interval, so that one batch passes.
 */
export function filterDurationMs(filters: Filters, config: AllocatorConfig): number {
  const wanted = refusalDurationMs(filters, config);
  return wanted === 0 ? 0 : Math.max(wanted, config.allocationIntervalMs);
}

/**
 * How long a framework wants not to be asked again, in milliseconds. A time that is not stated,
 * negative or not a number means the default; others are at most the maximum.
 */
export function refusalDurationMs(filters: Filters, config: AllocatorConfig): number {
  const stated = (filters.refuse_seconds ?? Number.NaN) * 1000;
  if (stated === 0) return 0;
  return stated > 0 ? Math.min(stated, config.maxFilterMs) : config.defaultFilterMs;
}

/** Whether the filter is not in force any more; `expire` forgets it then. */
export function isOver(
  { endMs, batches }: OfferFilter,
  nowMs: number,
  batchesNow: number,
): boolean {
  return endMs <= nowMs && batches !== batchesNow;
}

/** All filters: by agent, by client, and by their end. */
export class OfferFilters {
  /** At most MAX_FILTERS_PER_AGENT for each client. */
  readonly #ofAgent = new Map<AgentEntry, Map<Client, readonly OfferFilter[]>>();
  readonly #agentsOf = new Map<Client, Set<AgentEntry>>();
  readonly #queue = new ExpiryQueue<OfferFilter>();
  readonly #onLapsed: (agent: AgentEntry) => void;

  /** @param onLapsed called for the agent of each filter that ends by itself or by `dropOfAgent`. */
  constructor(onLapsed: (agent: AgentEntry) => void) {
    this.#onLapsed = onLapsed;
  }

  /**
   * Adds a filter. Weaker ones of the pair (refusing no more, ending no later) go; of too many, the
   * one that ends first.
   */
  add(filter: Omit<OfferFilter, 'isDropped'>): void {
    const { client, agent } = filter;
    for (const old of this.#list(agent, client)) {
      if (old.endMs <= filter.endMs && filter.refused.contains(old.refused)) this.#drop(old);
    }
    const rest = this.#list(agent, client);
    if (rest.length >= MAX_FILTERS_PER_AGENT) {
      this.#drop(rest.reduce((first, old) => (old.endMs < first.endMs ? old : first)));
    }
    const added = { ...filter, isDropped: false };
    memberOf(this.#ofAgent, agent, () => new Map()).set(client, [
      ...this.#list(agent, client),
      added,
    ]);
    memberOf(this.#agentsOf, client, () => new Set()).add(agent);
    client.filterCount++;
    this.#queue.push(added);
  }

  /** Forgets what has ended. After this, every filter that is left is in force. */
  expire(nowMs: number, batches: number): void {
    for (const filter of this.#queue.takeEnded(nowMs)) {
      if (!isOver(filter, nowMs, batches)) {
        this.#queue.push(filter);
        continue;
      }
      filter.isDropped = true;
      this.#forget(filter);
      this.#onLapsed(filter.agent);
    }
  }

  /** Whether the client refused what contains the candidate. */
  isRefused(client: Client, agent: AgentEntry, candidate: Resources): boolean {
    if (client.filterCount === 0) return false;
    return this.#list(agent, client).some(({ refused }) => refused.contains(candidate));
  }

  /** The filters of a client on an agent. Some may have ended: see `isOver`. */
  of(client: Client, agent: AgentEntry): readonly OfferFilter[] {
    return client.filterCount === 0 ? NONE : this.#list(agent, client);
  }

  /** Forgets all filters of a client. */
  dropOfClient(client: Client): void {
    for (const agent of this.#agentsOf.get(client) ?? []) {
      for (const filter of this.#list(agent, client)) this.#drop(filter);
    }
  }

  /** Forgets all filters on an agent. */
  dropOfAgent(agent: AgentEntry): void {
    const lists = this.#ofAgent.get(agent);
    if (lists === undefined) return;
    for (const list of lists.values()) {
      for (const filter of list) this.#drop(filter);
    }
    this.#onLapsed(agent);
  }

  #drop(filter: OfferFilter): void {
    filter.isDropped = true;
    this.#queue.noteDropped();
    this.#forget(filter);
  }

  #forget(filter: OfferFilter): void {
    const { agent, client } = filter;
    const lists = this.#ofAgent.get(agent);
    const list = lists?.get(client);
    if (lists === undefined || list?.includes(filter) !== true) {
      assert(lists, `filters on agent ${agent.id} are lost`);
      assert(list?.includes(filter) === true, `a filter on agent ${agent.id} is lost`);
    }
    client.filterCount--;
    if (list.length > 1) {
      lists.set(
        client,
        list.filter((other) => other !== filter),
      );
      return;
    }
    lists.delete(client);
    if (lists.size === 0) this.#ofAgent.delete(agent);
    const agents = this.#agentsOf.get(client);
    agents?.delete(agent);
    if (agents?.size === 0) this.#agentsOf.delete(client);
  }

  #list(agent: AgentEntry, client: Client): readonly OfferFilter[] {
    return this.#ofAgent.get(agent)?.get(client) ?? NONE;
  }
}

const NONE: readonly OfferFilter[] = [];

function memberOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
