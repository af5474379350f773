/**
 * Inverse offers: of agents that are to be maintained, everything is asked back from all who hold
 * anything. Each framework is asked once, until it answers; an answer may say when to ask again, else
 * the next run asks. A changed window starts anew.
 */
import type { AllocatorInverseOfferStatusStatus, Unavailability } from '../api/index.js';
import type { AgentId, FrameworkId } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { InverseAllocation } from './allocator.js';
import type { FrameworkEntry } from './client.js';

/** What a framework was asked and has answered about one agent. */
interface Asked {
  isOutstanding: boolean;
  /** Not to be asked before this, on the monotonic clock. */
  silentUntilMs: number;
  status: AllocatorInverseOfferStatusStatus | undefined;
}

interface Window {
  readonly unavailability: Unavailability;
  readonly asked: Map<FrameworkId, Asked>;
}

export interface InverseOfferAnswer {
  /** Undefined: it timed out or was taken back. */
  readonly status: AllocatorInverseOfferStatusStatus | undefined;
  /** On the monotonic clock; undefined: ask again at once. */
  readonly silentUntilMs: number | undefined;
}

export class InverseOffers {
  readonly #windows = new Map<AgentEntry, Window>();

  /** Sets the time at which the agent is to be maintained; undefined: not at all. */
  setWindow(agent: AgentEntry, unavailability: Unavailability | undefined): void {
    if (unavailability === undefined) this.#windows.delete(agent);
    else this.#windows.set(agent, { unavailability, asked: new Map() });
  }

  /** The framework has answered; nothing happens if the agent is not to be maintained any more. */
  answer(agent: AgentEntry, frameworkId: FrameworkId, answer: InverseOfferAnswer): void {
    const window = this.#windows.get(agent);
    if (window === undefined) return;
    const known = window.asked.get(frameworkId);
    window.asked.set(frameworkId, {
      isOutstanding: false,
      silentUntilMs: answer.silentUntilMs ?? Number.NEGATIVE_INFINITY,
      status: answer.status ?? known?.status,
    });
  }

  /** The framework may be asked again at once, though it said when; what is outstanding stays. */
  revive(frameworkId: FrameworkId): void {
    for (const { asked } of this.#windows.values()) {
      const known = asked.get(frameworkId);
      if (known !== undefined) known.silentUntilMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** The framework has disconnected: what it was asked is lost. */
  disconnect(frameworkId: FrameworkId): void {
    for (const { asked } of this.#windows.values()) {
      const known = asked.get(frameworkId);
      if (known === undefined) continue;
      known.isOutstanding = false;
      known.silentUntilMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** The framework is gone. */
  forget(frameworkId: FrameworkId): void {
    for (const { asked } of this.#windows.values()) asked.delete(frameworkId);
  }

  /** Whom to ask now, of the given agents; they count as asked from now on. */
  collect(
    candidates: 'all' | Iterable<AgentEntry>,
    frameworks: ReadonlyMap<FrameworkId, FrameworkEntry>,
    nowMs: number,
  ): InverseAllocation[] {
    if (this.#windows.size === 0) return [];
    const agents = candidates === 'all' ? this.#windows.keys() : candidates;
    const inverse: InverseAllocation[] = [];
    for (const agent of agents) {
      const window = this.#windows.get(agent);
      if (window === undefined) continue;
      for (const frameworkId of agent.held.keys()) {
        if (frameworks.get(frameworkId)?.isActive !== true) continue;
        const known = window.asked.get(frameworkId);
        if (known !== undefined && (known.isOutstanding || nowMs < known.silentUntilMs)) continue;
        window.asked.set(frameworkId, {
          isOutstanding: true,
          silentUntilMs: Number.NEGATIVE_INFINITY,
          status: known?.status,
        });
        const { unavailability } = window;
        inverse.push({ frameworkId, agentId: agent.id, unavailability });
      }
    }
    return inverse;
  }

  /** The last answers by agent and framework. */
  statuses(): Map<AgentId, Map<FrameworkId, AllocatorInverseOfferStatusStatus>> {
    const statuses = new Map<AgentId, Map<FrameworkId, AllocatorInverseOfferStatusStatus>>();
    for (const [agent, { asked }] of this.#windows) {
      const answers = [...asked].flatMap(([frameworkId, { status }]) =>
        status === undefined ? [] : [[frameworkId, status] as const],
      );
      if (answers.length > 0) statuses.set(agent.id, new Map(answers));
    }
    return statuses;
  }
}
