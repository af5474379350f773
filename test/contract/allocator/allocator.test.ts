import { HierarchicalAllocator } from '../../../core/allocator/index.js';
import { createAllocator } from '../../../frameworks/examples/first-come-allocator/main.js';
import { describeAllocator } from './allocator.contract.js';

describeAllocator('HierarchicalAllocator', (options) => new HierarchicalAllocator(options));

describeAllocator('HierarchicalAllocator with random sorters', (options) => {
  const config = { ...options.config, roleSorter: 'random', frameworkSorter: 'random' } as const;
  return new HierarchicalAllocator({ ...options, config });
});

describeAllocator('the first-come allocator of the examples', createAllocator);
