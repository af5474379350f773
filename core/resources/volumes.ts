/**
 * Persistent volumes: creating and destroying them changes what a disk is, not how much of it there
 * is. Whether somebody may do so is in `validate-volumes.ts`.
 */
import { type ResourceIdentity, makeIdentity } from './identity.js';
import { type ResourceItem, ScalarItem } from './item.js';
import { Resources } from './resources.js';

/** The persistent volumes among resources. */
export function persistentVolumes(resources: Resources): Resources {
  return resources.filter((item) => item.isPersistentVolume);
}

/**
 * The same with what is shared counted once, however many use it: what holders of it take together of
 * what an agent has, where it is there once.
 */
export function countSharedOnce(resources: Resources): Resources {
  if (!resources.items.some(isSharedTwice)) return resources;
  return Resources.of(
    resources.items.map((item) =>
      item instanceof ScalarItem && isSharedTwice(item)
        ? new ScalarItem(item.identity, item.value)
        : item,
    ),
  );
}

function isSharedTwice(item: ResourceItem): boolean {
  return item.shared && item instanceof ScalarItem && item.copies > 1;
}

/**
 * The same with every persistent volume turned back into the disk that it was made of. A shared
 * volume is one disk, however many use it; equal volumes are as many disks.
 */
export function withoutVolumes(resources: Resources): Resources {
  if (!resources.items.some((item) => item.isPersistentVolume)) return resources;
  return Resources.of(resources.items.flatMap(disksOf));
}

function disksOf(item: ResourceItem): readonly ResourceItem[] {
  if (!item.isPersistentVolume || !(item instanceof ScalarItem)) return [item];
  const disk = new ScalarItem(diskIdentity(item), item.value);
  return Array.from({ length: item.shared ? 1 : item.copies }, () => disk);
}

function diskIdentity(item: ScalarItem): ResourceIdentity {
  const { name, type, reservations, disk, providerId, revocable, allocationRole } = item.identity;
  const source = disk?.source;
  const plain = source === undefined ? undefined : { source };
  return makeIdentity(
    { name, type, reservations, disk: plain, providerId, revocable, allocationRole },
    item.value,
  );
}
