/**
 * Keeps the programs small: a master or agent shares its host with the tasks, and V8 left to itself
 * lets garbage grow to several times of what lives.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Makes the collector of this process prefer a small heap. To be called when the program has
 * started: what starting left behind is collected, and the next limits follow from what lives.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
