/** Probes of checks on a real host, of every type; all of them end when it is closed. */
import type { ProbeListener, ProbeSpec } from '../agent/index.js';
import { type Disposable, toDisposable } from '../base/index.js';
import type { CommandProbes } from './command-probes.js';
import { probeHttp, probeTcp } from './network-probes.js';

export class Probes {
  readonly #commands: CommandProbes;
  readonly #running = new Set<Disposable>();
  #isClosed = false;

  constructor(commands: CommandProbes) {
    this.#commands = commands;
  }

  /** Probes once; after `close` nothing comes of it. */
  start(spec: ProbeSpec, listener: ProbeListener): Disposable {
    if (this.#isClosed) return toDisposable(() => {});
    const running = this.#begin(spec, {
      begun: () => listener.begun(),
      done: (outcome) => {
        this.#running.delete(owned);
        listener.done(outcome);
      },
    });
    const owned = toDisposable(() => {
      this.#running.delete(owned);
      running.dispose();
    });
    this.#running.add(owned);
    return owned;
  }

  /** Gives up all probes. */
  close(): void {
    this.#isClosed = true;
    for (const probe of this.#running) probe.dispose();
    this.#commands.close();
  }

  #begin(spec: ProbeSpec, listener: ProbeListener): Disposable {
    switch (spec.type) {
      case 'COMMAND':
        return this.#commands.start(spec, listener);
      case 'HTTP':
        return probeHttp(spec, listener);
      case 'TCP':
        return probeTcp(spec, listener);
    }
  }
}
