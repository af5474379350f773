/** Where the scenarios are that come with the sources: the build does not copy them. */
import { resolve } from 'node:path';

/** Relative to the folder of the package, which `npm` runs scripts and tests in. */
export const SCENARIO_FOLDER = resolve('test/conformance/allocator/scenarios');
