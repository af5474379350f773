/** Containers on a real host: the process containerizer with its launcher, sandboxes, host facts. */
export {
  ComposingContainerizer,
  type ComposingOptions,
  type DockerOptions,
} from './composing-containerizer.js';
export { prepareDisks } from './disks.js';
export { HostSandboxes } from './host-sandboxes.js';
export { HostVolumes } from './host-volumes.js';
export { type HostFacts, assertLinux, hostFacts } from './host.js';
export {
  DEFAULT_MAX_FETCH_BYTES,
  DEFAULT_STALL_TIMEOUT_MS,
  MAX_CONCURRENT_FETCHES,
} from './fetcher.js';
export { DOCKER_ABANDON_MS, DOCKER_START_TIMEOUT_MS } from './docker/docker-containers.js';
export {
  DockerEngine,
  ENGINE_TIMEOUT_MS,
  EngineError,
  MAX_ENGINE_CALLS,
  MAX_ENGINE_OUTPUT_BYTES,
  MAX_PULLS,
  PULL_TIMEOUT_MS,
} from './docker/engine.js';
export { MAX_INSPECTION_BYTES, parseInspections } from './docker/inspection.js';
export { MAX_ENDED_DOCKER_CONTAINERS, REMOVAL_RETRY_MS } from './docker/removals.js';
export { OWNER_LABEL, type RunPlan, nameOf, planRun } from './docker/run-arguments.js';
export { LaunchError } from './launch-error.js';
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
