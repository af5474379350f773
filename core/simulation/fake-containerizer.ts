/**
 * The containerizer of one simulated agent process: passes everything on to the launcher of its
 * host, which lives on when the agent dies. What comes back to a dead agent is dropped.
 */
import type {
  ContainerEnd,
  ContainerFate,
  Containerizer,
  ContainerSpec,
  KnownContainer,
  LaunchOutcome,
  ProbeListener,
  ProbeSpec,
  Sandboxes,
} from '../agent/index.js';
import { type ContainerId, type Disposable, toDisposable } from '../base/index.js';
import type { FakeHost } from './fake-host.js';
import type { ProcessClock } from './process-world.js';

/** Time to find the launcher after a restart. */
const RECOVERY_MS = 20;

export class FakeContainerizer implements Containerizer {
  readonly unenforced: readonly string[] = [];
  readonly #host: FakeHost;
  readonly #clock: ProcessClock;
  readonly #listeners = new Set<(containerId: ContainerId, end: ContainerEnd) => void>();

  /** `clock` is that of the agent's process. */
  constructor(host: FakeHost, clock: ProcessClock) {
    this.#host = host;
    this.#clock = clock;
  }

  recover(known: readonly KnownContainer[]): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    return new Promise((resolve) => {
      this.#clock.setTimer(RECOVERY_MS, () => {
        this.#host.cancelLaunches();
        const ids = new Set(known.map(({ containerId }) => containerId));
        for (const containerId of this.#host.containers.keys()) {
          if (!ids.has(containerId)) this.#host.kill(containerId);
        }
        this.#host.attach((containerId, end) => {
          for (const listener of this.#listeners) listener(containerId, end);
        });
        resolve(new Map(known.map(({ containerId }) => [containerId, this.#fateOf(containerId)])));
      });
    });
  }

  launch(spec: ContainerSpec): Promise<LaunchOutcome> {
    return new Promise((resolve) => {
      this.#host.launch(spec, (outcome) => {
        if (!this.#clock.isDead) resolve(outcome);
      });
    });
  }

  signal(containerId: ContainerId, signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#clock.isDead) this.#host.signal(containerId, signal);
  }

  probe(spec: ProbeSpec, listener: ProbeListener): Disposable {
    return this.#host.probe(spec, {
      begun: () => listener.begun(),
      done: (outcome) => {
        if (!this.#clock.isDead) listener.done(outcome);
      },
    });
  }

  forget(containerId: ContainerId): void {
    if (!this.#clock.isDead) this.#host.forget(containerId);
  }

  onEnd(listener: (containerId: ContainerId, end: ContainerEnd) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
  }

  async close(mode: 'leave-running' | 'end-all'): Promise<void> {
    if (this.#clock.isDead) return;
    this.#host.attach(undefined);
    if (mode === 'leave-running') return;
    for (const containerId of this.#host.containers.keys()) this.#host.kill(containerId);
  }

  #fateOf(containerId: ContainerId): ContainerFate {
    const container = this.#host.containers.get(containerId);
    if (container === undefined) return { kind: 'lost', message: 'the launcher does not know it' };
    if (container.end !== undefined) return container.end;
    return { kind: 'running', pid: container.pid, startTime: container.startTime };
  }
}

/** Sandboxes that take no room. */
export class FakeSandboxes implements Sandboxes {
  diskUsage(): Promise<number> {
    return Promise.resolve(0.1);
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}
