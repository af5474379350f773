/**
 * Asks the resource estimator, and tells the master by how much the agent is oversubscribed in all:
 * what the estimator would add, and what revocable tasks hold already. The master is told when the
 * agent registers, and whenever that has changed.
 */
import type { Resource } from '../api/index.js';
import { type Timers, type World, errorMessage } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentConfig } from './config.js';
import {
  type ResourceEstimator,
  type ResourceUsage,
  fixedEstimator,
  resourceUsage,
  revocableResources,
} from './estimator.js';
import type { AgentState } from './state.js';

export interface OversubscriptionOptions {
  readonly world: World;
  readonly timers: Timers;
  readonly config: AgentConfig;
  readonly state: AgentState;
  /** Undefined: nothing is oversubscribed, but for what revocable tasks hold already. */
  readonly estimator: ResourceEstimator | undefined;
  /** All that the agent has. */
  readonly total: () => Resources;
  /** Sends to the master; false: the agent is not registered. */
  readonly send: (resources: readonly Resource[]) => boolean;
}

export class Oversubscription {
  readonly #options: OversubscriptionOptions;
  /** As the estimator saw it last; undefined until it has. */
  #total: Resources | undefined;
  /** What the master knows. */
  #told = Resources.EMPTY;
  #isAsking = false;

  constructor(options: OversubscriptionOptions) {
    this.#options = options;
  }

  /** By how much the agent is oversubscribed: at the least what revocable tasks hold. */
  get total(): Resources {
    return this.#total ?? this.#usedBy(this.#usage());
  }

  /** Asks for the first time, and from then on in each interval. */
  start(): void {
    const { config, timers } = this.#options;
    // Without one, what runs from before counts until it has ended.
    if (this.#options.estimator === undefined && this.total.isEmpty) return;
    const estimator = this.#options.estimator ?? fixedEstimator([]);
    const ask = (): void => {
      if (!this.#isAsking) void this.#ask(estimator);
      else this.#warn('the resource estimator has not answered yet');
    };
    ask();
    timers.every(config.oversubscribedResourcesIntervalMs, ask);
  }

  /** What a master is told with the registration. */
  introduce(): readonly Resource[] {
    this.#told = this.total;
    return this.#told.toWire();
  }

  /** The agent is registered: what has changed since it introduced itself is told now. */
  registered(): void {
    this.#tell();
  }

  async #ask(estimator: ResourceEstimator): Promise<void> {
    const { timers } = this.#options;
    const usage = this.#usage();
    this.#isAsking = true;
    try {
      const more = revocableResources(await estimator.oversubscribable(usage));
      if (timers.isDisposed) return;
      this.#total = more.plus(this.#usedBy(usage));
      this.#tell();
    } catch (error) {
      this.#warn(errorMessage(error));
    } finally {
      this.#isAsking = false;
    }
  }

  #usage(): ResourceUsage {
    return resourceUsage(this.#options.state, this.#options.total());
  }

  #usedBy({ used }: ResourceUsage): Resources {
    return Resources.fromWire(used).revocable();
  }

  #tell(): void {
    const total = this.#total;
    if (total === undefined || total.equals(this.#told)) return;
    if (this.#options.send(total.toWire())) this.#told = total;
  }

  #warn(reason: string): void {
    const { world } = this.#options;
    world.log.warn('the resource estimator failed: its last estimate stays', { reason });
  }
}
