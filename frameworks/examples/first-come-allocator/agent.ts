/** The books of one agent: what it has, and which framework holds what of it. */
import {
  type AgentAllocationState,
  type AgentId,
  type FrameworkId,
  Resources,
} from '../../../core/index.js';

export class Agent {
  readonly id: AgentId;
  state: AgentAllocationState;
  isActive = true;
  #total: Resources;
  /** Bound to the roles in which they are held, as offers are. */
  readonly #held = new Map<FrameworkId, Resources>();

  constructor(id: AgentId, state: AgentAllocationState) {
    this.id = id;
    this.state = state;
    this.#total = state.total;
  }

  /** What nobody holds, bound to no role. What is shared stays free, however many hold it. */
  get free(): Resources {
    const held = Resources.sum(this.#held.values()).unallocated();
    return this.#total.minus(held.filter((item) => !item.shared));
  }

  update(state: AgentAllocationState): void {
    this.state = state;
    this.#total = state.total;
  }

  hold(frameworkId: FrameworkId, resources: Resources): void {
    this.#held.set(frameworkId, this.#heldBy(frameworkId).plus(resources));
  }

  release(frameworkId: FrameworkId, resources: Resources): void {
    this.#held.set(frameworkId, this.#heldBy(frameworkId).minus(resources));
  }

  releaseAll(frameworkId: FrameworkId): void {
    this.#held.delete(frameworkId);
  }

  /** An operation has turned some of what the agent has into something else. */
  change(from: Resources, to: Resources): void {
    this.#total = this.#total.minus(from).plus(to);
  }

  #heldBy(frameworkId: FrameworkId): Resources {
    return this.#held.get(frameworkId) ?? Resources.EMPTY;
  }
}
