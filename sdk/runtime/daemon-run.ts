/** One run of a daemon as its method sees it. What it began by this context ends with the run. */
import type { Clock, Disposable, World } from '../../core/base/index.js';
import { type Duration, durationMs } from '../decisions/index.js';
import type { DaemonContext } from '../framework/index.js';
import { HandlerContext, type HandlerContextOptions } from './handler-context.js';

export interface DaemonPort extends HandlerContextOptions {
  readonly turn: <T>(run: () => T | Promise<T>) => Promise<T>;
}

/** Shortest sleep in milliseconds: a loop that waits for nothing would keep time from passing. */
const LEAST_SLEEP_MS = 1;

export class DaemonRun extends HandlerContext implements DaemonContext {
  readonly turn: DaemonPort['turn'];
  readonly #clock: Clock;
  readonly #end = new AbortController();
  readonly #sleeping = new Map<Disposable, (reason: Error) => void>();

  constructor(world: World, port: DaemonPort) {
    super(world, port);
    this.turn = port.turn;
    this.#clock = world.clock;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  sleep(duration: Duration): Promise<void> {
    const slept = new Promise<void>((resolve, reject) => {
      const waitMs = Math.max(LEAST_SLEEP_MS, durationMs(duration));
      this.signal.throwIfAborted();
      const timer = this.#clock.setTimer(waitMs, () => {
        this.#sleeping.delete(timer);
        resolve();
      });
      this.#sleeping.set(timer, reject);
    });
    // One that nobody awaits is no fault.
    slept.catch(() => undefined);
    return slept;
  }

  /** The run is over, or is to be: nothing of it sleeps any more. */
  end(reason: Error): void {
    if (this.signal.aborted) return;
    this.#end.abort(reason);
    for (const [timer, wake] of this.#sleeping) {
      timer.dispose();
      wake(reason);
    }
    this.#sleeping.clear();
  }
}
