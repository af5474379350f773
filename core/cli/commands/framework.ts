/**
 * `plateau framework`: the commands are those of the SDK. `dev` needs a cluster on this host, which the SDK
 * does not know how to start: it is told here.
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { LocalClusterOptions } from '../local-cluster.js';
import { commandWorld } from '../client-options.js';

/** Reached by a computed name: nothing in core depends on what stands on it. */
const COMMANDS = new URL('../../../sdk/hosting/commands/framework.js', import.meta.url).href;

const HOST = {
  main: fileURLToPath(new URL('../main.js', import.meta.url)),
  startCluster,
};

interface FrameworkCommands {
  define(command: Command, host: typeof HOST): void;
}

const commands: FrameworkCommands = await import(COMMANDS);

export function define(command: Command): void {
  commands.define(command, HOST);
}

type DevClusterOptions = Required<Omit<LocalClusterOptions, 'world' | 'schedulers'>>;

/** Master and agents are loaded by none but those that start them: a framework that runs has no use for them. */
async function startCluster(
  options: DevClusterOptions,
): Promise<{ readonly masterUrl: string; stop(): Promise<void> }> {
  const [{ assertLinux }, { LocalCluster }] = await Promise.all([
    import('../../containers/index.js'),
    import('../local-cluster.js'),
  ]);
  assertLinux();
  return LocalCluster.start({ ...options, world: commandWorld(), schedulers: [] });
}
