/** `--containerizers` and the flags of Docker: who runs the containers of an agent. */
import type { Containerizer } from '../agent/index.js';
import { type Logger, isRecord } from '../base/index.js';
import type { Flags } from '../command/index.js';
import {
  ComposingContainerizer,
  type DockerOptions,
  ProcessContainerizer,
} from '../containers/index.js';
import { jsonOrFile, readFlag } from './flag-values.js';

/**
 * The containerizer that the flags ask for.
 * @throws PlateauError `INVALID_FLAG` naming the flag.
 */
export function containerizerOf(
  flags: Flags,
  { workDir, log }: { readonly workDir: string; readonly log: Logger },
): Containerizer {
  const options = {
    workDir,
    log,
    runtimeDir: flags.text('runtime_dir'),
    outputLimitBytes: flags.bytes('max_output_size'),
    fetchStallTimeoutMs: flags.durationMs('fetcher_stall_timeout'),
  };
  const names = flags.required('containerizers').split(',');
  if (!names.includes('docker')) return new ProcessContainerizer(options);
  const runsProcesses = names.includes('mesos');
  return new ComposingContainerizer({ ...options, runsProcesses, docker: dockerOptions(flags) });
}

function dockerOptions(flags: Flags): DockerOptions {
  return {
    program: flags.required('docker'),
    removeDelayMs: flags.durationMs('docker_remove_delay'),
    killsOrphans: flags.boolean('docker_kill_orphans'),
    hasCpuQuota: flags.boolean('cgroups_enable_cfs'),
    config: readFlag(flags, 'docker_config', readConfig),
  };
}

function readConfig(text: string): string {
  const config = jsonOrFile(text);
  const value: unknown = JSON.parse(config);
  if (!isRecord(value)) throw new Error('it must be a JSON object, such as {"auths":{}}');
  return config;
}
