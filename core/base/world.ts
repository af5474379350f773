/**
 * The only door between the cores and everything that is not decided by their inputs: time,
 * randomness, ids and log. The same cores run on `systemWorld` and on a `VirtualWorld`.
 */
import { type Clock, SystemClock } from './clock.js';
import { type Ids, SystemIds } from './ids.js';
import { type Logger, SILENT_LOGGER } from './log.js';
import { type Random, SeededRandom } from './random.js';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Logger;
}

/** The world of a real process; without a logger it is silent. */
export function systemWorld(log: Logger = SILENT_LOGGER): World {
  const ids = new SystemIds();
  return { clock: new SystemClock(), random: new SeededRandom(ids.uuid()), ids, log };
}
