/**
 * What a resource is, without how much of it there is: name, type, reservations, disk, provider,
 * revocable, shared, allocation role. Two amounts merge if and only if their identities have the
 * same key. The key is computed once; its order is the order of items everywhere: cpus, mem, disk,
 * gpus, ports, then other names, and within a name what is neither reserved nor special first.
 */
import type { Label, Labels, ResourceDiskInfo } from '../api/index.js';
import { DEFAULT_ROLE } from './roles.js';
import { compareStrings } from './string-sets.js';

export type ResourceType = 'SCALAR' | 'RANGES' | 'SET';

/** One layer of a stack of reservations. */
export interface Reservation {
  readonly type: 'STATIC' | 'DYNAMIC';
  readonly role: string;
  readonly principal?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** What an identity is made from; everything but the name and type may be left out. */
export interface IdentityFields {
  readonly name: string;
  readonly type: ResourceType;
  readonly reservations?: readonly Reservation[] | undefined;
  readonly disk?: ResourceDiskInfo | undefined;
  readonly providerId?: string | undefined;
  readonly revocable?: boolean | undefined;
  readonly shared?: boolean | undefined;
  readonly allocationRole?: string | undefined;
}

/** See the head of the file. Immutable; made by `makeIdentity`. */
export class ResourceIdentity {
  readonly name: string;
  readonly type: ResourceType;
  /** The outermost (first made) reservation comes first; empty: unreserved. Labels are sorted. */
  readonly reservations: readonly Reservation[];
  readonly disk: ResourceDiskInfo | undefined;
  readonly providerId: string | undefined;
  readonly revocable: boolean;
  readonly shared: boolean;
  readonly allocationRole: string | undefined;
  /** Indivisible: a persistent volume, a MOUNT or BLOCK disk, or a RAW disk with an id. */
  readonly isWhole: boolean;
  /** The key without the allocation role. */
  readonly base: string;
  readonly key: string;
  /** The same bound to other roles, as asked for before. */
  #bound: Map<string | undefined, ResourceIdentity> | undefined;

  /** @param fields normalised; its own allocation role does not count. */
  constructor(fields: IdentityFields, allocationRole: string | undefined, base: string) {
    this.name = fields.name;
    this.type = fields.type;
    this.reservations = fields.reservations ?? UNRESERVED;
    this.disk = fields.disk;
    this.providerId = fields.providerId;
    this.revocable = fields.revocable === true;
    this.shared = fields.shared === true;
    this.allocationRole = allocationRole;
    this.isWhole = isWholeDisk(fields.disk);
    this.base = base;
    this.key = allocationRole === undefined ? base : `${base}\0${allocationRole}`;
    Object.freeze(this);
  }

