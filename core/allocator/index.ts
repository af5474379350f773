/** Who is offered what: the interface to the master, and the hierarchical fair-share allocator. */
export type {
  AgentAllocationState,
  Allocation,
  AllocationListener,
  AllocationQuestion,
  Allocator,
  AllocatorFactory,
  AllocatorOptions,
  AllocatorRecovery,
  FrameworkAllocationState,
  Held,
  InverseAllocation,
  InverseAllocationListener,
  InverseOfferStatuses,
  RoleState,
} from './allocator.js';
export { minimumOf } from './client.js';
export {
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  type EarlyReofferConfig,
  MAX_FILTERS_PER_AGENT,
  MAX_RUN_SAMPLES,
  type SorterKind,
} from './config.js';
export {
  type AllocatorModuleOptions,
  type CreateAllocator,
  type CustomAllocator,
  type OptionalAllocatorCall,
  completeAllocator,
  isCustomAllocator,
  missingAllocatorCalls,
} from './custom-allocator.js';
export {
  type AgentExamples,
  type AgentName,
  type AllocationExplanation,
  type Amounts,
  DECISION_KINDS,
  type Decision,
  type DecisionKind,
  type Holder,
  type NearMiss,
  REFUSAL_REASONS,
  type ReasonExplanation,
  type RefusalReason,
  type RoleExplanation,
  type Shortage,
  WHY_REASONS,
  type WhyReason,
} from './decisions.js';
export { MAX_DECISIONS } from './decision-ring.js';
export {
  DescribedTask,
  MAX_TASK_CONSTRAINTS,
  MAX_TASK_RESOURCES,
  type TaskDescription,
} from './described-task.js';
export {
  MAX_EXAMPLE_AGENTS,
  MAX_EXPLAINED_ROLES,
  MAX_NEAR_MISSES,
  MAX_NEAR_MISSES_PER_REASON,
} from './explain.js';
export {
  HierarchicalAllocator,
  type HierarchicalAllocatorOptions,
} from './hierarchical-allocator.js';
export {
  type AttributeMiss,
  type OfferConstraints,
  type RoleConstraints,
  compileOfferConstraints,
  validateOfferConstraints,
} from './offer-constraints.js';
export {
  type CompilePattern,
  DEFAULT_PATTERN_LIMITS,
  MAX_PATTERN_CHARS,
  MAX_PATTERN_INSTRUCTIONS,
  type Pattern,
  type PatternLimits,
  type PatternProblem,
} from './pattern.js';
export { compileRe2, re2Compiler } from './re2-pattern.js';
export { MAX_HOLDERS } from './reason-tally.js';
export { type RoleQuota, isDefaultQuota } from './quota.js';
export { RunSamples } from './run-samples.js';
export { ScalarNames, type ScalarVector } from './scalar-vectors.js';
export { ShareNode } from './share-node.js';
export { ShareTree, type ShareTreeOptions } from './share-tree.js';
export { weightedShuffle } from './weighted-order.js';
