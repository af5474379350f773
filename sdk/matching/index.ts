/** Putting tasks on offers: resources, ports, constraints, preferences, with typed reasons. */
export {
  CLOCK_STEP_MS,
  DEFAULT_BACKOFF_MS,
  DEFAULT_MAX_BACKOFF_MS,
  type BackoffOptions,
  backoffUntil,
} from './backoff.js';
export { DEFAULT_MAX_ATTEMPTS } from './complete.js';
export { localFitness, mixFitness, packFitness, spreadFitness } from './fitness.js';
export { BEFORE_MAINTENANCE_MS } from './judge.js';
export { MAX_KEPT_TASKS } from './keep.js';
export { Match, match } from './match.js';
export type {
  CompleteOptions,
  Fitness,
  KeepOptions,
  OfferView,
  Offers,
  PlaceOptions,
  PlacedTask,
  Placement,
} from './offers.js';
export { offersOf } from './offers-of.js';
export {
  MAX_KEPT_SEARCHES,
  MAX_UNPLACED_KINDS,
  type MatchOptions,
  type Matching,
  type Placed,
  type Wish,
  placeTasks,
} from './place-tasks.js';
export { REFUSALS, type Refusal, type RefusalReason, type Unplaced } from './refusals.js';
export { Turn, type TurnOptions } from './turn.js';
export { type Values, fieldName, valueOfTask, valuesOf } from './values.js';
export { MAX_ACCEPT_BYTES, viewOf } from './view.js';
export {
  type Amounts,
  type ReservationOptions,
  type VolumeOptions,
  createVolume,
  destroyVolume,
  hasVolume,
  reserve,
  unreserve,
  withVolume,
} from './reservations.js';
