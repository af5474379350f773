/**
 * What one agent adds to the sums of quota: what of it is free, and what of it roles have consumed.
 * Bags that exist anyway are kept, and measured when they are added up.
 */
import type { FewMapView, FrameworkId } from '../base/index.js';
import { type ResourceItem, Resources } from '../resources/index.js';

/** What a role and those below it hold of one agent, or is reserved for them there. */
export interface Consumption {
  readonly role: string;
  /** What is no scalar in it does not count. */
  readonly resources: Resources;
}

export interface QuotaPart {
  /** What is unreserved, not revocable and not held; what is no scalar in it does not count. */
  readonly free: Resources;
  readonly consumed: readonly Consumption[];
}

/** What is read of an agent. */
export interface QuotaSubject {
  readonly total: Resources;
  readonly free: Resources;
  readonly held: FewMapView<FrameworkId, Resources>;
}

const NOTHING_CONSUMED: readonly Consumption[] = [];

export function partOf({ total, free, held }: QuotaSubject): QuotaPart {
  const left = unreservedScalars(free);
  if (held.size === 0 && !total.hasReserved) return { free: left, consumed: NOTHING_CONSUMED };
  const consumed: Consumption[] = [];
  for (const item of total.items) {
    if (!item.isReserved || !isCounted(item)) continue;
    consumed.push({ role: item.role, resources: Resources.of([item]) });
  }
  for (const resources of held.values()) {
    for (const [role, part] of resources.byAllocationRole()) {
      consumed.push({ role, resources: part.isPlain ? part : part.filter(isHeldCounted) });
    }
  }
  return { free: left, consumed };
}

/** The part of them that quota is about; of plain ones all, with what is no scalar. */
export function unreservedScalars(resources: Resources): Resources {
  return resources.isPlain ? resources : resources.filter(isDivided);
}

/** Whether quota is about it. */
export function isDivided(item: ResourceItem): boolean {
  return item.type === 'SCALAR' && !item.isReserved && !item.revocable && !item.shared;
}

/** What is reserved counts by its reservation, held or not. */
function isHeldCounted(item: ResourceItem): boolean {
  return !item.isReserved && isCounted(item);
}

function isCounted(item: ResourceItem): boolean {
  return item.type === 'SCALAR' && !item.revocable;
}