  /** See `withAllocationRole`. */
  boundTo(role: string | undefined): ResourceIdentity {
    this.#bound ??= new Map();
    const known = this.#bound.get(role);
    if (known !== undefined) return known;
    const made = new ResourceIdentity(this, role, this.base);
    if (this.#bound.size >= MAX_REMEMBERED_ROLES) this.#bound.clear();
    this.#bound.set(role, made);
    return made;
  }
}

/** Roles under which an identity remembers itself; with more, all are forgotten. */
const MAX_REMEMBERED_ROLES = 10_000;

/** Simple identities that are made once for everybody; with more, all are forgotten. */
const MAX_REMEMBERED_IDENTITIES = 1_000;

const UNRESERVED: readonly Reservation[] = Object.freeze([]);

/**
 * Makes an identity.
 * @param fields validated before; roles hold no NUL character.
 * @param amount the value in thousandths; only matters, as part of the key, for whole resources.
 */
export function makeIdentity(fields: IdentityFields, amount: number): ResourceIdentity {
  const { reservations } = fields;
  if (reservations === undefined || reservations.length === 0)
    return unreservedIdentity(fields, amount);
  const normalised = {
    ...fields,
    reservations: Object.freeze(reservations.map(normaliseReservation)),
  };
  return new ResourceIdentity(normalised, fields.allocationRole, baseKey(normalised, amount));
}

/**
 * Identities of which the key tells everything, such as unreserved cpus, are shared: agents have the same few, and
 * with them what each remembers of the roles it was bound to.
 */
const remembered = new Map<string, ResourceIdentity>();

function unreservedIdentity(fields: IdentityFields, amount: number): ResourceIdentity {
  const { disk, providerId, allocationRole } = fields;
  const base = baseKey(fields, amount);
  if (disk !== undefined || providerId !== undefined) {
    return new ResourceIdentity(fields, allocationRole, base);
  }
  let known = remembered.get(base);
  if (known === undefined) {
    known = new ResourceIdentity(fields, undefined, base);
    if (remembered.size >= MAX_REMEMBERED_IDENTITIES) remembered.clear();
    remembered.set(base, known);
  }
  return withAllocationRole(known, allocationRole);
}

/** The same resource bound to another allocation role, or to none. Cheap. */
export function withAllocationRole(
  identity: ResourceIdentity,
  role: string | undefined,
): ResourceIdentity {
  return identity.allocationRole === role ? identity : identity.boundTo(role);
}

/** The role that the resource is reserved for at last, or `*`. */
export function reservationRole(identity: ResourceIdentity): string {
  return identity.reservations.at(-1)?.role ?? DEFAULT_ROLE;
}

function isWholeDisk(disk: ResourceDiskInfo | undefined): boolean {
  if (disk === undefined) return false;
  if (disk.persistence !== undefined) return true;
  const { source } = disk;
  if (source === undefined) return false;
  if (source.type === 'RAW') return source.id !== undefined;
  return source.type === 'MOUNT' || source.type === 'BLOCK';
}

/** Labels mean the same in any order: sorted, they compare equal. */
function normaliseReservation(reservation: Reservation): Reservation {
  const labels = reservation.labels?.labels?.toSorted((one, other) =>
    compareStrings(labelText(one), labelText(other)),
  );
  return Object.freeze({
    type: reservation.type,
    role: reservation.role,
    ...(reservation.principal === undefined ? {} : { principal: reservation.principal }),
    ...(labels === undefined || labels.length === 0 ? {} : { labels: Object.freeze({ labels }) }),
  });
}

function labelText({ key, value }: Label): string {
  return JSON.stringify([key, value ?? null]);
}

/** Names that people expect first. */
const NAME_ORDER: readonly string[] = ['cpus', 'mem', 'disk', 'gpus', 'ports'];

/**
 * Rank, name, NUL, type, JSON of the rest. JSON holds no NUL, so the last one ends the name: two
 * different resources never share a key. `disk.volume` and the principal of a volume tell how it is
 * used and who made it, not which one it is, and are left out, as in Mesos.
 */
function baseKey(fields: IdentityFields, amount: number): string {
  const { name, type, reservations = UNRESERVED, disk, providerId } = fields;
  const rank = NAME_ORDER.indexOf(name);
  const start = `${rank === -1 ? NAME_ORDER.length : rank}${name}\0${type}`;
  const isRevocable = fields.revocable === true;
  const isShared = fields.shared === true;
  const isPlain = disk === undefined && providerId === undefined && !isRevocable && !isShared;
  if (isPlain && reservations.length === 0) return start;
  const rest = [
    reservations.map(({ type, role, principal, labels }) => [
      role,
      type,
      principal ?? null,
      labels?.labels?.map(({ key, value }) => [key, value ?? null]) ?? null,
    ]),
    disk?.persistence?.id ?? null,
    disk?.source === undefined ? null : canonical(disk.source),
    providerId ?? null,
    isRevocable,
    isShared,
    isWholeDisk(disk) ? amount : null,
  ];
  return start + JSON.stringify(rest);
}

/** A value with the keys of its objects in order and unset fields dropped. */
function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([one], [other]) => compareStrings(one, other))
    .map(([key, field]) => [key, canonical(field)]);
}
