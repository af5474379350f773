/**
 * Runs a framework in this process: its state, the lease among its copies, the admin interface, and one
 * runtime for each term in which this copy is the active one. A copy that stands by passes requests on to
 * the active one, and takes over when the lease is free.
 */
import { hostname, userInfo } from 'node:os';
import {
  type Lease,
  type Disposable,
  PlateauError,
  type Store,
  type World,
  errorMessage,
  systemWorld,
} from '../../core/base/index.js';
import { AdminServer } from '../admin/index.js';
import {
  type FrameworkClass,
  type FrameworkDefinition,
  type Provided,
  checkProvided,
  readFramework,
} from '../framework/index.js';
import type { Interceptor, Transport } from '../runtime/index.js';
import {
  DEFAULT_STORE,
  type FrameworkState,
  type Standing,
  acquireAtOnce,
  contend,
  openState,
  urlOfHolder,
} from './state.js';
import { RecordingFile } from './recording-file.js';
import { Term, type TermOutcome } from './term.js';

/** Where masters are looked for when nobody says. */
export const DEFAULT_MASTERS = 'http://127.0.0.1:5050';

export interface AdminOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one, told in the log and by `adminPort`. */
  readonly port?: number;
  readonly insecureBind?: boolean;
  /** Classes with `@Admin` beside the framework's own; made with the framework as argument. */
  readonly routes?: readonly object[];
}

export interface RunOptions {
  /** URLs of masters with commas between. Default `http://127.0.0.1:5050`. */
  readonly masters?: string;
  /** A store, or the URL of one. Default `lmdb:./state`. */
  readonly store?: Store | string;
  /** A lease among copies, or `lmdb:` and a folder. Default: one beside an LMDB store. */
  readonly lease?: Lease | string | undefined;
  /** Wait while another copy is active, and take over. Default: fail. */
  readonly standby?: boolean;
  /** `false`: no admin interface. */
  readonly admin?: AdminOptions | false;
  /** Options that replace those of `@Framework`, one by one. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** What `inject` finds in the class and in those of routes. Of several for one token the last counts. */
  readonly provide?: readonly Provided[] | undefined;
  /** Clock, randomness, ids and log. Default: those of this machine, silent. */
  readonly world?: World;
  /** Makes the way to the master, once for each term. Default: HTTP to `masters`. */
  readonly transport?: () => Transport;
  /** See every event before the runtime does, and every call before the master does. */
  readonly interceptors?: readonly Interceptor[];
  /** A file, not there yet, to which the first term is recorded, for `plateau replay`. */
  readonly record?: string | undefined;
}

export interface RunningFramework {
  readonly name: string;
  /** Undefined without an admin interface. */
  readonly adminPort: number | undefined;
  readonly state: 'standby' | 'active' | 'closed';
  /** The object whose handlers are called; undefined while standing by. */
  readonly framework: object | undefined;
  readonly frameworkId: string | undefined;
  /** Resolves when the framework has ended, because it was closed or decided to stop; rejects with what ended it. */
  readonly ended: Promise<void>;
  /** Ends this copy; tasks go on. Resolves when nothing is left. */
  close(): Promise<void>;
}

/**
 * Starts a framework and resolves when it runs, or stands by.
 * @param target a class, of which each term makes an object, or an object.
 * @throws PlateauError `INVALID_FRAMEWORK`, `INVALID_FLAG`, `PORT_IN_USE`, `INSECURE_BIND`, `STORE_FAILED`, and
 *   `WORK_DIR_LOCKED` when another copy uses the state and this one may not stand by.
 */
export async function runFramework(
  target: FrameworkClass | object,
  options: RunOptions = {},
): Promise<RunningFramework> {
  const { world = systemWorld(), overrides, provide = [] } = options;
  checkProvided(target, provide);
  const definition = readFramework(target, {
    user: userInfo().username,
    ...(overrides === undefined ? {} : { overrides }),
  });
  const admin = adminOf(target, definition, { ...options, world });
  const { store = DEFAULT_STORE, lease, standby, record } = options;
  const recording = record === undefined ? undefined : await RecordingFile.create(record, world);
  const state = await openState({ world, store, lease, standby }).catch(async (error: unknown) => {
    await recording?.close();
    throw error;
  });
  const host = new FrameworkHost({
    target,
    definition,
    admin,
    state,
    recording,
    options: { ...options, world },
  });
  try {
    await host.start();
  } catch (error) {
    await host.close();
    throw error;
  }
  return host;
}

