/** What a request finds: the framework, if this copy of it is active, and the routes. */
import type { MetricsPage } from './metrics.js';
import type { ActiveFramework } from './port.js';
import { refuse } from './refusal.js';
import type { Route } from './routes.js';

/** What built-in routes look at. */
export interface Site {
  readonly title: string;
  readonly version: string;
  readonly active: ActiveFramework | undefined;
  /** Why there is no active framework. */
  readonly standing: 'standby' | 'closed';
  /** URL of the active copy, when it is another one and known. */
  readonly leader: string | undefined;
  readonly routes: readonly Route[];
  readonly metrics: MetricsPage;
}

/** @throws RequestRefused 503 when this copy is not the active one. */
export function activeOf(site: Site): ActiveFramework {
  if (site.active !== undefined) return site.active;
  throw refuse(
    503,
    site.standing === 'standby'
      ? 'this copy of the framework stands by, and no other one is active: try again soon'
      : 'the framework has ended',
  );
}
