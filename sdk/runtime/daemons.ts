/**
 * The daemons of a framework: begun when it is active, called again after failures as their policies say,
 * and told to end with it. What they decide goes the way of all decisions; here is only their life.
 */
import {
  type Disposable,
  PlateauError,
  type Random,
  type World,
  errorMessage,
} from '../../core/base/index.js';
import type { HandlerDefinition } from '../framework/index.js';
import { type DaemonPort, DaemonRun } from './daemon-run.js';
import type { DaemonFailure, DaemonState, DaemonView } from './daemon-state.js';
import { closedError, toError } from './errors.js';
import { DAEMON_STEADY_MS, DAEMON_STOP_MS } from './limits.js';
import { judgeFailure } from './retries.js';

export interface DaemonsOptions {
  readonly world: World;
  /** The object whose methods they are. */
  readonly framework: object;
  readonly handlers: readonly HandlerDefinition[];
  /** What their contexts stand on. */
  readonly port: DaemonPort;
  readonly onFailure: (failure: DaemonFailure) => void;
}

interface Daemon {
  readonly handler: HandlerDefinition;
  state: DaemonState;
  /** Runs so far. */
  runs: number;
  failures: number;
  error: string | undefined;
  run: DaemonRun | undefined;
  /** Resolves when the present run is over. */
  over: Promise<void>;
  /** Armed while it waits. */
  timer: Disposable | undefined;
}

export class Daemons {
  readonly #options: DaemonsOptions;
  readonly #jitter: Random;
  readonly #daemons: Daemon[] = [];
  #isStopped = false;

  constructor(options: DaemonsOptions) {
    this.#options = options;
    this.#jitter = options.world.random.fork('daemons');
  }

  get view(): readonly DaemonView[] {
    return this.#daemons.map(({ handler, state, failures, error }) => ({
      name: handler.method,
      state,
      failures,
      error,
    }));
  }

  /** Calls each for the first time. */
  start(): void {
    if (this.#isStopped) return;
    for (const handler of this.#options.handlers) {
      const daemon: Daemon = {
        handler,
        state: 'running',
        runs: 0,
        failures: 0,
        error: undefined,
        run: undefined,
        over: Promise.resolve(),
        timer: undefined,
      };
      this.#daemons.push(daemon);
      this.#begin(daemon);
    }
  }

  /** Tells all to end; none is called again. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const reason = closedError('The daemon is to end');
    for (const daemon of this.#daemons) {
      if (daemon.state === 'waiting') daemon.state = 'failed';
      daemon.timer?.dispose();
      daemon.run?.end(reason);
    }
  }

  /** Tells all to end, and resolves when they have, or the time for it is over. */
  async ended(): Promise<void> {
    this.stop();
    const { clock, log } = this.#options.world;
    const left = this.#daemons.filter(({ run }) => run !== undefined);
    if (left.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(DAEMON_STOP_MS, resolve);
      void Promise.all(left.map(({ over }) => over))
        .then(() => timer.dispose())
        .then(resolve);
    });
    for (const daemon of left) {
      if (daemon.run === undefined) continue;
      daemon.state = 'hanging';
      log.error('a daemon does not end', {
        daemon: daemon.handler.method,
        waitedMs: DAEMON_STOP_MS,
        remedy: 'wait by context.sleep, or give context.signal to what it waits for',
      });
    }
  }

  #begin(daemon: Daemon): void {
    const { world, port } = this.#options;
    daemon.runs++;
    daemon.state = 'running';
    daemon.error = undefined;
    const random = world.random.fork(`daemons/${daemon.handler.method}/${daemon.runs}`);
    const run = new DaemonRun({ ...world, random }, port);
    daemon.run = run;
    daemon.over = this.#live(daemon, run);
  }

  /** From the call to its end, however it ends. Never rejects. */
  async #live(daemon: Daemon, run: DaemonRun): Promise<void> {
    const { framework, world } = this.#options;
    const { handler } = daemon;
    const startMs = world.clock.elapsed();
    let failure: Error | undefined;
    try {
      await handler.invoke(framework, [run]);
    } catch (error) {
      failure = toError(error);
    }
    const wasTold = run.signal.aborted;
    run.end(new PlateauError('STREAM_ENDED', `The daemon ${handler.method} is over.`));
    daemon.run = undefined;
    if (failure === undefined || wasTold) {
      daemon.state = 'ended';
      const { method } = handler;
      world.log.debug('a daemon has ended', { daemon: method, error: failure?.message });
      return;
    }
    if (world.clock.elapsed() - startMs >= DAEMON_STEADY_MS) daemon.failures = 0;
    this.#failed(daemon, failure);
  }

  #failed(daemon: Daemon, error: Error): void {
    const { handler } = daemon;
    daemon.failures++;
    daemon.error = errorMessage(error);
    const { failures } = daemon;
    const verdict = judgeFailure(handler, { error, failures, jitter: this.#jitter });
    if (verdict.policy === 'retry') {
      daemon.state = 'waiting';
      const { clock } = this.#options.world;
      daemon.timer = clock.setTimer(verdict.waitMs, () => this.#begin(daemon));
    } else {
      daemon.state = 'failed';
    }
    this.#options.onFailure({ method: handler.method, error, policy: verdict.policy });
  }
}
