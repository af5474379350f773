/**
 * Makes sandboxes: parents that belong to the agent, so that no task can put something else in the
 * place of a sandbox; the sandbox itself belongs to the user of the task; `runs/latest` leads to the
 * newest. While a sandbox is being filled nobody but the agent may enter it. The few calls that this
 * takes are made at once: handing each to another thread would cost several times as much.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LaunchError } from './launch-error.js';
import type { UserIds } from './users.js';
import { errorMessage } from '../base/index.js';

const PARENT_MODE = 0o755;
const SANDBOX_MODE = 0o750;
const CLOSED_MODE = 0o700;

export interface SandboxOptions {
  readonly sandbox: string;
  /** The sandbox must be below this folder, without links between. */
  readonly workDir: string;
  /** Whether the agent alone may enter it until `openSandbox`. */
  readonly isClosed: boolean;
}

/** Makes a sandbox. @throws LaunchError of stage `sandbox`. */
export function makeSandbox(options: SandboxOptions): void {
  const { sandbox } = options;
  const parent = dirname(sandbox);
  try {
    const below = pathBelow(parent, options.workDir);
    const isNested = basename(parent) !== 'runs';
    const first = mkdirSync(parent, { recursive: true, mode: PARENT_MODE });
    if (first !== undefined && isMasked(PARENT_MODE)) openParents(first, parent);
    // Elsewhere every parent belongs to the agent, and each look would cost as much as a folder.
    if (isNested) checkLinks(parent, options.workDir, below);
    makeOwn(sandbox, options.isClosed ? CLOSED_MODE : SANDBOX_MODE);
    if (!isNested) linkLatest(sandbox);
  } catch (error) {
    throw new LaunchError('sandbox', `cannot make the sandbox ${sandbox}: ${errorMessage(error)}`);
  }
}

/** Hands the sandbox to whom the task runs as. @throws LaunchError of stage `sandbox`. */
export function openSandbox(options: SandboxOptions, user: UserIds | undefined): void {
  const { sandbox, isClosed } = options;
  try {
    if (user !== undefined && !isOwn(user)) chownSync(sandbox, user.uid, user.gid);
    if (isClosed || isMasked(SANDBOX_MODE)) chmodSync(sandbox, SANDBOX_MODE);
  } catch (error) {
    throw new LaunchError('sandbox', `cannot hand over ${sandbox}: ${errorMessage(error)}`);
  }
}

/** Whether what the agent makes belongs to the user already. */
function isOwn(user: UserIds): boolean {
  return user.uid === process.geteuid?.() && user.gid === process.getegid?.();
}

/** What follows the work directory in a path, with its slash. */
function pathBelow(path: string, workDir: string): string {
  const below = resolve(path).slice(resolve(workDir).length);
  if (resolve(path) === resolve(workDir) + below && /^(?:\/|$)/.test(below)) return below;
  throw new Error(`it is not below the work directory ${workDir}`);
}

/** A task may own a parent when containers are nested, and put a link in its place. */
function checkLinks(parent: string, workDir: string, below: string): void {
  const [real, root] = [realpathSync(parent), realpathSync(workDir)];
  if (real !== root + below) throw new Error(`a link leads to ${real}`);
}

function makeOwn(sandbox: string, mode: number): void {
  try {
    mkdirSync(sandbox, { mode });
  } catch (error) {
    const stats = lstatSync(sandbox, { throwIfNoEntry: false });
    // Left by a launch that the agent did not live to remember.
    if (stats?.isDirectory() !== true) throw error;
  }
}

/** Whether the file mode mask takes bits away; reading it through `process.umask()` would change it. */
function isMasked(mode: number): boolean {
  if (fileModeMask === undefined) {
    const status = readFileSync('/proc/self/status', 'latin1');
    fileModeMask = Number.parseInt(/^Umask:\s*(\d+)/m.exec(status)?.[1] ?? '22', 8);
  }
  return (mode & fileModeMask) !== 0;
}

let fileModeMask: number | undefined;

function openParents(first: string, last: string): void {
  for (let folder = last; folder.length >= first.length; folder = dirname(folder)) {
    chmodSync(folder, PARENT_MODE);
  }
}

/** Replaces an older link in one step, so that whoever follows it never finds it missing. */
function linkLatest(sandbox: string): void {
  const name = basename(sandbox);
  const latest = join(dirname(sandbox), 'latest');
  // The first run of an executor is the common case, and the cheaper one.
  if (linkUnlessThere(name, latest)) return;
  const fresh = join(dirname(sandbox), `.latest-${name}`);
  linkUnlessThere(name, fresh);
  renameSync(fresh, latest);
}

function linkUnlessThere(target: string, path: string): boolean {
  try {
    symlinkSync(target, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
