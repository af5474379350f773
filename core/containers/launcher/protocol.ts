/**
 * What agent and launcher say to each other: one JSON object a line over a unix socket. The agent
 * says hello first and is answered by a welcome with all containers; after that, requests and events
 * pass freely, each naming its container. The launcher of an older version must stay readable: add
 * optional fields only, and raise `PROTOCOL_VERSION` for anything else.
 */
import { isRecord } from '../../base/index.js';
import { type TerminalSize, isTerminalSize } from './terminal-frames.js';

/** Both sides must speak the same. */
export const PROTOCOL_VERSION = 1;

/** The longest line, in bytes; the system takes about 2 MiB of arguments and environment. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** A process, safe against reuse of its number: `startTime` is field 22 of `/proc/<pid>/stat`. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

/** Starts a process in its own session, with `stdout` and `stderr` in its sandbox. */
export interface LaunchRequest {
  readonly type: 'launch';
  readonly containerId: string;
  /** Absolute path of the program. */
  readonly file: string;
  /** All arguments, the name of the program first. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Working directory, and place of the output files. */
  readonly sandbox: string;
  /** Whom to run as; absent: whom the launcher runs as. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** The size of each output file from which on it is cut, in bytes. */
  readonly outputLimitBytes: number;
  /**
   * Standard streams are pipes for whoever asks for them by `attach`, rather than files; the process
   * is killed when the agent leaves or stops reading.
   */
  readonly pipes?: boolean | undefined;
  /**
   * Standard streams are a new terminal of this size. With `pipes` what it shows is read as `stdout`, and
   * `stdin` takes frames (see `terminal-frames.ts`); otherwise what it shows goes to the file `stdout`,
   * and those who `attach` see it too, and type (the ability `terminal-taps`); they come and go. Needs
   * the ability `terminals`.
   */
  readonly terminal?: TerminalSize | undefined;
  /**
   * It is a command of a check: both its outputs go to one file of this name in the sandbox, and it is
   * killed when the agent leaves.
   */
  readonly checkLog?: string | undefined;
}

/** A standard stream of a container that was launched with pipes, or has a terminal. */
export type PipeName = 'stdin' | 'stdout' | 'stderr';

/**
 * The first line of a connection of its own: after the answer `ATTACHED_LINE` it carries the bytes
 * of the stream and nothing else. A connection that is refused is closed without an answer.
 */
export interface AttachRequest {
  readonly type: 'attach';
  readonly containerId: string;
  readonly stream: PipeName;
}

/** The answer to `attach`. */
export const ATTACHED_LINE = '{"type":"attached"}\n';

/** What this launcher can do that older ones of the same protocol cannot. */
export const ABILITIES = ['pipes', 'signals', 'terminals', 'terminal-taps'] as const;
export type Ability = (typeof ABILITIES)[number];

export type LauncherRequest =
  | { readonly type: 'hello' }
  | LaunchRequest
  | AttachRequest
  | { readonly type: 'signal'; readonly containerId: string; readonly signal: TaskSignal }
  | { readonly type: 'forget'; readonly containerId: string }
  /** Kills all containers, reports their ends, and ends the launcher. */
  | { readonly type: 'shutdown' };

/** By name, or by a number that the system knows; numbers need the ability `signals`. */
export type TaskSignal = 'SIGTERM' | 'SIGKILL' | number;

/** The highest number of a signal on Linux. */
const MAX_SIGNAL = 64;

/** How a process ended: one of the two. */
export interface ProcessEnd {
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
}

/** A container that the launcher remembers; `end` is there once it has ended. */
export interface ContainerRecord extends ProcessIdentity {
  readonly containerId: string;
  readonly end?: ProcessEnd | undefined;
}

export interface Welcome extends ProcessIdentity {
  readonly type: 'welcome';
  readonly protocol: number;
  /** Absent: it is of a version that had none. */
  readonly abilities?: readonly string[] | undefined;
  readonly containers: readonly ContainerRecord[];
}

export interface LaunchFailure {
  readonly type: 'launch-failed';
  readonly containerId: string;
  readonly message: string;
  /** The error code of the system, where it refused: `ENOENT`, `EACCES`, … */
  readonly code?: string | undefined;
}

