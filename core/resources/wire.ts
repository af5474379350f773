/**
 * Between items and `mesos.v1.Resource`. Plateau works with the list of reservations alone; the
 * older pair of fields is converted on the way in, and on the way out for those who expect it.
 */
import type { Resource, ResourceReservationInfo } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { type Reservation, makeIdentity } from './identity.js';
import { RangesItem, type ResourceItem, ScalarItem, SetItem } from './item.js';
import { type Range, normaliseRanges } from './ranges.js';
import { DEFAULT_ROLE } from './roles.js';
import { fromThousandths, toThousandths } from './scalars.js';
import { normaliseStrings } from './string-sets.js';
import { validateResource } from './validate.js';

/**
 * How reservations are written: `post-refinement` has the list `reservations` and no `role`;
 * `pre-refinement` has `role` and, when dynamic, `reservation`; `endpoint` has both, as the pages
 * and the operator API show them.
 */
export type ResourceFormat = 'post-refinement' | 'pre-refinement' | 'endpoint';

/**
 * The item of a wire resource in any format; undefined when it is empty (zero, no range, no text).
 * @throws PlateauError `INVALID_RESOURCES` with the reason of `validateResource`.
 */
export function itemFromWire(wire: Resource): ResourceItem | undefined {
  const resource = withoutRepetition(wire);
  const reason = validateResource(resource);
  if (reason !== undefined) throw new PlateauError('INVALID_RESOURCES', reason);
  if (resource.type === 'SCALAR') {
    const value = toThousandths(resource.scalar?.value ?? 0);
    return value === 0 ? undefined : new ScalarItem(identityOf(resource, value), value);
  }
  if (resource.type === 'RANGES') {
    const ranges = (resource.ranges?.range ?? []).map(({ begin, end }): Range => [
      Number(begin),
      Number(end),
    ]);
    if (ranges.length === 0) return undefined;
    return new RangesItem(identityOf(resource, 0), normaliseRanges(ranges));
  }
  const texts = resource.set?.item ?? [];
  if (texts.length === 0) return undefined;
  return new SetItem(identityOf(resource, 0), normaliseStrings(texts));
}

/**
 * Appends the wire form of an item to a list: one resource for each copy; endpoints show what is
 * shared once.
 * @throws PlateauError `INVALID_RESOURCES` when a refined reservation is asked for in
 *   `pre-refinement`, which cannot express it.
 */
export function writeItem(item: ResourceItem, format: ResourceFormat, into: Resource[]): void {
  const resource = resourceOf(item, format);
  const isOnce = item.shared && format === 'endpoint';
  const copies = item instanceof ScalarItem && !isOnce ? item.copies : 1;
  for (let copy = 0; copy < copies; copy++) into.push(resource);
}

function identityOf(resource: Resource, amount: number): ResourceItem['identity'] {
  const { type } = resource;
  return makeIdentity(
    {
      name: resource.name,
      type: type === 'RANGES' || type === 'SET' ? type : 'SCALAR',
      reservations: reservationsOf(resource),
      disk: resource.disk,
      providerId: resource.provider_id?.value,
      revocable: resource.revocable !== undefined,
      shared: resource.shared !== undefined,
      allocationRole: resource.allocation_info?.role,
    },
    amount,
  );
}

/**
 * The format of endpoints says the same twice. Frameworks may not send it, which `validateResource`
 * sees to, but tools that read pages have to understand it. Contradictions stay, and are refused.
 */
function withoutRepetition(resource: Resource): Resource {
  const { role, reservation, ...rest } = resource;
  const [only, refined] = resource.reservations ?? [];
  if (role === undefined || only === undefined) return resource;
  const isRepetition =
    refined === undefined &&
    only.role === role &&
    (only.type === 'DYNAMIC') === (reservation !== undefined) &&
    only.principal === reservation?.principal;
  return isRepetition ? rest : resource;
}

/** The stack of reservations of a validated resource in either format. */
function reservationsOf(resource: Resource): readonly Reservation[] | undefined {
  const { role, reservation, reservations } = resource;
  if (reservations !== undefined && reservations.length > 0) return reservations.map(fromInfo);
  if (role === undefined || role === DEFAULT_ROLE) return undefined;
  if (reservation === undefined) return [{ type: 'STATIC', role }];
  return [{ ...reservation, type: 'DYNAMIC', role }];
}

/** Validation has seen to it that type and role are set. */
function fromInfo(info: ResourceReservationInfo): Reservation {
  return {
    type: info.type === 'STATIC' ? 'STATIC' : 'DYNAMIC',
    role: info.role ?? DEFAULT_ROLE,
    principal: info.principal,
    labels: info.labels,
  };
}

function resourceOf(item: ResourceItem, format: ResourceFormat): Resource {
  const { identity } = item;
  const { providerId, allocationRole } = identity;
  return {
    ...(providerId === undefined ? undefined : { provider_id: { value: providerId } }),
    name: identity.name,
    type: identity.type,
    ...payloadOf(item),
    ...(allocationRole === undefined ? undefined : { allocation_info: { role: allocationRole } }),
    ...(format === 'post-refinement' ? undefined : olderFields(item, format)),
    ...(format === 'pre-refinement' || identity.reservations.length === 0
      ? undefined
      : { reservations: identity.reservations }),
    ...(identity.disk === undefined ? undefined : { disk: identity.disk }),
    ...(identity.revocable ? { revocable: {} } : undefined),
    ...(identity.shared ? { shared: {} } : undefined),
  };
}

function payloadOf(item: ResourceItem): Pick<Resource, 'scalar' | 'ranges' | 'set'> {
  if (item instanceof ScalarItem) return { scalar: { value: fromThousandths(item.value) } };
  if (item instanceof SetItem) return { set: { item: item.value } };
  const range = item.value.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) }));
  return { ranges: { range } };
}

/** `role` and, for a dynamic reservation, `reservation`. */
function olderFields(
  item: ResourceItem,
  format: 'pre-refinement' | 'endpoint',
): Pick<Resource, 'role' | 'reservation'> {
  const [reservation, refined] = item.reservations;
  if (reservation === undefined) return { role: DEFAULT_ROLE };
  if (refined !== undefined) {
    if (format === 'endpoint') return {};
    throw new PlateauError(
      'INVALID_RESOURCES',
      `resource '${item.name}' has a refined reservation for '${item.role}', which the format ` +
        'before reservation refinement cannot express: keep it from frameworks and agents ' +
        'without the capability RESERVATION_REFINEMENT',
    );
  }
  if (reservation.type === 'STATIC') return { role: reservation.role };
  const { role, principal, labels } = reservation;
  return {
    role,
    reservation: {
      ...(principal === undefined ? undefined : { principal }),
      ...(labels === undefined ? undefined : { labels }),
    },
  };
}
