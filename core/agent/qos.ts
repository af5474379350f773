/**
 * Quality of service: when tasks on lent resources are in the way of others, a QoS controller has them
 * ended. This file has the interface of controllers, and asks the one that the agent was given.
 */
import { type Timers, type World, errorMessage, id } from '../base/index.js';
import type { AgentConfig } from './config.js';
import type { Endings } from './endings.js';
import type { ResourceUsage } from './estimator.js';

/** Something that a controller wants done: an executor is killed at once, with its tasks. */
export interface QosCorrection {
  readonly kind: 'kill';
  readonly frameworkId: string;
  /** Of a command task: its own id. */
  readonly executorId: string;
}

/**
 * Says who has to end. It is asked when the agent starts, and again when its answer has come and
 * `--qos_correction_interval_min` is over. When it throws or rejects, that is logged and nothing ends.
 */
export interface QosController {
  /** Whom to end now; a promise may wait until there is somebody. */
  corrections(usage: ResourceUsage): readonly QosCorrection[] | Promise<readonly QosCorrection[]>;
}

/** Least time between questions to the controller: one that always answers at once takes no more. */
export const MIN_QOS_INTERVAL_MS = 100;

/** Most corrections of one answer that are done; the others can be asked for again. */
export const MAX_QOS_CORRECTIONS = 1_000;

export interface QualityOfServiceOptions {
  readonly world: World;
  readonly timers: Timers;
  readonly config: AgentConfig;
  readonly endings: Endings;
  /** Undefined: nobody is ended. */
  readonly controller: QosController | undefined;
  readonly usage: () => ResourceUsage;
}

export class QualityOfService {
  readonly #options: QualityOfServiceOptions;

  constructor(options: QualityOfServiceOptions) {
    this.#options = options;
  }

  /** Asks for the first time, and from then on after each answer. */
  start(): void {
    const { controller } = this.#options;
    if (controller !== undefined) void this.#ask(controller);
  }

  async #ask(controller: QosController): Promise<void> {
    const { config, timers, usage, world } = this.#options;
    try {
      const corrections = await controller.corrections(usage());
      if (timers.isDisposed) return;
      for (const correction of corrections.slice(0, MAX_QOS_CORRECTIONS)) this.#correct(correction);
    } catch (error) {
      world.log.warn('the QoS controller failed', { reason: errorMessage(error) });
    }
    const waitMs = Math.max(config.qosCorrectionIntervalMinMs, MIN_QOS_INTERVAL_MS);
    timers.after(waitMs, () => void this.#ask(controller));
  }

  #correct({ frameworkId, executorId }: QosCorrection): void {
    const { endings, world } = this.#options;
    const done = endings.preempt(id<'FrameworkId'>(frameworkId), id<'ExecutorId'>(executorId));
    const what = done ? 'preempted an executor' : 'ignoring a correction of an unknown executor';
    world.log.info(what, { framework: frameworkId, executor: executorId });
  }
}
