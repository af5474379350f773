/**
 * What an operator may set about allocation, with Mesos' defaults, and the bounds of what the
 * allocator keeps. Durations are in milliseconds, amounts in thousandths.
 */

import type { DomainInfo } from '../api/index.js';
import { type Quantities, parseQuantities } from '../resources/index.js';
import { DEFAULT_PATTERN_LIMITS, type PatternLimits } from './pattern.js';

/** In which order roles, or frameworks in a role, are served: fair shares, or random by weight. */
export type SorterKind = 'drf' | 'random';

export interface EarlyReofferConfig {
  /** Whether freed resources may be offered before the next batch. */
  readonly enabled: boolean;
  /** At least this long between two early runs. */
  readonly minIntervalMs: number;
}

export interface AllocatorConfig {
  /** A batch run over all agents happens this often. */
  readonly allocationIntervalMs: number;
  /** An offer has to contain at least one of these completely; an empty list: anything goes. */
  readonly minAllocatable: readonly Quantities[];
  /** Resource names that do not count in shares. */
  readonly fairnessExcluded: readonly string[];
  /** Whether agents that have gpus are kept for frameworks that can use them. */
  readonly filterGpuResources: boolean;
  /** Where the master is: agents in other regions are for frameworks that say they take them. */
  readonly domain?: DomainInfo | undefined;
  readonly roleSorter: SorterKind;
  readonly frameworkSorter: SorterKind;
  readonly earlyReoffer: EarlyReofferConfig;
  /** Part of the expected agents that has to be back before anything is offered after a failover. */
  readonly recoveryAgentFactor: number;
  /** But no longer than this. */
  readonly recoveryTimeoutMs: number;
  /** How long a refusal lasts when the framework does not say. */
  readonly defaultFilterMs: number;
  /** Longer refusals are cut to this. */
  readonly maxFilterMs: number;
  /** Whether the last decisions about each framework and role are kept for `explain`. */
  readonly decisionLog: boolean;
  /** What the regular expressions of offer constraints may cost. */
  readonly patternLimits: PatternLimits;
}

export const DEFAULT_ALLOCATOR_CONFIG: AllocatorConfig = {
  allocationIntervalMs: 1000,
  minAllocatable: parseQuantities('cpus:0.01|mem:32'),
  fairnessExcluded: [],
  filterGpuResources: true,
  roleSorter: 'drf',
  frameworkSorter: 'drf',
  recoveryAgentFactor: 0.8,
  recoveryTimeoutMs: 10 * 60 * 1000,
  // Short enough that a slot is idle for a small part of a task of 100 ms, long enough that a
  // cluster where thousands of tasks end per second is served by 200 runs, not by thousands.
  earlyReoffer: { enabled: true, minIntervalMs: 5 },
  defaultFilterMs: 5000,
  maxFilterMs: 365 * 24 * 3600 * 1000,
  decisionLog: true,
  patternLimits: DEFAULT_PATTERN_LIMITS,
};

/** Refusals kept for one framework in one role on one agent; the one that ends first makes room. */
export const MAX_FILTERS_PER_AGENT = 4;

/** Durations and latencies of the last runs that the percentiles in the metrics are taken from. */
export const MAX_RUN_SAMPLES = 1000;
