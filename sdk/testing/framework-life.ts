/**
 * One life of the process of a framework under test: it waits for its lease if it has copies, claims the
 * state, and runs the real runtime over the disk and the network of its node, once for each term.
 */
import { type Candidacy, PlateauError, type World } from '../../core/base/index.js';
import { StoreLease } from '../../core/election/index.js';
import { MASTER_NODE, type ProcessLife } from '../../core/simulation/index.js';
import { FrameworkRuntime, type Interceptor } from '../runtime/index.js';
import { SimulatedTransport } from './simulated-transport.js';
import type { MadeFramework } from './under-test.js';
import { WatchedClock } from './watched-clock.js';

/** The key of the record by which copies agree on who is active. */
export const LEASE_KEY = 'lease/framework';

export interface FrameworkLifeOptions {
  /** Makes the object for a term. */
  readonly make: () => MadeFramework;
  /** Whether it has copies over the same disk, of which one is active. */
  readonly hasCopies: boolean;
  readonly interceptors: readonly Interceptor[];
  /** A term is over; deposed: another copy may be the active one now. */
  readonly onTermOver: (runtime: FrameworkRuntime, isDeposed: boolean) => void;
}

export class FrameworkLife {
  readonly #life: ProcessLife;
  readonly #options: FrameworkLifeOptions;
  readonly #clock: WatchedClock;
  readonly #world: World;
  #runtime: FrameworkRuntime | undefined;
  #candidacy: Candidacy | undefined;
  #isClosing = false;

  constructor(life: ProcessLife, options: FrameworkLifeOptions) {
    this.#life = life;
    this.#options = options;
    this.#clock = new WatchedClock(life.world.clock);
    this.#world = { ...life.world, clock: this.#clock };
  }

  /** The runtime of the present term; undefined before it, and while another copy is active. */
  get runtime(): FrameworkRuntime | undefined {
    return this.#runtime;
  }

  /** Timers that are armed now. */
  get armedTimers(): number {
    return this.#clock.armed;
  }

  /** Runs until the framework has ended. @throws what ended it. */
  async run(): Promise<void> {
    if (!this.#options.hasCopies) {
      await this.#serve();
      return;
    }
    const lease = new StoreLease({
      world: this.#world,
      store: this.#life.store,
      key: LEASE_KEY,
    });
    try {
      while (!this.#isClosing) {
        const { name: id } = this.#life;
        const candidacy = lease.contend({ id, info: id });
        this.#candidacy = candidacy;
        // oxlint-disable-next-line no-await-in-loop -- one term after the other
        if (!(await isHeld(candidacy))) return;
        // oxlint-disable-next-line no-await-in-loop -- as above
        const isDeposed = await this.#serve(candidacy);
        // oxlint-disable-next-line no-await-in-loop -- as above
        await candidacy.resign();
        if (!isDeposed) return;
      }
    } finally {
      await lease.close();
    }
  }

  /** Ends it as SIGTERM does: what is decided is written and sent. It is over when `run` is. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // At the end of its term the lease is given back; without one there is no term to wait for.
    if (this.#runtime === undefined) void this.#candidacy?.resign();
    else await this.#runtime.close();
  }

  /** One term. Returns whether it ended because another copy may have taken over. */
  async #serve(candidacy?: Candidacy): Promise<boolean> {
    const { store, link } = this.#life;
    const epoch = await store.claimEpoch();
    if (this.#isClosing) return false;
    const { instance, definition, injector } = this.#options.make();
    const runtime = new FrameworkRuntime({
      world: this.#world,
      framework: instance,
      definition,
      transport: new SimulatedTransport({ clock: this.#clock, link, master: MASTER_NODE }),
      store,
      epoch,
      interceptors: this.#options.interceptors,
    });
    this.#runtime = runtime;
    let isDeposed = false;
    const leave = async (): Promise<void> => {
      const reason = await candidacy?.lost;
      if (reason === undefined || this.#runtime !== runtime) return;
      isDeposed = true;
      await runtime.abandon(new PlateauError('LEASE_LOST', `The lease was lost: ${reason}.`));
    };
    void leave();
    try {
      await runtime.run();
    } catch (error) {
      const isFenced = error instanceof PlateauError && error.code === 'FENCED';
      if (!isDeposed && !(candidacy !== undefined && isFenced)) throw error;
      isDeposed = true;
    } finally {
      this.#runtime = undefined;
      this.#options.onTermOver(runtime, isDeposed);
      await injector.close(this.#world);
    }
    return isDeposed;
  }
}

/** False: the copy was closed while it stood by. */
async function isHeld(candidacy: Candidacy): Promise<boolean> {
  try {
    await candidacy.acquired;
    return true;
  } catch {
    return false;
  }
}
