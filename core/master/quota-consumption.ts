/**
 * What counts against quota. A top-level role consumes what is reserved for it and the roles below,
 * held or not, and what its subtree holds of unreserved resources. Only scalars count, and nothing
 * that may be taken away at any time.
 */
import { type Resources, type ResourceItem, ScalarItem, topLevelRole } from '../resources/index.js';
import type { ClusterView } from './cluster.js';

/** Thousandths by name of the resource. */
export type Sums = Map<string, number>;

/** Whether offers count as held. They may still be declined, or taken back. */
export type Holding = 'used' | 'used-and-offered';

/** What top-level roles consume of their quota. */
export function consumedByRole(cluster: ClusterView, holding: Holding): ReadonlyMap<string, Sums> {
  const byRole = new Map<string, Sums>();
  const add = (role: string, item: ResourceItem): void => {
    if (!countsForQuota(item)) return;
    const top = topLevelRole(role);
    const sums = byRole.get(top) ?? new Map<string, number>();
    byRole.set(top, sums);
    addTo(sums, item.name, item.total);
  };
  for (const agent of cluster.agents.values()) {
    for (const item of agent.total.items) if (item.isReserved) add(item.role, item);
    for (const used of agent.used.values()) {
      for (const item of used.items) if (!item.isReserved) add(item.allocationRole ?? '*', item);
    }
  }
  if (holding === 'used') return byRole;
  for (const { role, resources } of cluster.offers) {
    for (const item of resources.items) if (!item.isReserved) add(role, item);
  }
  return byRole;
}

/** What all registered agents have, connected or not, reserved or not. */
export function clusterCapacity(cluster: ClusterView): Sums {
  const sums: Sums = new Map();
  for (const { total } of cluster.agents.values()) addScalars(sums, total, () => true);
  return sums;
}

/** What nobody holds or is offered, and nobody has reserved, on agents that can be offered. */
export function freeForAnybody(cluster: ClusterView): Sums {
  const sums: Sums = new Map();
  for (const agent of cluster.agents.values()) {
    if (!agent.isConnected || agent.isLeaving) continue;
    const free = agent.total.minus(agent.usedTotal).minus(agent.offered);
    addScalars(sums, free, (item) => !item.isReserved);
  }
  return sums;
}

/** The part of an offer that counts as held only because it is offered. */
export function unreservedPart(resources: Resources): Sums {
  const sums: Sums = new Map();
  addScalars(sums, resources, (item) => !item.isReserved);
  return sums;
}

/** Adds to an amount. */
export function addTo(sums: Sums, name: string, amount: number): void {
  sums.set(name, (sums.get(name) ?? 0) + amount);
}

function addScalars(
  sums: Sums,
  resources: Resources,
  isWanted: (item: ResourceItem) => boolean,
): void {
  for (const item of resources.items) {
    if (countsForQuota(item) && isWanted(item)) addTo(sums, item.name, item.total);
  }
}

function countsForQuota(item: ResourceItem): item is ScalarItem {
  return item instanceof ScalarItem && !item.revocable;
}
