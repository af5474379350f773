/**
 * Agents that ran tasks: each gets a number, so that an attempt can name its agent in a few characters. Also
 * who has offered something of late.
 */
import type { OfferView, Repository } from '../../sdk/index.js';
import { AGENT_SEEN_MS, MAX_REMEMBERED_AGENTS } from './limits.js';

export interface AgentRecord {
  readonly number: number;
  readonly hostname: string;
  /** `http://host:port`, as far as it was told. */
  readonly address?: string | undefined;
}

/** An agent, for people and programs. */
export interface AgentName {
  readonly agentId: string;
  readonly hostname: string;
  readonly address?: string | undefined;
}

export class AgentBook {
  readonly #stored: Repository<AgentRecord>;
  /** By number, the one that was numbered first first. */
  readonly #ids = new Map<number, string>();
  readonly #seenAt = new Map<string, number>();
  #last = 0;

  constructor(stored: Repository<AgentRecord>) {
    this.#stored = stored;
    const known = stored.entries().toSorted(([, one], [, other]) => one.number - other.number);
    for (const [id, { number }] of known) this.#ids.set(number, id);
    this.#last = known.at(-1)?.[1].number ?? 0;
  }

  /** The number of the agent of an offer; it is remembered. */
  numberOf(view: OfferView): number {
    const { agentId, hostname } = view;
    const address = addressOf(view);
    const known = this.#stored.get(agentId);
    if (known !== undefined && known.address === address) return known.number;
    const number = known?.number ?? this.#last + 1;
    this.#last = Math.max(this.#last, number);
    this.#stored.set(agentId, { number, hostname, ...(address === undefined ? {} : { address }) });
    this.#ids.set(number, agentId);
    this.#forgetOldest();
    return number;
  }

  /** The number of an agent that is known; 0: it is not. */
  knownNumber(agentId: string): number {
    return this.#stored.get(agentId)?.number ?? 0;
  }

  idOf(number: number): string | undefined {
    return this.#ids.get(number);
  }

  /** Undefined: it was so long ago that it is forgotten. */
  nameOf(number: number): AgentName | undefined {
    const agentId = this.#ids.get(number);
    const record = agentId === undefined ? undefined : this.#stored.get(agentId);
    if (agentId === undefined || record === undefined) return undefined;
    const { hostname, address } = record;
    return { agentId, hostname, ...(address === undefined ? {} : { address }) };
  }

  /** Notes who offers something. */
  noteOffers(views: Iterable<OfferView>, nowMs: number): void {
    for (const { agentId } of views) {
      this.#seenAt.delete(agentId);
      this.#seenAt.set(agentId, nowMs);
    }
    for (const [agentId, at] of this.#seenAt) {
      if (at + AGENT_SEEN_MS > nowMs && this.#seenAt.size <= MAX_REMEMBERED_AGENTS) break;
      this.#seenAt.delete(agentId);
    }
  }

  /** Whether there are others that could be used instead of one. */
  hasOthers(agentId: string): boolean {
    return this.#seenAt.size > (this.#seenAt.has(agentId) ? 1 : 0);
  }

  #forgetOldest(): void {
    for (const [number, agentId] of this.#ids) {
      if (this.#ids.size <= MAX_REMEMBERED_AGENTS) return;
      this.#ids.delete(number);
      this.#stored.delete(agentId);
    }
  }
}

function addressOf({ offer }: OfferView): string | undefined {
  const { url } = offer;
  if (url === undefined) return undefined;
  const { hostname, ip, port } = url.address;
  const host = ip ?? hostname;
  return host === undefined ? undefined : `${url.scheme}://${host}:${port}`;
}
