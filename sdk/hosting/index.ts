/** Running a framework as a process: its state, its copies, the admin interface, the command. */
export { type StateProblem, type StateReport, checkState } from './check-state.js';
export { type FindFrameworkOptions, type FoundFramework, findFramework } from './find-framework.js';
export { FRAMEWORK_FLAGS } from './flags.js';
export { type LoadedFramework, loadFramework } from './load-framework.js';
export { loadModule, moduleUrl, splitSpecifier } from './load-module.js';
export {
  type AdminOptions,
  DEFAULT_MASTERS,
  type RunOptions,
  type RunningFramework,
  runFramework,
} from './run-framework.js';
export { readOverrides } from './overrides.js';
export { type Scaffold, type ScaffoldOptions, writeScaffold } from './scaffold.js';
export { type ServeOptions, type Served, addServeFlags, serveFramework } from './serve.js';
export { DEFAULT_STORE } from './state.js';
