/** Who is offered what: the interface to the master, and the hierarchical fair-share allocator. */
export type {
  AgentAllocationState,
  Allocation,
  AllocationListener,
  Allocator,
  FrameworkAllocationState,
  Held,
} from './allocator.js';
export {
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  type EarlyReofferConfig,
  MAX_FILTERS_PER_AGENT,
  MAX_RUN_SAMPLES,
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
export { ScalarNames, type ScalarVector } from './scalar-vectors.js';
export { ShareNode } from './share-node.js';
export { ShareTree, type ShareTreeOptions } from './share-tree.js';
