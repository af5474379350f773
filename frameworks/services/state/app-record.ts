import type { App } from '../apps/app.js';

/** The app as it is wanted. */
export interface AppRecord {
  readonly app: App;
  /** The versions that are kept, the newest first. */
  readonly versions: readonly string[];
  /** The deployment that removes it; it is not shown any more then. */
  readonly removedBy?: string | undefined;
}
