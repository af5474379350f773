/** Leases: who leads among copies of a master or framework. */
export { LmdbLease, type LmdbLeaseOptions } from './lmdb-lease.js';
export { type SeenHolder, lmdbLeaseHolder } from './lmdb-lease-holder.js';
export { StandaloneLease } from './standalone-lease.js';
export {
  DEFAULT_LEASE_POLL_MS,
  DEFAULT_LEASE_TTL_MS,
  StoreLease,
  type StoreLeaseOptions,
} from './store-lease.js';
