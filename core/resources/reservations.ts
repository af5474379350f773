/**
 * Reserving and unreserving change what resources are, not how many there are: a reservation is
 * pushed onto or popped off the stack of each item. Whether somebody may do so is in
 * `validate-operations.ts`.
 */
import { PlateauError, at } from '../base/index.js';
import { formatItem } from './format.js';
import { type Reservation, type ResourceIdentity, makeIdentity } from './identity.js';
import { type ResourceItem, ScalarItem } from './item.js';
import type { Resources } from './resources.js';
import { isSubrole } from './roles.js';

/**
 * The same amounts with one more reservation, refining the last one where there is one.
 * @throws PlateauError `INVALID_RESOURCES` when the role is not below that of the reservation that
 *   it refines, or when a static reservation would refine.
 */
export function pushReservation(resources: Resources, reservation: Reservation): Resources {
  return resources.withIdentities((item) => {
    if (item.isReserved) assertRefines(item, reservation);
    return withReservations(item, [...item.reservations, reservation]);
  });
}

/**
 * The same amounts without the last reservation of each item.
 * @throws PlateauError `INVALID_RESOURCES` when something is not reserved.
 */
export function popReservation(resources: Resources): Resources {
  return resources.withIdentities((item) => {
    if (!item.isReserved) {
      throw new PlateauError('INVALID_RESOURCES', `resource ${formatItem(item)} is not reserved`);
    }
    return withReservations(item, item.reservations.slice(0, -1));
  });
}

/** Whether the last reservation was made while the cluster ran. */
export function isDynamicallyReserved(item: ResourceItem): boolean {
  return item.isReserved && at(item.reservations, item.reservations.length - 1).type === 'DYNAMIC';
}

function assertRefines(item: ResourceItem, reservation: Reservation): void {
  if (reservation.type !== 'DYNAMIC') {
    throw new PlateauError(
      'INVALID_RESOURCES',
      `resource ${formatItem(item)} is reserved; a static reservation cannot refine that`,
    );
  }
  if (!isSubrole(reservation.role, item.role)) {
    throw new PlateauError(
      'INVALID_RESOURCES',
      `resource ${formatItem(item)} cannot be refined for role '${reservation.role}', which is ` +
        `not below '${item.role}'`,
    );
  }
}

function withReservations(
  item: ResourceItem,
  reservations: readonly Reservation[],
): ResourceIdentity {
  const { name, type, disk, providerId, revocable, shared, allocationRole } = item.identity;
  return makeIdentity(
    { name, type, reservations, disk, providerId, revocable, shared, allocationRole },
    item instanceof ScalarItem ? item.value : 0,
  );
}
