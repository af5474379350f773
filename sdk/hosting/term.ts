/**
 * One term of a framework: from the moment when this copy becomes the active one, with an object, an epoch
 * of the store, a transport and a runtime of its own, until it ends, is closed or is deposed.
 */
import { PlateauError, type Store, type World, errorMessage } from '../../core/base/index.js';
import type { ActiveFramework } from '../admin/index.js';
import {
  type FrameworkClass,
  type FrameworkDefinition,
  Injector,
  LOG,
  type Provided,
  provide,
} from '../framework/index.js';
import { FrameworkRuntime, type Interceptor, type Transport } from '../runtime/index.js';
import { HttpTransport } from '../transport/index.js';
import { adminRuntimeOf } from './admin-runtime.js';
import type { RecordingFile } from './recording-file.js';

export interface TermOptions {
  readonly target: FrameworkClass | object;
  readonly definition: FrameworkDefinition;
  readonly store: Store;
  readonly world: World;
  readonly masters: string;
  readonly transport?: (() => Transport) | undefined;
  readonly interceptors?: readonly Interceptor[] | undefined;
  readonly provide?: readonly Provided[] | undefined;
  /** Where the term is recorded. */
  readonly recording?: RecordingFile | undefined;
  /** Called when somebody asks this copy to give its place up. */
  readonly resign: () => void;
}

/** How a term ended. */
export type TermOutcome =
  | { readonly kind: 'over' }
  | { readonly kind: 'deposed'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What is made for a term before it begins. */
interface TermParts {
  readonly epoch: number;
  readonly framework: object;
  readonly injector: Injector;
}

export class Term {
  readonly framework: object;
  readonly runtime: FrameworkRuntime;
  /** What the admin interface serves. */
  readonly active: ActiveFramework;
  readonly #injector: Injector;
  readonly #transport: Transport;
  readonly #world: World;

  /** Claims the store: whatever copy was active before cannot write any more. */
  static async begin(options: TermOptions): Promise<Term> {
    const epoch = await options.store.claimEpoch();
    // Innermost: it notes what the runtime gets, and what the master gets.
    const recorder = await options.recording?.begin(options.store);
    const { interceptors = [] } = options;
    const all = recorder === undefined ? interceptors : [...interceptors, recorder];
    const { world, target } = options;
    const injector = new Injector([provide(LOG, { value: world.log }), ...(options.provide ?? [])]);
    try {
      const framework = typeof target === 'function' ? made(injector, target) : target;
      return new Term({ ...options, interceptors: all }, { epoch, framework, injector });
    } catch (error) {
      await injector.close(world);
      throw error;
    }
  }

  private constructor(options: TermOptions, { epoch, framework, injector }: TermParts) {
    const { definition, store, world, masters } = options;
    this.#world = world;
    this.#injector = injector;
    this.framework = framework;
    this.#transport = options.transport?.() ?? new HttpTransport({ world, masters });
    this.runtime = new FrameworkRuntime({
      world,
      framework: this.framework,
      definition,
      store,
      epoch,
      transport: this.#transport,
      interceptors: options.interceptors ?? [],
    });
    this.active = {
      runtime: adminRuntimeOf(this.runtime, options.resign),
      framework,
      make: (theClass) => made(injector, theClass, framework),
    };
  }

  /** Runs until the end. `deposed` resolves when another copy may have taken over. Never rejects. */
  async serve(deposed: Promise<string>): Promise<TermOutcome> {
    let isOver = false;
    let reason: string | undefined;
    const leave = async (): Promise<void> => {
      const why = await deposed;
      if (isOver) return;
      reason = why;
      const message = `this copy is not the active one any more: ${why}`;
      await this.runtime.abandon(new PlateauError('LEASE_LOST', message));
    };
    void leave();
    try {
      await this.runtime.run();
      return reason === undefined ? { kind: 'over' } : { kind: 'deposed', reason };
    } catch (error) {
      if (reason !== undefined) return { kind: 'deposed', reason };
      if (error instanceof PlateauError && error.code === 'FENCED') {
        return { kind: 'deposed', reason: 'a newer copy has claimed the state' };
      }
      return { kind: 'failed', error };
    } finally {
      isOver = true;
      await this.#closeTransport();
      await this.#injector.close(this.#world);
    }
  }

  /** Ends in good order: what was decided is written and sent. */
  async close(): Promise<void> {
    await this.runtime.close();
  }

  async #closeTransport(): Promise<void> {
    try {
      await this.#transport.close();
    } catch (error) {
      this.#world.log.warn('the transport could not be closed', { error: errorMessage(error) });
    }
  }
}

/** A new object of a class, for this term. */
function made(injector: Injector, theClass: Made, ...given: readonly object[]): object {
  const instance: unknown = injector.run(theClass.name, () => Reflect.construct(theClass, given));
  return Object(instance);
}

/** A class. */
type Made = Parameters<ActiveFramework['make']>[0];
