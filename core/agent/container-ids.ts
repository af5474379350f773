/**
 * Ids of containers: UUIDs of version 4 in form, whose first 48 bits are the time. The records of
 * tasks that were launched together then lie together in the checkpoint, and a commit writes few pages.
 */
import { type ContainerId, type World, id } from '../base/index.js';

export function newContainerId({ clock, ids }: World): ContainerId {
  const nowMs = Math.max(0, clock.now());
  const seconds = hex(Math.floor(nowMs / 1000) % 2 ** 32, 8);
  const fraction = hex(Math.floor(((nowMs % 1000) / 1000) * 2 ** 16), 4);
  return id(`${seconds}-${fraction}${ids.uuid().slice(13)}`);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
