/** Makes the names in a folder durable: a new file may be lost with the power until this is done. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Syncs the folder and the one it is in. Does nothing where folders cannot be synced. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  for (const folder of [path, dirname(resolve(path))]) {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
