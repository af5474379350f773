/** How much disk of what a container is given is for its sandbox. */
import { type Resources, fromThousandths } from '../resources/index.js';

/** Disk for the sandbox in MiB: that of persistent volumes is elsewhere. */
export function sandboxDiskMiB(resources: Resources): number {
  return fromThousandths(resources.filter((item) => !item.isPersistentVolume).scalar('disk'));
}
