/**
 * On which agents each framework, known to the allocator or not, holds anything. Agents are only added
 * to the lists; what is given back is left in them until it is half of a list. Offers come and go by
 * ten thousands, and nobody reads the lists but for frameworks that come or go.
 */
import type { FrameworkId } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';

/** Below this many entries, those that are over are left in a list. */
const MIN_ENTRIES_TO_COMPACT = 16;

interface HoldingList {
  /** Agents on which it holds, or held, something; the same may be there several times. */
  agents: AgentEntry[];
  /** On how many it does hold something. */
  count: number;
}

export class Holdings {
  readonly #lists = new Map<FrameworkId, HoldingList>();

  /** The framework holds something on the agent, where it held nothing. */
  add(frameworkId: FrameworkId, agent: AgentEntry): void {
    const list = this.#lists.get(frameworkId);
    if (list === undefined) {
      this.#lists.set(frameworkId, { agents: [agent], count: 1 });
      return;
    }
    list.count++;
    list.agents.push(agent);
    if (list.agents.length >= MIN_ENTRIES_TO_COMPACT && list.agents.length > 2 * list.count) {
      list.agents = present(frameworkId, list);
    }
  }

  /** The framework holds nothing on one of its agents any more. */
  delete(frameworkId: FrameworkId): void {
    const list = this.#lists.get(frameworkId);
    if (list === undefined) return;
    list.count--;
    if (list.count === 0) this.#lists.delete(frameworkId);
  }

  /** The agents on which the framework holds anything, in the order in which it came to. */
  agentsOf(frameworkId: FrameworkId): readonly AgentEntry[] {
    const list = this.#lists.get(frameworkId);
    return list === undefined ? [] : present(frameworkId, list);
  }
}

function present(frameworkId: FrameworkId, { agents }: HoldingList): AgentEntry[] {
  return [...new Set(agents)].filter(({ held }) => held.has(frameworkId));
}
