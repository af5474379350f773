/**
 * Takes offers back that stand in the way of a quota: those by which a role exceeds its limits, and as
 * many of other roles as it takes to make all guarantees possible. No more than that: each offer that
 * is taken back costs its framework a decision.
 */
import type { RoleQuota } from '../allocator/index.js';
import { topLevelRole } from '../resources/index.js';
import type { MasterContext } from './context.js';
import type { OutstandingOffer } from './framework.js';
import { rescindOffer } from './offers.js';
import {
  type Sums,
  addTo,
  consumedByRole,
  freeForAnybody,
  unreservedPart,
} from './quota-consumption.js';
import type { RoleQuotas } from './quota-forms.js';

/** Rescinds for quotas that have been set. The allocator knows them already. */
export function rescindForQuotas(context: MasterContext, changed: RoleQuotas): void {
  for (const [role, quota] of changed) rescindAboveLimits(context, role, quota);
  const isPromised = [...changed.values()].some(({ guarantees }) => guarantees.size > 0);
  if (isPromised) rescindForGuarantees(context);
}

function rescindAboveLimits(context: MasterContext, role: string, { limits }: RoleQuota): void {
  if (limits.size === 0) return;
  const excess: Sums = new Map();
  const consumed = consumedByRole(context.cluster, 'used-and-offered').get(role);
  for (const [name, limit] of limits) {
    const above = (consumed?.get(name) ?? 0) - limit;
    if (above > 0) excess.set(name, above);
  }
  if (excess.size === 0) return;
  const own = newestFirst(context).filter((offer) => topLevelRole(offer.role) === role);
  for (const offer of choose(own, excess)) rescindOffer(context, offer);
}

/** Rescinds offers until all guarantees can be met, as far as offers suffice. */
export function rescindForGuarantees(context: MasterContext): void {
  const { cluster } = context;
  const consumed = consumedByRole(cluster, 'used-and-offered');
  const missing: Sums = new Map();
  for (const [role, { guarantees }] of cluster.quotas) {
    for (const [name, guaranteed] of guarantees) {
      const unmet = guaranteed - (consumed.get(role)?.get(name) ?? 0);
      if (unmet > 0) addTo(missing, name, unmet);
    }
  }
  const free = freeForAnybody(cluster);
  for (const name of missing.keys()) addTo(missing, name, -(free.get(name) ?? 0));
  if (!isAnyLeft(missing)) return;
  for (const offer of choose(candidates(context, consumed), missing)) rescindOffer(context, offer);
}

/** Offers of roles without quota, then those that other roles can spare of what they are guaranteed. */
function candidates(
  context: MasterContext,
  consumed: ReadonlyMap<string, Sums>,
): readonly OutstandingOffer[] {
  const { quotas } = context.cluster;
  const withoutQuota: OutstandingOffer[] = [];
  const spared: OutstandingOffer[] = [];
  for (const offer of newestFirst(context)) {
    const role = topLevelRole(offer.role);
    const quota = quotas.get(role);
    if (quota === undefined) withoutQuota.push(offer);
    else if (canSpare(offer, quota, consumed.get(role))) spared.push(offer);
  }
  return [...withoutQuota, ...spared];
}

/** Whether the role has its guarantee without the offer; what it can spare is then less. */
function canSpare(
  offer: OutstandingOffer,
  { guarantees }: RoleQuota,
  consumed: Sums = new Map(),
): boolean {
  const part = unreservedPart(offer.resources);
  for (const [name, guaranteed] of guarantees) {
    const offered = part.get(name) ?? 0;
    if (offered > 0 && (consumed.get(name) ?? 0) - offered < guaranteed) return false;
  }
  for (const [name, amount] of part) addTo(consumed, name, -amount);
  return true;
}

/** The first offers that together free what is needed, without those that turn out superfluous. */
function choose(
  offers: readonly OutstandingOffer[],
  needed: ReadonlyMap<string, number>,
): readonly OutstandingOffer[] {
  const left = new Map(needed);
  const chosen: (readonly [OutstandingOffer, Sums])[] = [];
  for (const offer of offers) {
    if (!isAnyLeft(left)) break;
    const part = unreservedPart(offer.resources);
    if (![...part.keys()].some((name) => (left.get(name) ?? 0) > 0)) continue;
    for (const [name, amount] of part) addTo(left, name, -amount);
    chosen.push([offer, part]);
  }
  return chosen.filter(([, part]) => !spare(part, left, needed)).map(([offer]) => offer);
}

/** Leaves an offer out when the others free enough. */
function spare(part: Sums, left: Sums, needed: ReadonlyMap<string, number>): boolean {
  const isNeeded = [...part].some(
    ([name, amount]) => needed.has(name) && (left.get(name) ?? 0) + amount > 0,
  );
  if (isNeeded) return false;
  for (const [name, amount] of part) addTo(left, name, amount);
  return true;
}

function isAnyLeft(sums: Sums): boolean {
  return [...sums.values()].some((amount) => amount > 0);
}

/** Schedulers are likely to be about to answer the older ones. */
function newestFirst({ cluster }: MasterContext): readonly OutstandingOffer[] {
  return [...cluster.offers].toReversed();
}
