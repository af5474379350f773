/**
 * The agent of the model: its tasks progress at a speed that depends on what else runs there. Where
 * nothing is overcommitted, each takes exactly its duration.
 */
import { type Clock, type Disposable } from '../../../core/base/index.js';
import { type Amounts, plus } from './amounts.js';

/** The speed of a task, 1 where nothing disturbs it. */
export type SpeedModel = (usage: Amounts, load: Amounts, capacity: Amounts) => number;

/** For agents that are never overcommitted. */
export const FULL_SPEED: SpeedModel = () => 1;

interface RunningTask {
  readonly usage: Amounts;
  readonly onEnd: () => void;
  remainingMs: number;
  speed: number;
  sinceMs: number;
  timer: Disposable | undefined;
}

export class AgentModel {
  readonly #clock: Clock;
  readonly #capacity: Amounts;
  readonly #speedOf: SpeedModel;
  readonly #tasks = new Set<RunningTask>();
  #load: Amounts = {};

  constructor(clock: Clock, capacity: Amounts, speedOf: SpeedModel) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#speedOf = speedOf;
  }

  /** Starts a task that takes this long at full speed; the others feel it. */
  start(usage: Amounts, durationMs: number, onEnd: () => void): void {
    const sinceMs = this.#clock.elapsed();
    const task = { usage, onEnd, remainingMs: durationMs, speed: 0, sinceMs, timer: undefined };
    this.#tasks.add(task);
    this.#load = plus(this.#load, usage);
    this.#adjust();
  }

  #end(task: RunningTask): void {
    this.#tasks.delete(task);
    this.#load = this.#tasks.size === 0 ? {} : plus(this.#load, task.usage, -1);
    this.#adjust();
    task.onEnd();
  }

  /** Brings all speeds in line with the load. */
  #adjust(): void {
    const nowMs = this.#clock.elapsed();
    for (const task of this.#tasks) {
      const speed = this.#speedOf(task.usage, this.#load, this.#capacity);
      if (speed === task.speed) continue;
      task.remainingMs -= (nowMs - task.sinceMs) * task.speed;
      task.sinceMs = nowMs;
      task.speed = speed;
      task.timer?.dispose();
      const delayMs = Math.max(0, task.remainingMs) / speed;
      task.timer = this.#clock.setTimer(delayMs, () => this.#end(task));
    }
  }
}
