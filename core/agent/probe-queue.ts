/**
 * Bounds how many probes are under way on one agent. The others wait their turn, and to wait is no
 * failure: a probe begins when it is let through. Commands, which cost processes, have a bound of
 * their own, so that slow ones hold up no connection.
 */
import type { Disposable } from '../base/index.js';
import type { ProbeListener, ProbeSpec } from './ports.js';

/** Commands of checks that run at once. */
export const MAX_COMMAND_PROBES = 100;

/** Connections of checks that are open at once. */
export const MAX_NETWORK_PROBES = 1000;

type Start = (spec: ProbeSpec, listener: ProbeListener) => Disposable;

export class ProbeQueue {
  readonly #commands: Lane;
  readonly #connections: Lane;

  constructor(start: Start) {
    this.#commands = new Lane(start, MAX_COMMAND_PROBES);
    this.#connections = new Lane(start, MAX_NETWORK_PROBES);
  }

  /** Probes as soon as there is room. Disposing gives the probe up, wherever it is. */
  run(spec: ProbeSpec, listener: ProbeListener): Disposable {
    const lane = spec.type === 'COMMAND' ? this.#commands : this.#connections;
    return lane.add(new QueuedProbe(spec, listener, lane));
  }
}

class QueuedProbe implements Disposable {
  readonly spec: ProbeSpec;
  readonly listener: ProbeListener;
  running: Disposable | undefined;
  readonly #lane: Lane;

  constructor(spec: ProbeSpec, listener: ProbeListener, lane: Lane) {
    this.spec = spec;
    this.listener = listener;
    this.#lane = lane;
  }

  dispose(): void {
    this.#lane.remove(this);
  }
}

class Lane {
  readonly #start: Start;
  readonly #limit: number;
  readonly #waiting = new Set<QueuedProbe>();
  readonly #running = new Set<QueuedProbe>();

  constructor(start: Start, limit: number) {
    this.#start = start;
    this.#limit = limit;
  }

  add(probe: QueuedProbe): QueuedProbe {
    this.#waiting.add(probe);
    this.#letThrough();
    return probe;
  }

  /** Gives a probe up; one that has ended is gone already. */
  remove(probe: QueuedProbe): void {
    this.#waiting.delete(probe);
    if (!this.#running.delete(probe)) return;
    probe.running?.dispose();
    this.#letThrough();
  }

  #letThrough(): void {
    for (const probe of this.#waiting) {
      if (this.#running.size >= this.#limit) return;
      this.#waiting.delete(probe);
      this.#running.add(probe);
      probe.running = this.#start(probe.spec, {
        begun: () => {
          if (this.#running.has(probe)) probe.listener.begun();
        },
        done: (outcome) => {
          if (!this.#running.delete(probe)) return;
          this.#letThrough();
          probe.listener.done(outcome);
        },
      });
    }
  }
}
