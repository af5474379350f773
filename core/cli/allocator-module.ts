/**
 * `--allocator`: the allocator that is built in, or one that a module brings. What is wrong with a
 * module is said with its name, before the master serves.
 */
import {
  type AllocatorFactory,
  completeAllocator,
  isCustomAllocator,
  missingAllocatorCalls,
} from '../allocator/index.js';
import { errorMessage } from '../base/index.js';
import { flagError } from './flag-values.js';
import { loadExport } from './load-export.js';

/** The one that is built in, and what Mesos called it. */
const BUILT_IN: readonly string[] = ['hierarchical', 'HierarchicalDRF'];

/** What a module has to export. */
const EXPORT_NAME = 'createAllocator';

/**
 * What makes the allocator that `--allocator` names; undefined: the one that is built in.
 * @param name `hierarchical`, the path of a file, or a package that is installed beside Plateau.
 * @param parameters the pairs of `--allocator_options`.
 * @throws PlateauError `INVALID_FLAG` naming the module when it cannot be loaded or exports no
 *   `createAllocator`; the factory throws the same when that fails, or gives no allocator.
 */
export async function loadAllocator(
  name: string,
  parameters: ReadonlyMap<string, string>,
): Promise<AllocatorFactory | undefined> {
  if (BUILT_IN.includes(name)) {
    if (parameters.size === 0) return undefined;
    throw flagError('allocator_options', `the allocator '${name}' takes no options`);
  }
  const create = await loadExport({ flag: 'allocator', module: name, name: EXPORT_NAME });
  return (options) => {
    let made: unknown;
    try {
      made = Reflect.apply(create, undefined, [{ ...options, parameters }]);
    } catch (error) {
      const problem = `'${EXPORT_NAME}' of module '${name}' failed: ${errorMessage(error)}`;
      throw flagError('allocator', problem, error);
    }
    if (isCustomAllocator(made)) return completeAllocator(made);
    throw flagError('allocator', shortcoming(name, made));
  };
}

function shortcoming(name: string, made: unknown): string {
  if (made instanceof Promise) {
    return `'${EXPORT_NAME}' of module '${name}' must give the allocator itself, not a promise`;
  }
  const missing = missingAllocatorCalls(made).join(', ');
  return `what '${EXPORT_NAME}' of module '${name}' gives is no allocator: it lacks ${missing}`;
}
