/**
 * Which virtual paths of an agent are sandboxes: their absolute paths below the work directory, and
 * `/frameworks/F/executors/E/runs/C`. Nothing above a sandbox can be listed. No link between work
 * directory and sandbox is followed; `latest` is looked up in what the agent knows instead.
 */
import type { AgentExecutor, AgentState } from '../agent/index.js';
import { id } from '../base/index.js';
import { allFrameworks } from './agent-views.js';
import { type AttachedPath, type FileRoot, type FileRoots, fixedRoots } from './files.js';

const RUN_PATH = /^\/frameworks\/([^/]+)\/executors\/([^/]+)\/runs\/([^/]+)/;
const STANDALONE_PATH = /^\/containers\/([^/]+)/;
const AGENT_PATH = /^\/slaves\/([^/]+)(?=\/)/;

export interface SandboxRootsOptions {
  /** Absolute, without a trailing slash. */
  readonly workDir: string;
  /** Undefined while there is no agent yet. */
  readonly state: () => AgentState | undefined;
  /** What else can be read, such as `/slave/log`. */
  readonly fixed: readonly FileRoot[];
  /** Sandboxes of containers that belong to no framework; default: none. */
  readonly standalone?: () => Iterable<string>;
}

/** The sandboxes and the fixed roots of an agent. */
export function sandboxRoots(options: SandboxRootsOptions): FileRoots {
  const fixed = fixedRoots(options.fixed);
  return {
    find: (path) =>
      fixed.find(path) ??
      findAbsolute(options, path) ??
      findStandalone(options, path) ??
      findVirtual(options, path),
    list: () => listAll(options, fixed),
  };
}

/** Fixed roots, then sandboxes under the names that Mesos gives them: its path, and `latest`. */
function* listAll(options: SandboxRootsOptions, fixed: FileRoots): Generator<AttachedPath> {
  yield* fixed.list();
  for (const path of options.standalone?.() ?? []) yield { name: path, path };
  const state = options.state();
  if (state === undefined) return;
  for (const framework of allFrameworks(state)) {
    // What runs comes last, so that its name stands where an earlier run had the same.
    const executors = [...framework.completedExecutors.items, ...framework.executors.values()];
    for (const { id: executorId, directory: path } of executors) {
      yield { name: path, path };
      yield { name: `/frameworks/${framework.id}/executors/${executorId}/runs/latest`, path };
    }
  }
}

function findAbsolute(options: SandboxRootsOptions, path: string): FileRoot | undefined {
  const { workDir } = options;
  if (!path.startsWith(`${workDir}/`)) return undefined;
  const inside = path.slice(workDir.length);
  const agentPath = AGENT_PATH.exec(inside);
  if (agentPath === null) return undefined;
  const [prefix, agentId = ''] = agentPath;
  const run = readRun(options, inside.slice(prefix.length));
  if (run === undefined) return undefined;
  const name = `${workDir}${prefix}${run.name}`;
  return { name, path: workDir, below: ['slaves', agentId, ...run.below] };
}

function findVirtual(options: SandboxRootsOptions, path: string): FileRoot | undefined {
  const agentId = options.state()?.agentId;
  const run = readRun(options, path);
  if (agentId === undefined || run === undefined) return undefined;
  return { name: run.name, path: options.workDir, below: ['slaves', agentId, ...run.below] };
}

/** The sandbox of a container that belongs to no framework, by its absolute path. */
function findStandalone({ workDir }: SandboxRootsOptions, path: string): FileRoot | undefined {
  if (!path.startsWith(`${workDir}/`)) return undefined;
  const match = STANDALONE_PATH.exec(path.slice(workDir.length));
  if (match === null) return undefined;
  const [name, containerId = ''] = match;
  return { name: `${workDir}${name}`, path: workDir, below: ['containers', containerId] };
}

interface Run {
  /** As it was asked for. */
  readonly name: string;
  /** Where it is. */
  readonly below: readonly string[];
}

function readRun(options: SandboxRootsOptions, path: string): Run | undefined {
  const match = RUN_PATH.exec(path);
  if (match === null) return undefined;
  const [name, frameworkId = '', executorId = '', run = ''] = match;
  const containerId =
    run === 'latest' ? latestRun(options, frameworkId, executorId)?.containerId : run;
  if (containerId === undefined) return undefined;
  const below = ['frameworks', frameworkId, 'executors', executorId, 'runs', containerId];
  return { name, below };
}

function latestRun(
  options: SandboxRootsOptions,
  frameworkId: string,
  executorId: string,
): AgentExecutor | undefined {
  const state = options.state();
  const framework =
    state?.frameworks.get(id<'FrameworkId'>(frameworkId)) ??
    state?.completedFrameworks.items.findLast((one) => one.id === frameworkId);
  return (
    framework?.executors.get(id<'ExecutorId'>(executorId)) ??
    framework?.completedExecutors.items.findLast((one) => one.id === executorId)
  );
}
