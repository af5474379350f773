/** What one ACCEPT works on, from the first operation to the last. */
import type { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import type { Framework } from './framework.js';

export interface AcceptedOffers {
  readonly context: MasterContext;
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: string;
  /** The authenticated principal of the framework, if any. */
  readonly principal: string | undefined;
  /** What is left of the offers, bound to the role. Operations take from it and convert it. */
  available: Resources;
  /**
   * What resized volumes have become: the framework holds it, and may use it of a later offer, not in
   * the same ACCEPT.
   */
  later: Resources;
  /** Whether a task was launched. */
  hasLaunched: boolean;
}
