/**
 * The one base class of all errors that Plateau throws on purpose. Expected outcomes are values with
 * typed reasons, not errors. Codes are listed in `docs/reference/errors.md`; a test compares the two.
 */

/** Context of an error: ids and values, safe to print. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

export interface PlateauErrorOptions {
  /** Ids and values that the message is about. */
  readonly context?: ErrorContext;
  /** Whether the same call may succeed later without a change. Default false. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** Marks errors of every copy of this package that a process has loaded. */
const BRAND = Symbol.for('plateau.error');

/**
 * An exceptional condition. The message says what happened, with which ids, and what to do next.
 * `code` is stable across versions: scripts may match on it.
 */
export class PlateauError extends Error {
  /**
   * Whether something thrown is such an error, of the code if one is given. Unlike `instanceof` it knows
   * those of another copy of the package too.
   */
  static is(thrown: unknown, code?: ErrorCode): thrown is PlateauError {
    if (!(thrown instanceof Error) || !(BRAND in thrown)) return false;
    return code === undefined || ('code' in thrown && thrown.code === code);
  }

  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly retriable: boolean;

  constructor(code: ErrorCode, message: string, options: PlateauErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PlateauError';
    this.code = code;
    this.context = options.context ?? {};
    this.retriable = options.retriable ?? false;
  }
}

// Not a member of the class: its type would differ between copies.
Object.defineProperty(PlateauError.prototype, BRAND, { value: true });

/** Every code, with what it means. The reference page of errors lists the same. */
export const ERROR_CODES = {
  PORT_IN_USE: 'another process listens on the port',
  INSECURE_BIND: 'binding beyond loopback without authentication was refused',
  WORK_DIR_LOCKED: 'another process uses the work directory',
  WORK_DIR_FORMAT: 'the work directory was written by another version or program',
  STALE_SOCKET: 'a socket file is in the way and nobody listens on it',
  SOCKET_PATH_TOO_LONG: 'the path of a unix socket exceeds what the system allows',
  WRONG_PLATFORM: 'agents run on Linux only',
  INVALID_FLAG: 'an option of the command line is not valid',
  INVALID_RESOURCES: 'a resource is not well-formed',
  INVALID_MESSAGE: 'a message is not well-formed',
  FENCED: 'a write or a subscription was refused because a newer leader has taken over',
  STORE_CONFLICT: 'a compare-and-set found another version',
  STORE_FAILED: 'the store could not read or write',
  LEASE_LOST: 'the lease was lost',
  MASTER_UNREACHABLE: 'no master answers at the address',
  AGENT_UNREACHABLE: 'no agent answers at the address',
  CALL_REFUSED: 'the master or agent refused a call',
  STREAM_ENDED: 'the event stream ended or fell silent',
  FRAMEWORK_REMOVED: 'the framework was removed and cannot subscribe again under its id',
  LAUNCHER_UNREACHABLE: 'the launcher of the agent does not answer',
  NOT_READY: 'a program of the local cluster did not start to serve',
  DISK_NOT_EMPTY: 'a disk that is to be a volume holds files that nobody knows of',
  INVALID_DURATION: 'a length of time is not well-formed',
  INVALID_FRAMEWORK: 'the class, options or handlers of a framework are not valid',
  INVALID_TASK: 'the description of a task is not valid',
  INVALID_DECISION: 'what a handler decided cannot be done',
  INVALID_STATE: 'stored state has a version or shape that the program cannot read',
  INVALID_REQUEST: 'a request to the admin interface is not valid',
  HANDLER_FAILED: 'a handler of a framework threw, or took too long',
  TRANSIENT: 'a handler of a framework asks to be called again later',
  FATAL: 'a handler of a framework asks for its end',
  HYGIENE: 'a framework under test left something behind',
  NOT_FOUND: 'what was asked for does not exist',
  ASSERTION: 'an invariant of Plateau does not hold: please report it',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** States an invariant. Stays on in production; a failure is a defect of Plateau. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition === undefined || condition === null || condition === false) {
    throw new PlateauError('ASSERTION', message);
  }
}

/** The text of anything thrown. */
export function errorMessage(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return 'something without a text was thrown';
  }
}
