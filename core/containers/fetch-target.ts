/** Where a file is fetched to, and within which bounds. */
import type { UserIds } from './users.js';

/** What the ways to fetch have in common. */
export interface FetchTarget {
  readonly path: string;
  readonly maxBytes: number;
  readonly stallTimeoutMs: number;
  readonly user: UserIds | undefined;
  readonly signal: AbortSignal;
}
