/**
 * Entry of the launcher process: `main.js <socket> <work directory> [idle milliseconds]`. It outlives
 * the agent that started it, and with it the tasks. It ends when told to; when the work directory is gone
 * (then it kills its tasks first); soon when it has neither an agent nor anything to tell; and after a day
 * without an agent and nothing running. Imports little: its memory and start time matter.
 */
import { closeSync, readFileSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Launcher } from './launcher.js';

/** How often the launcher asks itself whether it is still needed. */
const WATCH_INTERVAL_MS = 1_000;
/**
 * Without an agent and without containers, the launcher ends after this time: enough for an agent that is
 * started again at once.
 */
const IDLE_TIMEOUT_MS = 15_000;
/** Without an agent and with nothing but ends that nobody has asked for, after this time. */
const UNCLAIMED_TIMEOUT_MS = 24 * 60 * 60_000;
/** After so many bytes the log falls silent. */
const MAX_LOG_BYTES = 1024 * 1024;
/** New files of tasks are readable by all and writable by their owner. */
const TASK_UMASK = 0o022;
const SOCKET_UMASK = 0o177;
/** `O_CLOEXEC` as the kernel shows it. */
const CLOSE_ON_EXEC = 0o2000000;

const [, , socketPath = '', workDir = '', idleMs = String(IDLE_TIMEOUT_MS)] = process.argv;
let loggedBytes = 0;

/** Standard error is `launcher.log` in the work directory. */
function log(line: string): void {
  if (loggedBytes > MAX_LOG_BYTES) return;
  const text = `${new Date().toISOString()} ${line}\n`;
  loggedBytes += text.length;
  try {
    writeSync(2, text);
  } catch {
    // The disk is full: tasks matter more than the log.
  }
}

/** What the agent was started with, and by mistake passed on, must not reach the tasks. */
function closeInherited(): void {
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor <= 2) continue;
    try {
      const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
      const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8);
      // Descriptors of this process itself are closed when it executes another program.
      if ((flags & CLOSE_ON_EXEC) === 0) closeSync(descriptor);
    } catch {
      // It was that of the list itself.
    }
  }
}

/** At once: an agent that connects from now on must not be welcomed. */
function exit(reason: string): void {
  log(`ends: ${reason}`);
  try {
    unlinkSync(socketPath);
  } catch {
    // Somebody has removed it.
  }
  process.exit(0);
}

const launcher = new Launcher({ log, finished: () => exit('all containers have ended') });
let agentSeenMs = performance.now();
let isEnding = false;

async function watch(): Promise<void> {
  const nowMs = performance.now();
  if (launcher.hasAgent) agentSeenMs = nowMs;
  const workDirExists = await stat(workDir).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  if (!workDirExists && !isEnding) {
    isEnding = true;
    log('the work directory is gone');
    launcher.shutdown();
  }
  if (launcher.runningCount > 0 || launcher.hasAgent) return;
  const limitMs = launcher.endedCount > 0 ? UNCLAIMED_TIMEOUT_MS : Number(idleMs);
  if (nowMs - agentSeenMs > limitMs) exit('no agent came back');
}

// What stops the agent must not stop the tasks.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGPIPE'] as const) {
  process.on(signal, () => log(`ignores ${signal}`));
}
process.on('uncaughtException', (error) => log(`unexpected: ${error.stack ?? error.message}`));

closeInherited();
process.umask(SOCKET_UMASK);
const server = createServer((socket) => launcher.accept(socket));
server.on('error', (error) => {
  log(`cannot listen: ${error.message}`);
  process.exit(1);
});
server.listen(socketPath, () => {
  process.umask(TASK_UMASK);
  log(`process ${process.pid} listens`);
  setInterval(() => void watch(), WATCH_INTERVAL_MS);
});
