/** What the flags of `plateau master` ask for, as the settings of a master. */
import { type AllocatorConfig, DEFAULT_ALLOCATOR_CONFIG } from '../allocator/index.js';
import { parseWeights, validateRole } from '../api/index.js';
import type { Flags } from '../command/index.js';
import { DEFAULT_MASTER_CONFIG, type MasterConfig, recordedRoleProblem } from '../master/index.js';
import { parseQuantities } from '../resources/index.js';
import { flagError, parseDomain, parseNames, readFlag } from './flag-values.js';

/**
 * The settings that the flags ask for.
 * @throws PlateauError `INVALID_FLAG` naming the flag.
 */
export function masterConfig(flags: Flags): MasterConfig {
  return {
    ...DEFAULT_MASTER_CONFIG,
    agentPingTimeoutMs: flags.durationMs('agent_ping_timeout'),
    maxAgentPingTimeouts: flags.number('max_agent_ping_timeouts'),
    agentReregisterTimeoutMs: flags.durationMs('agent_reregister_timeout'),
    offerTimeoutMs: flags.durationMs('offer_timeout'),
    allocator: allocatorConfig(flags),
    domain: readFlag(flags, 'domain', parseDomain),
    requireAgentDomain: flags.boolean('require_agent_domain'),
    maxCompletedFrameworks: flags.number('max_completed_frameworks'),
    maxOperatorStreams: flags.number('max_operator_event_stream_subscribers'),
    maxCompletedTasksPerFramework: flags.number('max_completed_tasks_per_framework'),
    maxUnreachableTasksPerFramework: flags.number('max_unreachable_tasks_per_framework'),
    registryMaxAgentCount: flags.number('registry_max_agent_count'),
    registryMaxAgentAgeMs: flags.durationMs('registry_max_agent_age'),
    registryGcIntervalMs: flags.durationMs('registry_gc_interval'),
    roles: readFlag(flags, 'roles', parseRoles),
    weights: initialWeights(flags),
    revocation: revocationOf(flags),
    rootSubmissions: flags.boolean('root_submissions'),
    publishFrameworkMetrics: flags.boolean('publish_per_framework_metrics'),
    cluster: flags.text('cluster'),
    flags: flags.shown(),
  };
}

function allocatorConfig(flags: Flags): AllocatorConfig {
  const defaults = DEFAULT_ALLOCATOR_CONFIG;
  return {
    ...defaults,
    allocationIntervalMs: flags.durationMs('allocation_interval'),
    minAllocatable:
      readFlag(flags, 'min_allocatable_resources', parseQuantities) ?? defaults.minAllocatable,
    earlyReoffer: { ...defaults.earlyReoffer, enabled: flags.boolean('early_reoffer') },
    roleSorter: sorterOf(flags, 'role_sorter'),
    frameworkSorter: sorterOf(flags, 'framework_sorter'),
    fairnessExcluded: readFlag(flags, 'fair_sharing_excluded_resource_names', parseNames) ?? [],
    filterGpuResources: flags.boolean('filter_gpu_resources'),
    recoveryTimeoutMs: flags.durationMs('allocator_recovery_timeout'),
    recoveryAgentFactor: recoveryFactor(flags),
    patternLimits: {
      maxChars: flags.bytes('offer_constraints_re2_max_mem'),
      maxInstructions: flags.number('offer_constraints_re2_max_program_size'),
    },
  };
}

function revocationOf(flags: Flags): MasterConfig['revocation'] {
  const wanted = flags.required('revocation');
  return wanted === 'revocable' || wanted === 'over-quota' ? wanted : 'off';
}

function sorterOf(flags: Flags, flag: string): AllocatorConfig['roleSorter'] {
  return flags.required(flag) === 'random' ? 'random' : 'drf';
}

function recoveryFactor(flags: Flags): number {
  const flag = 'allocator_agent_recovery_factor';
  const factor = flags.number(flag);
  if (factor > 1) throw flagError(flag, `${factor} is not a part of the agents: it must be 0 to 1`);
  return factor;
}

/** Weights for a registry that has none, of roles that frameworks may use. */
function initialWeights(flags: Flags): ReadonlyMap<string, number> {
  const roles = readFlag(flags, 'roles', parseRoles);
  const weights = new Map<string, number>();
  for (const { role = '*', weight } of readFlag(flags, 'weights', parseWeights) ?? []) {
    const problem = recordedRoleProblem({ roles }, role);
    if (problem !== undefined) throw flagError('weights', problem);
    weights.set(role, weight);
  }
  return weights;
}

function parseRoles(text: string): readonly string[] {
  const roles = parseNames(text);
  for (const role of roles) {
    const problem = validateRole(role);
    if (problem !== undefined) throw new Error(problem);
  }
  return roles;
}
