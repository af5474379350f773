/** Containers on a real host: the process containerizer with its launcher, sandboxes, host facts. */
export { prepareDisks } from './disks.js';
export { HostSandboxes } from './host-sandboxes.js';
export { HostVolumes } from './host-volumes.js';
export { type HostFacts, assertLinux, hostFacts } from './host.js';
export {
  DEFAULT_MAX_FETCH_BYTES,
  DEFAULT_STALL_TIMEOUT_MS,
  MAX_CONCURRENT_FETCHES,
} from './fetcher.js';
export { MAX_ARCHIVE_ENTRIES } from './fetch-archive.js';
export { CHECK_LOG_LIMIT_BYTES, MAX_STARTING_PROBES } from './command-probes.js';
export { DEFAULT_PATH, MAX_COMMAND_BYTES } from './command-line.js';
export { MAX_SOCKET_PATH_BYTES, defaultRuntimeDir } from './launcher-process.js';
export { UNREACHABLE_LAUNCHER_MS } from './launcher-link.js';
export { MAX_ENDED_CONTAINERS } from './launcher/container-table.js';
export { MAX_LINE_BYTES } from './launcher/protocol.js';
export { type LoadThresholds, loadQosController } from './load-qos.js';
export { MAX_PROBE_ANSWER_BYTES, MAX_PROBE_HEADER_BYTES } from './network-probes.js';
export {
  DEFAULT_OUTPUT_LIMIT_BYTES,
  MAX_LAUNCHES_IN_FLIGHT,
  ProcessContainerizer,
  type ProcessContainerizerOptions,
} from './process-containerizer.js';
export { MAX_TREE_DEPTH } from './tree.js';
export { USAGE_CACHE_MS } from './usage-cache.js';
