/** Errors that are answers: what went wrong with a request, for its sender. */
import { PlateauError } from '../../core/base/index.js';
import type { Problem } from '../framework/index.js';

/** A request is not answered as it was asked. Handlers of routes throw it by `refuse`. */
export class RequestRefused extends PlateauError {
  /** Of HTTP, 400 to 599. */
  readonly status: number;
  readonly problems: readonly Problem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    more: {
      readonly problems?: readonly Problem[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST', message, { context: { status } });
    this.status = status;
    this.problems = more.problems ?? [];
    this.headers = more.headers ?? {};
  }
}

/**
 * Ends the handler of a route with an error for the sender: `throw refuse(404, 'there is no job x')`.
 * @param problems what is wrong where, beside the message.
 */
export function refuse(
  status: number,
  message: string,
  problems: readonly Problem[] = [],
): RequestRefused {
  return new RequestRefused(status, message, { problems });
}

/** Codes of errors that are the sender's, when a handler lets them through. */
const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['NOT_FOUND', 404],
  ['INVALID_REQUEST', 400],
  ['INVALID_TASK', 422],
  ['INVALID_DECISION', 422],
  ['INVALID_DURATION', 422],
  ['INVALID_RESOURCES', 422],
  ['STORE_CONFLICT', 409],
  ['FENCED', 503],
]);

/** The answer that an error is, or undefined for a defect, which only the log is told. */
export function refusalOf(error: unknown): RequestRefused | undefined {
  if (error instanceof RequestRefused) return error;
  if (!(error instanceof PlateauError)) return undefined;
  const status = STATUS_BY_CODE.get(error.code);
  return status === undefined ? undefined : new RequestRefused(status, error.message);
}
