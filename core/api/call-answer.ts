/** How a master or an agent answers a call that is not a stream. */

/** An HTTP status and, when the call is refused, the text of the body. */
export interface CallAnswer {
  readonly status: 200 | 202 | 400 | 403 | 404 | 409 | 413 | 500 | 501 | 503;
  readonly message?: string;
}

/** The call was accepted; what comes of it is told on the event stream. */
export const ACCEPTED: CallAnswer = { status: 202 };
