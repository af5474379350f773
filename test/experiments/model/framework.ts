/**
 * What frameworks of the experiments are written against. The same framework runs on the simulated
 * cluster (`simulated-host.ts`) and on the model around the allocator (`allocator-host.ts`).
 */
import type { Amounts } from './amounts.js';

/** Free resources of one agent. Nothing obliges a framework to answer at once: it may hold it. */
export interface OfferView {
  readonly id: string;
  readonly agentId: string;
  readonly free: Amounts;
}

export interface TaskRequest {
  /** Unique within the framework. */
  readonly id: string;
  /** What the allocator counts for it. */
  readonly demand: Amounts;
  /** What it really uses: the same, unless the policy counts only a part of it, or slots. */
  readonly usage: Amounts;
  /** How long it takes on an agent that is not overcommitted. */
  readonly durationMs: number;
}

/** How a framework acts on its cluster. */
export interface FrameworkPort {
  nowMs(): number;
  setTimer(delayMs: number, callback: () => void): void;
  /** Launches on an offer, which may be without tasks; the rest of it is given back. */
  accept(offer: OfferView, tasks: readonly TaskRequest[]): void;
  /** Gives an offer back and does not want the same for a while. */
  decline(offer: OfferView, refuseSeconds: number): void;
  /** No offers from now on. */
  suppress(): void;
  /** Offers again, whatever was refused before. */
  revive(): void;
}

export interface Framework {
  readonly name: string;
  /** It is subscribed. Called once, before anything else. */
  start(port: FrameworkPort): void;
  offered(offers: readonly OfferView[]): void;
  taskEnded(taskId: string): void;
}

/** A cluster on virtual time that frameworks run on. */
export interface Host {
  /** What it is made of, in words for the reader of a table. */
  readonly description: string;
  readonly book: UsageBook;
  nowMs(): number;
  add(framework: Framework): void;
  advance(durationMs: number): Promise<void>;
}

/** What the running tasks of each framework use now. */
export class UsageBook {
  readonly #used = new Map<string, Record<string, number>>();

  started(framework: string, usage: Amounts): void {
    this.#add(framework, usage, 1);
  }

  ended(framework: string, usage: Amounts): void {
    this.#add(framework, usage, -1);
  }

  /** By one framework, or by all. */
  used(resource: string, framework?: string): number {
    if (framework !== undefined) return this.#used.get(framework)?.[resource] ?? 0;
    let sum = 0;
    for (const amounts of this.#used.values()) sum += amounts[resource] ?? 0;
    return sum;
  }

  #add(framework: string, usage: Amounts, sign: 1 | -1): void {
    const amounts = this.#used.get(framework) ?? {};
    for (const [name, value] of Object.entries(usage)) {
      amounts[name] = (amounts[name] ?? 0) + sign * value;
    }
    this.#used.set(framework, amounts);
  }
}
