/** The disks that an agent is started with: whether they are there, and really apart. */
import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AgentConfig,
  type AgentDisk,
  assertDisksApart,
  configuredDisks,
} from '../agent/index.js';
import { PlateauError, errorMessage } from '../base/index.js';

/**
 * Looks at the configured disks. Those in the work directory are made when they are absent; others
 * have to be there, since one that is absent is not mounted.
 * @throws PlateauError `INVALID_FLAG` naming the disk.
 */
export function prepareDisks(config: Pick<AgentConfig, 'resources' | 'workDir'>): void {
  const disks = configuredDisks(config);
  const real = disks.map((disk) => ({ ...disk, root: prepared(disk, config.workDir) }));
  assertDisksApart(real, realpathSync(config.workDir));
}

function prepared({ type, root }: AgentDisk, workDir: string): string {
  try {
    if (root.startsWith(join(workDir, '/'))) mkdirSync(root, { recursive: true });
    if (statSync(root).isDirectory()) return realpathSync(root);
    throw new Error('it is not a folder');
  } catch (error) {
    throw new PlateauError(
      'INVALID_FLAG',
      `--resources: the disk ${root} of type ${type} cannot be used: ${errorMessage(error)}`,
      { cause: error, context: { flag: 'resources' } },
    );
  }
}
