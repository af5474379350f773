/**
 * The world of one simulated process. When the process dies, all of its timers die with it and no
 * new one starts, whatever its promises still do.
 */
import { type Clock, type Disposable, type Logger, SeededIds, type World } from '../base/index.js';
import type { VirtualWorld } from '../base/index.js';

export interface ProcessWorldOptions {
  readonly world: VirtualWorld;
  /** Names the randomness of this process: unique for each incarnation. */
  readonly name: string;
  readonly log: Logger;
  /** Called before each event of the process. */
  readonly beforeEvent: () => void;
}

/** A world whose clock can be stopped for good. */
export interface ProcessWorld extends World {
  readonly clock: ProcessClock;
}

export function processWorld(options: ProcessWorldOptions): ProcessWorld {
  const { world, name, log, beforeEvent } = options;
  const random = world.random.fork(name);
  return {
    clock: new ProcessClock(world.clock, beforeEvent),
    random,
    ids: new SeededIds(random.fork('ids')),
    log: log.child({ process: name }),
  };
}

const NO_TIMER: Disposable = { dispose() {} };

export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #beforeEvent: () => void;
  #isDead = false;

  constructor(clock: Clock, beforeEvent: () => void) {
    this.#clock = clock;
    this.#beforeEvent = beforeEvent;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  now(): number {
    return this.#clock.now();
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    if (this.#isDead) return NO_TIMER;
    return this.#clock.setTimer(delayMs, () => {
      if (this.#isDead) return;
      this.#beforeEvent();
      callback();
    });
  }

  /** The process dies: nothing of it happens any more. What it has armed runs out unheard. */
  kill(): void {
    this.#isDead = true;
  }
}
