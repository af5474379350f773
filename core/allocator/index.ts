/** Who is offered what: the interface to the master, and the hierarchical fair-share allocator. */
export type {
  AgentAllocationState,
  Allocation,
  AllocationListener,
  Allocator,
  AllocatorRecovery,
  FrameworkAllocationState,
  Held,
  InverseAllocation,
  InverseAllocationListener,
  InverseOfferStatuses,
  RoleState,
} from './allocator.js';
export {
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  type EarlyReofferConfig,
  MAX_FILTERS_PER_AGENT,
  MAX_RUN_SAMPLES,
  type SorterKind,
} from './config.js';
export {
  type AllocationExplanation,
  REFUSAL_REASONS,
  type RefusalReason,
  type RoleExplanation,
} from './decisions.js';
export {
  HierarchicalAllocator,
  type HierarchicalAllocatorOptions,
} from './hierarchical-allocator.js';
export { validateOfferConstraints } from './offer-constraints.js';
export {
  type CompilePattern,
  MAX_PATTERN_CHARS,
  MAX_PATTERN_INSTRUCTIONS,
  type Pattern,
  type PatternProblem,
} from './pattern.js';
export { compileRe2 } from './re2-pattern.js';
export { type RoleQuota, isDefaultQuota } from './quota.js';
export { ScalarNames, type ScalarVector } from './scalar-vectors.js';
export { ShareNode } from './share-node.js';
export { ShareTree, type ShareTreeOptions } from './share-tree.js';
export { weightedShuffle } from './weighted-order.js';
