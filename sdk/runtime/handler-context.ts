/** The context that handlers are given: the runtime, as far as it is theirs. */
import type { Ids, Logger, Random, World } from '../../core/base/index.js';
import { type Decision, NO_TASKS, type TaskView } from '../decisions/index.js';
import type { ConnectionState, Context, HandlerClock } from '../framework/index.js';
import type { RuntimeCore } from './runtime-core.js';

export interface HandlerContextOptions {
  readonly core: () => RuntimeCore | undefined;
  readonly decide: (decision: Decision) => Promise<void>;
}

export class HandlerContext implements Context {
  readonly clock: HandlerClock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Logger;
  readonly #core: () => RuntimeCore | undefined;
  readonly #decide: (decision: Decision) => Promise<void>;

  constructor(world: World, options: HandlerContextOptions) {
    this.clock = world.clock;
    this.random = world.random.fork('handlers');
    this.ids = world.ids;
    this.log = world.log;
    this.#core = options.core;
    this.#decide = options.decide;
  }

  get frameworkId(): string | undefined {
    return this.#core()?.connection.frameworkId;
  }

  get connection(): ConnectionState {
    return this.#core()?.parts.subscription.state ?? 'standby';
  }

  get tasks(): TaskView {
    return this.#core()?.parts.ledger ?? NO_TASKS;
  }

  isReconciled(taskId: string): boolean {
    const parts = this.#core()?.parts;
    if (parts === undefined || parts.subscription.state !== 'subscribed') return false;
    return parts.reconciliation.isAnswered(taskId);
  }

  decide(decision: Decision): Promise<void> {
    return this.#decide(decision);
  }
}
