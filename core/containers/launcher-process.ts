/**
 * Finds the launcher of a work directory, or starts one. Its socket is in a folder that only the
 * agent's user may enter; a socket file on which nobody listens is what a dead launcher left, and is
 * replaced.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type Stats, closeSync, openSync } from 'node:fs';
import { lstat, mkdir, stat, truncate, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PlateauError, errorMessage } from '../base/index.js';
import { ConnectionBroken, LauncherConnection } from './launcher-connection.js';
import type { Welcome } from './launcher/protocol.js';
import { DEFAULT_PATH } from './command-line.js';

/** The longest path of a unix socket that Linux takes, in bytes. */
export const MAX_SOCKET_PATH_BYTES = 107;
/** A log of an earlier launcher that is larger is emptied when the next one starts. */
const MAX_OLD_LOG_BYTES = 1024 * 1024;

/** How often, and how far apart, a launcher that breaks connections is tried again. */
const MAX_GREETINGS = 50;
const GREETING_INTERVAL_MS = 20;
const START_TIMEOUT_MS = 20_000;
const START_POLL_MS = 5;
/** Folders in which others may write are no place for the socket. */
const OTHERS_WRITE = 0o022;

/** Small heaps: less to copy with each process that is started. */
const NODE_OPTIONS = [
  '--max-old-space-size=128',
  '--max-semi-space-size=1',
  '--single-threaded',
  '--no-warnings',
] as const;

export interface LauncherPlace {
  readonly workDir: string;
  readonly runtimeDir: string;
}

export interface LauncherSession {
  readonly connection: LauncherConnection;
  readonly welcome: Welcome;
  /** Whether it was started just now, and so knows nothing of what ran before. */
  readonly isNew: boolean;
}

/**
 * Where the socket is unless told otherwise: `run` in the work directory; when that makes too long a
 * path, a folder for temporary files, named after user and work directory.
 */
export function defaultRuntimeDir(workDir: string): string {
  const preferred = join(workDir, 'run');
  const path = join(preferred, socketName(workDir));
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return preferred;
  return join(tmpdir(), `plateau-${process.getuid?.() ?? 0}-${shortHash(workDir)}`);
}

/** The path of the socket. @throws PlateauError `SOCKET_PATH_TOO_LONG`. */
export function socketPathOf(place: LauncherPlace): string {
  const path = join(place.runtimeDir, socketName(place.workDir));
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return path;
  const message = `the path of the launcher's socket has ${bytes} bytes, and Linux takes ${MAX_SOCKET_PATH_BYTES}: ${path}; choose a shorter folder with --runtime-dir, such as /run/plateau`;
  throw new PlateauError('SOCKET_PATH_TOO_LONG', message, { context: { path, bytes } });
}

/** Agents that share a runtime folder must not take each other's launchers for theirs. */
function socketName(workDir: string): string {
  return `launcher-${shortHash(workDir)}.sock`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/**
 * Connects to the launcher if one listens.
 * @throws PlateauError `STALE_SOCKET` when something that is not our socket is in its place,
 *   `LAUNCHER_UNREACHABLE` when a launcher listens but does not answer.
 */
export async function findLauncher(place: LauncherPlace): Promise<LauncherSession | undefined> {
  const path = socketPathOf(place);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  checkOwnSocket(path, found);
  for (let attempt = 1; ; attempt++) {
    const connection = await LauncherConnection.open(path).catch(() => undefined);
    if (connection === undefined) return undefined;
    try {
      return { connection, welcome: await connection.greet(), isNew: false };
    } catch (error) {
      // A launcher that was killed may take connections for a moment longer.
      if (!(error instanceof ConnectionBroken) || attempt >= MAX_GREETINGS) throw error;
      await delay(GREETING_INTERVAL_MS);
    }
  }
}

/** Starts a launcher. @throws PlateauError `LAUNCHER_UNREACHABLE`, `STALE_SOCKET`. */
export async function startLauncher(place: LauncherPlace): Promise<LauncherSession> {
  const path = socketPathOf(place);
  await prepareFolder(place.runtimeDir);
  await removeStaleSocket(path);
  const logFile = join(place.workDir, 'launcher.log');
  const child = await spawnLauncher(path, place.workDir, logFile);
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const connection = await LauncherConnection.open(path).catch(() => undefined);
    if (connection !== undefined) {
      const welcome = await connection.greet();
      return { connection, welcome, isNew: true };
    }
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      const how = hasEnded ? `it ended with ${child.exitCode ?? child.signalCode}` : 'it is silent';
      const message = `the launcher could not be started: ${how}; see ${logFile}`;
      throw new PlateauError('LAUNCHER_UNREACHABLE', message, { retriable: true });
    }
    await delay(START_POLL_MS);
  }
}

function checkOwnSocket(path: string, found: Stats): void {
  const uid = process.getuid?.();
  if (found.isSocket() && found.uid === uid) return;
  const what = found.isSocket() ? `a socket of user ${found.uid}` : 'not a socket';
  const message = `${path} is in the way: it is ${what}; remove it, or choose another folder with --runtime-dir`;
  throw new PlateauError('STALE_SOCKET', message, { context: { path } });
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  checkOwnSocket(path, found);
  await unlink(path);
}

/** Nobody else may have prepared the folder, or be able to put something in the socket's place. */
async function prepareFolder(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const stats = await lstat(folder);
  const isOurs = stats.isDirectory() && stats.uid === process.getuid?.();
  if (isOurs && (stats.mode & OTHERS_WRITE) === 0) return;
  const message = `${folder} is no place for the launcher's socket: it must be a folder of this user in which nobody else may write; choose another with --runtime-dir`;
  throw new PlateauError('STALE_SOCKET', message, { context: { path: folder } });
}

async function spawnLauncher(
  socketPath: string,
  workDir: string,
  logFile: string,
): Promise<ChildProcess> {
  const old = await stat(logFile).catch(() => undefined);
  if (old !== undefined && old.size > MAX_OLD_LOG_BYTES) await truncate(logFile);
  const log = openSync(logFile, 'a', 0o640);
  try {
    const main = fileURLToPath(new URL('launcher/main.js', import.meta.url));
    const child = spawn(process.execPath, [...NODE_OPTIONS, main, socketPath, workDir], {
      // A session of its own: signals to the agent's terminal or group do not reach it.
      detached: true,
      cwd: '/',
      env: { PATH: DEFAULT_PATH },
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined);
    child.unref();
    return child;
  } catch (error) {
    const message = `the launcher could not be started: ${errorMessage(error)}`;
    throw new PlateauError('LAUNCHER_UNREACHABLE', message, { retriable: true, cause: error });
  } finally {
    closeSync(log);
  }
}
