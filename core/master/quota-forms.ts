/**
 * The forms of a quota: as messages carry it, as an operator of older tools asks for it, and as the
 * master and the allocator reckon with it, in thousandths. Amounts were validated before.
 */
import type { RoleQuota } from '../allocator/index.js';
import type { QuotaConfig, QuotaRequest, Resource, ValueScalar } from '../api/index.js';
import {
  type Quantities,
  fromThousandths,
  toThousandths,
  validateResource,
} from '../resources/index.js';

/** Quotas by role. */
export type RoleQuotas = ReadonlyMap<string, RoleQuota>;

/** From a valid message. Names are in order; to guarantee nothing of something says nothing. */
export function roleQuota({ guarantees, limits }: QuotaConfig): RoleQuota {
  const promised = [...quantitiesOf(guarantees)].filter(([, amount]) => amount !== 0);
  return { guarantees: new Map(promised), limits: quantitiesOf(limits) };
}

/** The message; amounts that are not stated are left out. */
export function quotaConfig(role: string, { guarantees, limits }: RoleQuota): QuotaConfig {
  return { role, guarantees: amountsOf(guarantees), limits: amountsOf(limits) };
}

type Amounts = Readonly<Record<string, ValueScalar>>;

function quantitiesOf(amounts: Amounts = {}): Quantities {
  const sorted = Object.entries(amounts).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return new Map(sorted.map(([name, { value }]) => [name, toThousandths(value)]));
}

function amountsOf(quantities: Quantities): Amounts | undefined {
  if (quantities.size === 0) return undefined;
  const entries = [...quantities];
  return Object.fromEntries(
    entries.map(([name, amount]) => [name, { value: fromThousandths(amount) }]),
  );
}

/** The quota that a request asks for, its limits the same as its guarantees; or what is wrong. */
export function configOfRequest({ role, guarantee = [] }: QuotaRequest): QuotaConfig | string {
  if (role === undefined) return "Expecting 'role' to be present";
  if (role === '*') return "'role' must not be the default role '*': UPDATE_QUOTA takes it";
  if (guarantee.length === 0) return `'guarantee' of role '${role}' must not be empty`;
  const amounts = new Map<string, { readonly value: number }>();
  for (const resource of guarantee) {
    const { name, scalar } = resource;
    const problem = resourceProblem(resource);
    if (problem !== undefined) return `'guarantee' of role '${role}': ${problem}`;
    if (amounts.has(name)) {
      return `'guarantee' of role '${role}': resource '${name}' is named twice`;
    }
    amounts.set(name, { value: scalar?.value ?? 0 });
  }
  const both = Object.fromEntries(amounts);
  return { role, guarantees: both, limits: both };
}

function resourceProblem(resource: Resource): string | undefined {
  const invalid = validateResource(resource);
  if (invalid !== undefined) return invalid;
  const { name, type, role, reservation, reservations, disk, revocable, shared } = resource;
  const what = `resource '${name}'`;
  if (type !== 'SCALAR') return `${what} must be a scalar`;
  const isReserved =
    (role !== undefined && role !== '*') ||
    reservation !== undefined ||
    (reservations !== undefined && reservations.length > 0);
  if (isReserved) return `${what} must not be reserved`;
  if (disk !== undefined) return `${what} must not have 'disk'`;
  if (revocable !== undefined) return `${what} must not be revocable`;
  return shared === undefined ? undefined : `${what} must not be shared`;
}
