/** Those who wait for the ends of containers, by the ids under which these run. */
import type { ContainerId } from '../base/index.js';
import type { ContainerExit } from './api-container.js';

/** An end that is awaited. Forgetting it is how to stop waiting. */
export interface AwaitedEnd {
  readonly exit: Promise<ContainerExit>;
  forget(): void;
}

type Waiter = (exit: ContainerExit) => void;

export class ContainerWaiters {
  readonly #waiters = new Map<ContainerId, Set<Waiter>>();

  /** Waits for the end of a container that runs. */
  add(runId: ContainerId): AwaitedEnd {
    const waiters = this.#waiters.get(runId) ?? new Set<Waiter>();
    this.#waiters.set(runId, waiters);
    let forget = (): void => undefined;
    const exit = new Promise<ContainerExit>((resolve) => {
      waiters.add(resolve);
      forget = () => {
        waiters.delete(resolve);
        if (waiters.size === 0) this.#waiters.delete(runId);
      };
    });
    return { exit, forget };
  }

  /** Tells all who wait for this one. */
  answer(runId: ContainerId, exit: ContainerExit): void {
    const waiters = this.#waiters.get(runId) ?? [];
    this.#waiters.delete(runId);
    for (const waiter of waiters) waiter(exit);
  }
}