export type LauncherEvent =
  | Welcome
  | ({ readonly type: 'started'; readonly containerId: string } & ProcessIdentity)
  | LaunchFailure
  | { readonly type: 'ended'; readonly containerId: string; readonly end: ProcessEnd };

/** One message as a line. */
export function encodeLine(message: LauncherRequest | LauncherEvent): string {
  return `${JSON.stringify(message)}\n`;
}

/** Reads a request; undefined when it is not one. */
export function decodeRequest(line: string): LauncherRequest | undefined {
  const value = parse(line);
  if (value === undefined || !REQUEST_TYPES.has(value['type']) || !hasFieldsOf(value))
    return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its fields were looked at
  return value as unknown as LauncherRequest;
}

/** Reads an event; undefined when it is not one. */
export function decodeEvent(line: string): LauncherEvent | undefined {
  const value = parse(line);
  if (value === undefined || !EVENT_TYPES.has(value['type']) || !hasFieldsOf(value))
    return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its fields were looked at
  return value as unknown as LauncherEvent;
}

const REQUEST_TYPES: ReadonlySet<unknown> = new Set([
  'hello',
  'launch',
  'attach',
  'signal',
  'forget',
  'shutdown',
]);
const EVENT_TYPES: ReadonlySet<unknown> = new Set(['welcome', 'started', 'launch-failed', 'ended']);

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function hasFieldsOf(value: Readonly<Record<string, unknown>>): boolean {
  switch (value['type']) {
    case 'hello':
    case 'shutdown':
      return true;
    case 'welcome':
      return hasIdentity(value) && Array.isArray(value['containers']);
    case 'launch':
      return hasLaunchFields(value);
    case 'signal':
      return isText(value['containerId']) && isSignal(value['signal']);
    case 'attach':
      return isText(value['containerId']) && /^std(?:in|out|err)$/.test(String(value['stream']));
    case 'started':
      return isText(value['containerId']) && hasIdentity(value);
    case 'ended':
      return isText(value['containerId']) && isRecord(value['end']);
    case 'launch-failed':
      return isText(value['containerId']) && isText(value['message']);
    default:
      return isText(value['containerId']);
  }
}

function hasLaunchFields(value: Readonly<Record<string, unknown>>): boolean {
  const { argv, environment, user } = value;
  return (
    isText(value['containerId']) &&
    isText(value['file']) &&
    isText(value['sandbox']) &&
    Number.isSafeInteger(value['outputLimitBytes']) &&
    (value['pipes'] === undefined || typeof value['pipes'] === 'boolean') &&
    (value['checkLog'] === undefined || isFileName(value['checkLog'])) &&
    (value['terminal'] === undefined || isTerminalSize(value['terminal'])) &&
    Array.isArray(argv) &&
    argv.length > 0 &&
    argv.every(isText) &&
    isRecord(environment) &&
    Object.values(environment).every(isText) &&
    (user === undefined ||
      (isRecord(user) && Number.isSafeInteger(user['uid']) && Number.isSafeInteger(user['gid'])))
  );
}

function isSignal(value: unknown): boolean {
  if (typeof value !== 'number') return value === 'SIGTERM' || value === 'SIGKILL';
  return Number.isInteger(value) && value >= 1 && value <= MAX_SIGNAL;
}

/** Of a file in the sandbox itself. */
function isFileName(value: unknown): boolean {
  return isText(value) && /^[\w-][\w.-]*$/.test(value);
}

function hasIdentity(value: Readonly<Record<string, unknown>>): boolean {
  return Number.isSafeInteger(value['pid']) && isText(value['startTime']);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Cuts a stream of bytes into lines. */
export class LineReader {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /**
   * Takes the next bytes and returns the lines that they complete, without their line ends;
   * undefined when a line is longer than `MAX_LINE_BYTES`: the stream must be given up then.
   */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#hold(chunk.subarray(from, end));
      if (this.#heldBytes > MAX_LINE_BYTES) return undefined;
      lines.push(Buffer.concat(this.#held).toString('utf8'));
      this.#held = [];
      this.#heldBytes = 0;
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
    return this.#heldBytes > MAX_LINE_BYTES ? undefined : lines;
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#held.push(part);
    this.#heldBytes += part.length;
  }
}