function adminOf(
  target: object,
  definition: FrameworkDefinition,
  options: RunOptions & { readonly world: World },
): AdminServer | undefined {
  const { admin = {}, world } = options;
  if (admin === false) return undefined;
  const own = typeof target === 'function' ? target : target.constructor;
  const classes = [own, ...(admin.routes ?? [])];
  return new AdminServer({ ...admin, world, classes, title: definition.settings.name });
}

interface HostParts {
  readonly target: object;
  readonly definition: FrameworkDefinition;
  readonly admin: AdminServer | undefined;
  readonly state: FrameworkState;
  readonly recording: RecordingFile | undefined;
  readonly options: RunOptions & { readonly world: World };
}

class FrameworkHost implements RunningFramework {
  readonly name: string;
  readonly ended: Promise<void>;
  adminPort: number | undefined;
  readonly #parts: HostParts;
  #resolveEnded: () => void = () => {};
  #rejectEnded: (error: unknown) => void = () => {};
  #onBegun: () => void = () => {};
  #standing: Standing | undefined;
  #term: Term | undefined;
  #loop: Promise<void> = Promise.resolve();
  #following: Disposable | undefined;
  #hasResigned = false;
  /** Ends the wait after this copy has given its place up. */
  #goOn: () => void = () => {};
  #isClosing = false;
  #isClosed = false;
  #closed: Promise<void> | undefined;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.name = parts.definition.settings.name;
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve;
      this.#rejectEnded = reject;
    });
    // Whoever only closes need not listen.
    this.ended.catch(() => {});
  }

  get state(): 'standby' | 'active' | 'closed' {
    if (this.#isClosed) return 'closed';
    return this.#term === undefined ? 'standby' : 'active';
  }

  get framework(): object | undefined {
    return this.#term?.framework;
  }

  get frameworkId(): string | undefined {
    return this.#term?.runtime.view?.frameworkId;
  }

  /** Serves the admin interface, and becomes active or stands by. */
  async start(): Promise<void> {
    const { admin, state, options } = this.#parts;
    if (admin !== undefined) {
      ({ port: this.adminPort } = await admin.listen());
      this.#following = state.lease.watch((holder) => {
        const url = urlOfHolder(holder);
        admin.follow(url === this.#url ? undefined : url);
      });
    }
    const standing = this.#contend();
    if (options.standby !== true) await acquireAtOnce(options.world, state, standing);
    const begun = new Promise<void>((resolve) => {
      this.#onBegun = resolve;
    });
    this.#loop = this.#run(standing);
    if (options.standby !== true) await Promise.race([begun, this.ended]);
  }

  /** Serves until the end, lets go of everything, and tells how it ended. Never rejects. */
  async #run(standing: Standing): Promise<void> {
    try {
      await this.#serveTerms(standing);
      await this.#release();
      this.#resolveEnded();
    } catch (error) {
      await this.#release();
      this.#rejectEnded(error);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#goOn();
    await this.#term?.close();
    await this.#standing?.candidacy.resign();
    await this.#loop;
    await this.#release();
    this.#resolveEnded();
  }

  #contend(): Standing {
    const { state, options } = this.#parts;
    const { lease } = state;
    this.#standing = contend({ world: options.world, lease }, this.name, this.#url);
    return this.#standing;
  }

  /** Where others reach the admin interface. */
  get #url(): string | undefined {
    const { admin } = this.#parts.options;
    if (admin === false || this.adminPort === undefined) return undefined;
    return adminUrl(admin?.host, this.adminPort);
  }

  /** This copy gives its place up, in good order. */
  #resign(): void {
    if (this.#hasResigned || this.#isClosing) return;
    this.#hasResigned = true;
    void this.#term?.close();
  }

  /** Time for another copy to take over, before this one stands for the lease again. */
  async #giveWay(): Promise<void> {
    const { world } = this.#parts.options;
    world.log.info('this copy has given its place up', { framework: this.name });
    await new Promise<void>((resolve) => {
      const timer = world.clock.setTimer(RESIGNED_MS, resolve);
      this.#goOn = () => {
        timer.dispose();
        resolve();
      };
      if (this.#isClosing) this.#goOn();
    });
    this.#hasResigned = false;
  }

  /** Terms one after the other, until the framework ends or is closed. */
  async #serveTerms(first: Standing): Promise<void> {
    const { log } = this.#parts.options.world;
    let { candidacy } = first;
    for (;;) {
      const isHeld = await this.#isHeld(candidacy);
      if (!isHeld || this.#isClosing) return;
      const outcome = await this.#serveTerm(candidacy);
      await candidacy.resign();
      if (outcome.kind === 'failed') throw outcome.error;
      if (outcome.kind === 'over' && this.#hasResigned && !this.#isClosing) {
        await this.#giveWay();
        if (this.#isClosing) return;
        ({ candidacy } = this.#contend());
        continue;
      }
      if (outcome.kind === 'over' || this.#isClosing) return;
      log.warn('this copy is not the active one any more', { reason: outcome.reason });
      if (this.#parts.options.standby !== true) throw deposedError(this.name, outcome.reason);
      ({ candidacy } = this.#contend());
    }
  }

  async #isHeld(candidacy: Standing['candidacy']): Promise<boolean> {
    const { world } = this.#parts.options;
    let isKnown = false;
    const hint = world.clock.setTimer(STANDBY_HINT_MS, () => {
      if (!isKnown)
        world.log.info('another copy is active: this one stands by', {
          framework: this.name,
        });
    });
    try {
      await candidacy.acquired;
      return true;
    } catch (error) {
      // It was given up: this copy is being closed. Nothing else ends a candidacy without the lease.
      if (this.#isClosing) return false;
      throw error;
    } finally {
      isKnown = true;
      hint.dispose();
    }
  }

  async #serveTerm(candidacy: Standing['candidacy']): Promise<TermOutcome> {
    const { admin, target, definition, state, recording, options } = this.#parts;
    const { masters = DEFAULT_MASTERS, world } = options;
    const { store } = state;
    const told = this.#withAddress(definition);
    const resign = (): void => this.#resign();
    const parts = { target, definition: told, store, masters, recording, resign };
    const term = await Term.begin({ ...options, ...parts });
    this.#term = term;
    this.#onBegun();
    world.log.info('this copy is active', { framework: this.name });
    // Asked for while the store was claimed: it ends before it has begun.
    if (this.#isClosing) void term.close();
    admin?.attach(term.active);
    try {
      return await term.serve(candidacy.lost);
    } finally {
      this.#term = undefined;
      admin?.detach(this.#isClosing ? 'closed' : 'standby');
    }
  }

  /** Operators and commands find the admin interface by what the master says of the framework. */
  #withAddress(definition: FrameworkDefinition): FrameworkDefinition {
    const { settings } = definition;
    const { world } = this.#parts.options;
    const webuiUrl = this.#url;
    if (webuiUrl === undefined || settings.webuiUrl !== undefined) return definition;
    world.log.debug('the master is told where the admin interface is', { webuiUrl });
    return { ...definition, settings: { ...settings, webuiUrl } };
  }

  /** Lets go of everything, once. */
  async #release(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { admin, state, recording, options } = this.#parts;
    this.#following?.dispose();
    await admin?.close();
    await recording?.close();
    await state.close().catch((error: unknown) => {
      options.world.log.warn('the state could not be closed', { error: errorMessage(error) });
    });
  }
}

/** Where others reach the admin interface. An address that stands for all of the host is told by its name. */
function adminUrl(host = '127.0.0.1', port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? hostname() : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** How long a copy that gave its place up leaves the lease to others. */
const RESIGNED_MS = 2_000;
/** A copy that waits for longer says so. */
const STANDBY_HINT_MS = 1_000;

function deposedError(name: string, reason: string): PlateauError {
  return new PlateauError(
    'LEASE_LOST',
    `The framework '${name}' ended here because another copy took over (${reason}). Run copies with ` +
      '--standby to have them wait for each other.',
    { context: { name } },
  );
}
