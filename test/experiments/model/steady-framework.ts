/** A framework that always has tasks to launch, whose demand changes at fixed times. */
import type { Random } from '../../../core/base/index.js';
import { type Amounts, countFitting } from './amounts.js';
import type { Framework, FrameworkPort, OfferView, TaskRequest } from './framework.js';
import { spreadLength } from './jobs.js';

export interface SteadyFrameworkOptions {
  readonly name: string;
  /** Mean length of its tasks. */
  readonly taskMs: number;
  readonly random: Random;
  readonly demandAt: (nowMs: number) => Amounts;
  /** When the demand changes: what was refused before may be wanted then. */
  readonly changesMs: readonly number[];
}

/** What does not fit is refused for this long; what is larger comes all the same. */
const REFUSE_SECONDS = 30;
/** Lengths of tasks differ from the mean by up to this part. */
const SPREAD = 0.1;

export class SteadyFramework implements Framework {
  readonly name: string;
  readonly #options: SteadyFrameworkOptions;
  #port: FrameworkPort | undefined;
  #launched = 0;

  constructor(options: SteadyFrameworkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  start(port: FrameworkPort): void {
    this.#port = port;
    for (const atMs of this.#options.changesMs) {
      if (atMs > port.nowMs()) port.setTimer(atMs - port.nowMs(), () => port.revive());
    }
  }

  offered(offers: readonly OfferView[]): void {
    const port = this.#port;
    if (port === undefined) return;
    const demand = this.#options.demandAt(port.nowMs());
    for (const offer of offers) {
      const count = countFitting(offer.free, demand);
      if (count === 0) port.decline(offer, REFUSE_SECONDS);
      else
        port.accept(
          offer,
          Array.from({ length: count }, () => this.#task(demand)),
        );
    }
  }

  taskEnded(): void {
    // Whatever it leaves is offered anew, and used then.
  }

  #task(demand: Amounts): TaskRequest {
    const { random, taskMs } = this.#options;
    const taskId = `${this.name}.${this.#launched++}`;
    return { id: taskId, demand, usage: demand, durationMs: spreadLength(random, taskMs, SPREAD) };
  }
}
