/**
 * Media types of the v1 API. Content types are compared exactly (a charset suffix is refused), and
 * JSON is preferred whatever the weights in Accept say: both as Mesos does.
 */
import type { IncomingHttpHeaders } from 'node:http';

export const JSON_TYPE = 'application/json';
export const PROTOBUF_TYPE = 'application/x-protobuf';
export const RECORDIO_TYPE = 'application/recordio';

/** A refusal of the media types of a request. */
export interface MediaRefusal {
  readonly status: 400 | 406 | 415;
  readonly message: string;
}

/** Why the type of the body is refused, or undefined when it is JSON. */
export function refuseContentType(headers: IncomingHttpHeaders): MediaRefusal | undefined {
  const type = headers['content-type'];
  if (type === undefined) {
    return { status: 400, message: "Expecting 'Content-Type' to be present" };
  }
  if (type === JSON_TYPE) return undefined;
  const ours = `This server reads ${JSON_TYPE}`;
  const message =
    type === PROTOBUF_TYPE
      ? `${ours}; ${PROTOBUF_TYPE} is not supported yet`
      : `Expecting 'Content-Type' of ${JSON_TYPE} or ${PROTOBUF_TYPE}. ${ours}`;
  return { status: 415, message };
}

/** Whether the client takes JSON. No Accept header at all means anything. */
export function acceptsJson(headers: IncomingHttpHeaders): boolean {
  const accept = headers.accept;
  if (accept === undefined) return true;
  return accept.split(',').some((item) => {
    const type = item.split(';', 1)[0]?.trim().toLowerCase();
    return type === JSON_TYPE || type === '*/*' || type === 'application/*';
  });
}

/** Why the answer cannot be in a type that the client takes, or undefined when it takes JSON. */
export function refuseAccept(headers: IncomingHttpHeaders): MediaRefusal | undefined {
  if (acceptsJson(headers)) return undefined;
  return { status: 406, message: `Expecting 'Accept' to allow ${JSON_TYPE} (or */*)` };
}
