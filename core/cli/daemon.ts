/**
 * What the long-running programs (master, agent) share: the logger, signals, and the word to a
 * supervisor that started them (`plateau up`) over the channel of the process.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Disposable, DisposableStore, type Logger, toDisposable } from '../base/index.js';
import {
  type AdjustableLogger,
  type Flags,
  createLogger,
  givenIgnoredFlags,
  parseLogLevel,
} from '../command/index.js';
import type { FileRoot } from '../http/index.js';

/** Told to the supervisor when the program serves. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly port: number;
}

/** Whether a message from another process is a `ReadyMessage`. */
export function isReadyMessage(message: unknown): message is ReadyMessage {
  return (
    typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready'
  );
}

/** The programs that write a log. */
export type DaemonName = 'master' | 'agent';

/**
 * The logger that the flags `logging_level`, `log_format` and `log_dir` ask for.
 * @throws PlateauError `INVALID_FLAG`: the file in `log_dir` cannot be opened.
 */
export function daemonLogger(flags: Flags, name: DaemonName): Promise<AdjustableLogger> {
  const format = flags.text('log_format') ?? (process.stderr.isTTY ? 'text' : 'json');
  return createLogger({
    name,
    level: parseLogLevel(flags.required('logging_level')) ?? 'info',
    format: format === 'json' ? 'json' : 'text',
    file: writtenLog(flags, name),
  });
}

/** The log as operators read it: what `--external_log_file` names, else the file in `--log_dir`. */
export function logRoots(flags: Flags, name: DaemonName): readonly FileRoot[] {
  const external = flags.text('external_log_file');
  const path = external === undefined ? writtenLog(flags, name) : resolve(external);
  if (path === undefined) return [];
  return [{ name: name === 'master' ? '/master/log' : '/slave/log', path }];
}

/** Program and severity, as Mesos names its log files. */
function writtenLog(flags: Flags, name: DaemonName): string | undefined {
  const folder = flags.text('log_dir');
  if (folder === undefined) return undefined;
  const level = flags.required('logging_level');
  return resolve(folder, `plateau-${name}.${level === 'DEBUG' ? 'INFO' : level}`);
}

/** Says which of the flags that were given do nothing here. */
export function warnOfIgnoredFlags(
  log: Logger,
  command: Command,
  ignored: readonly string[],
): void {
  for (const name of givenIgnoredFlags(command, ignored)) {
    log.warn(`--${name} means nothing to Plateau and is ignored`, { flag: name });
  }
}

/** Tells a supervisor, if there is one, that the program serves on `port`. */
export function announceReady(port: number): void {
  process.send?.({ kind: 'ready', port } satisfies ReadyMessage);
}

/** What may end a daemon from outside. `SUPERVISOR-GONE`: the process that started it has died. */
export type EndRequest = 'SIGINT' | 'SIGTERM' | 'SIGUSR1' | 'SUPERVISOR-GONE';

/**
 * Waits for the first request to end, or for `fatal` to reject. What a later SIGINT or SIGTERM does:
 * `exit` ends the process at once, `ignore` lets the orderly end finish, which is bounded in time.
 */
export async function untilAskedToEnd(
  fatal: Promise<never>,
  later: 'exit' | 'ignore' = 'exit',
): Promise<EndRequest> {
  const owned = new DisposableStore();
  try {
    const asked = new Promise<EndRequest>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
        owned.add(onSignal(signal, () => resolve(signal)));
      }
      if (process.connected) {
        const gone = (): void => resolve('SUPERVISOR-GONE');
        process.once('disconnect', gone);
        owned.add(toDisposable(() => process.off('disconnect', gone)));
      }
    });
    return await Promise.race([asked, fatal]);
  } finally {
    owned.dispose();
    const again = later === 'exit' ? endAtOnce : sayPatience;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, again);
  }
}

function onSignal(signal: NodeJS.Signals, listener: () => void): Disposable {
  process.on(signal, listener);
  return toDisposable(() => process.off(signal, listener));
}

function sayPatience(): void {
  process.stderr.write('still ending; this takes a few seconds\n');
}

function endAtOnce(): void {
  // oxlint-disable-next-line unicorn/no-process-exit -- the second request means: now
  process.exit(1);
}
