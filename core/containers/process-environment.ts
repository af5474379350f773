/** The environment that a running process was started with, as the system remembers it. */
import { readFileSync } from 'node:fs';
import { errorMessage } from '../base/index.js';
import { LaunchError } from './launch-error.js';
import type { ProcessIdentity } from './launcher/protocol.js';
import { isAlive } from './processes.js';

/**
 * Reads it. What a process has changed in its own environment since is not in it.
 * @throws LaunchError of stage `command` when the process has ended.
 */
export function environmentOf(identity: ProcessIdentity): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = readFileSync(`/proc/${identity.pid}/environ`, 'utf8');
  } catch (error) {
    throw new LaunchError(
      'command',
      `its parent's environment cannot be read: ${errorMessage(error)}`,
    );
  }
  if (!isAlive(identity)) throw new LaunchError('command', 'its parent has ended');
  const variables = text.split('\0').flatMap((line): [string, string][] => {
    const split = line.indexOf('=');
    return split <= 0 ? [] : [[line.slice(0, split), line.slice(split + 1)]];
  });
  return Object.fromEntries(variables);
}
