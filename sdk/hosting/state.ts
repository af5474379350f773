/**
 * Where a framework keeps its state, and who may use it: one copy at a time, by a lease that lies beside
 * the state. What a copy writes carries the epoch that it claimed when it became active, so that one that
 * was deposed without noticing is refused.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  type Candidacy,
  type Lease,
  type LeaseHolder,
  PlateauError,
  type Store,
  type World,
} from '../../core/base/index.js';
import { LmdbLease, StandaloneLease } from '../../core/election/index.js';
import { openStore } from '../../core/store/index.js';

/** Where the state is when nobody says. */
export const DEFAULT_STORE = 'lmdb:./state';

/** Tells the lease of copies apart from others in a folder. */
export const LEASE_NAME = 'framework';

export interface StateOptions {
  readonly world: World;
  /** A store, or the URL of one. */
  readonly store: Store | string;
  /** A lease, or `lmdb:` and a folder. Default: beside an LMDB store; none for others. */
  readonly lease?: Lease | string | undefined;
  /** Whether this copy may wait for another one. */
  readonly standby?: boolean | undefined;
}

/** The state of a framework, opened. */
export interface FrameworkState {
  readonly store: Store;
  readonly lease: Lease;
  /** For messages. */
  readonly description: string;
  /** Closes what was opened here; what was given stays open. */
  close(): Promise<void>;
}

/** @throws PlateauError `INVALID_FLAG`, `STORE_FAILED`. */
export async function openState(options: StateOptions): Promise<FrameworkState> {
  const { store: given, world } = options;
  const store = typeof given === 'string' ? openStore(given) : given;
  const closers: (() => Promise<void>)[] = typeof given === 'string' ? [() => store.close()] : [];
  const close = async (): Promise<void> => {
    for (const each of closers.toReversed()) await each();
  };
  try {
    const lease = leaseOf(options, world);
    if (lease !== options.lease) closers.push(() => lease.close());
    const description = typeof given === 'string' ? given : 'the store';
    return { store, lease, description, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function leaseOf({ store, lease, standby }: StateOptions, world: World): Lease {
  if (typeof lease === 'object') return lease;
  const path = lease === undefined ? leasePathOf(store) : leasePath(lease);
  if (path !== undefined) return new LmdbLease({ world, path, name: LEASE_NAME });
  if (standby !== true) return new StandaloneLease();
  throw new PlateauError(
    'INVALID_FLAG',
    '--standby: copies have nothing to agree by: keep the state in lmdb:./folder, or name a --lease that ' +
      'all of them share',
    { context: { flag: 'standby' } },
  );
}

/** The folder of the lease that lies beside a store; undefined: stores of this kind have none. */
export function leasePathOf(store: Store | string): string | undefined {
  if (typeof store !== 'string' || !store.startsWith('lmdb:')) return undefined;
  return join(store.slice('lmdb:'.length).replace(/^\/{3}/, '/'), 'lease');
}

function leasePath(url: string): string {
  if (url.startsWith('lmdb:') && url.length > 'lmdb:'.length) {
    return url.slice('lmdb:'.length).replace(/^\/{3}/, '/');
  }
  throw new PlateauError(
    'INVALID_FLAG',
    `invalid lease '${url}': write 'lmdb:' and a folder that all copies share, such as lmdb:./lease`,
    { context: { lease: url } },
  );
}

/** A candidacy of this copy. */
export interface Standing {
  readonly candidacy: Candidacy;
  readonly self: LeaseHolder;
}

/**
 * Stands for the lease; others that look at it are told who this is.
 * @param url of the admin interface, if there is one.
 */
export function contend(
  { world, lease }: { readonly world: World; readonly lease: Lease },
  name: string,
  url: string | undefined,
): Standing {
  const where = url === undefined ? '' : ` at ${url}`;
  const info = `framework '${name}', pid ${process.pid} on ${hostname()}${where}`;
  const self = { id: world.ids.uuid(), info };
  return { self, candidacy: lease.contend(self) };
}

/** Where the admin interface of a holder is, from what `contend` has told; undefined: it has none. */
export function urlOfHolder(holder: LeaseHolder | undefined): string | undefined {
  return / at (http:\/\/[^\s/]+)$/.exec(holder?.info ?? '')?.[1];
}

/** How long a copy that may not stand by looks whether the state is free. */
const FIRST_LOOK_MS = 1_000;

/**
 * Waits until the lease is held, but not for another copy.
 * @throws PlateauError `WORK_DIR_LOCKED` naming the copy that uses the state.
 */
export async function acquireAtOnce(
  world: World,
  state: FrameworkState,
  { candidacy, self }: Standing,
): Promise<void> {
  let holder: LeaseHolder | undefined;
  const watch = state.lease.watch((found) => {
    holder = found;
  });
  try {
    for (;;) {
      if (await isAcquiredWithin(world, candidacy, FIRST_LOOK_MS)) return;
      if (holder !== undefined && holder.id !== self.id) throw inUse(state, holder);
    }
  } finally {
    watch.dispose();
  }
}

async function isAcquiredWithin(
  world: World,
  candidacy: Candidacy,
  delayMs: number,
): Promise<boolean> {
  let release = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    const timer = world.clock.setTimer(delayMs, () => resolve(false));
    release = () => timer.dispose();
  });
  try {
    return await Promise.race([candidacy.acquired.then(() => true), late]);
  } finally {
    release();
  }
}

function inUse({ description }: FrameworkState, holder: LeaseHolder): PlateauError {
  return new PlateauError(
    'WORK_DIR_LOCKED',
    `the state ${description} is in use by ${holder.info}: stop it, keep the state elsewhere with --store, or ` +
      'say --standby to take over when it ends',
    { context: { store: description, holder: holder.id } },
  );
}
