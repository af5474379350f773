/**
 * Copies a local file as the user of the task, who thereby gets only what he may read himself. The
 * agent opens the target; `cat` reads.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, open, stat } from 'node:fs/promises';
import type { FetchTarget } from './fetch-target.js';
import { DEFAULT_PATH } from './command-line.js';

const MAX_MESSAGE_BYTES = 2_000;

/** @throws Error when the file is not there, not readable for the user, not a file, or too large. */
export async function copyAsUser(source: string, target: FetchTarget): Promise<void> {
  const stats = await stat(source);
  if (!stats.isFile()) throw new Error('it is not a plain file');
  if (stats.size > target.maxBytes) {
    throw new Error(`it has ${stats.size} bytes; the limit is ${target.maxBytes}`);
  }
  if (target.user === undefined) {
    await copyFile(source, target.path);
    return;
  }
  const output = await open(target.path, 'w', 0o644);
  try {
    await runTool({
      file: 'cat',
      argv: ['--', source],
      cwd: '/',
      user: target.user,
      signal: target.signal,
      stdin: 'ignore',
      stdout: output.fd,
    });
  } finally {
    await output.close();
  }
}

export interface ToolRun {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly signal: AbortSignal;
  readonly stdin: number | 'ignore';
  /** A descriptor to write to; absent: the output is thrown away. */
  readonly stdout?: number;
  /** Called with each part of the output instead. */
  readonly onOutput?: (chunk: Buffer) => void;
}

/** Runs a program of the system with a clean environment. @throws Error with what it complained of. */
export async function runTool(run: ToolRun): Promise<void> {
  const stdout = run.stdout ?? (run.onOutput === undefined ? 'ignore' : 'pipe');
  const child = spawn(run.file, run.argv, {
    cwd: run.cwd,
    env: { PATH: DEFAULT_PATH, LC_ALL: 'C' },
    stdio: [run.stdin, stdout, 'pipe'],
    signal: run.signal,
    killSignal: 'SIGKILL',
    ...run.user,
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (complaint.length < MAX_MESSAGE_BYTES) complaint += chunk.toString('utf8');
  });
  if (run.onOutput !== undefined) child.stdout?.on('data', run.onOutput);
  const status = await ended(child);
  if (status !== '') throw new Error(`${run.file}: ${complaint.trim() || status}`);
}

/** Resolves with '' when the program succeeded, otherwise with how it ended. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code === 0 ? '' : signal === null ? `exit status ${code}` : `killed by ${signal}`);
    });
  });
}
