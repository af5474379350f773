/** Files of tasks, as agents serve them. */
export {
  type OutputSink,
  type ReadOptions,
  type SandboxFile,
  type SandboxLocation,
  followOutput,
  readSandbox,
  sandboxFolder,
} from './sandbox.js';
