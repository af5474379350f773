/**
 * The one place that decides in which form a request is read and an answer is written. Content types
 * are compared exactly (a charset suffix is refused), request and answer are chosen independently,
 * and JSON is preferred whatever the weights in Accept say: all as Mesos does.
 */
import type { IncomingHttpHeaders } from 'node:http';
import {
  type MessageName,
  type Messages,
  decodeJson,
  decodeProtobuf,
  encodeJson,
  encodeProtobuf,
} from '../api/index.js';

export const JSON_TYPE = 'application/json';
export const PROTOBUF_TYPE = 'application/x-protobuf';
export const RECORDIO_TYPE = 'application/recordio';
const BOTH = `${JSON_TYPE} or ${PROTOBUF_TYPE}`;

/** A form of messages on the wire: the whole body of a call or answer, or a record of a stream. */
export interface MessageFormat {
  readonly contentType: string;
  /** @throws PlateauError `INVALID_MESSAGE` when a field holds no value of its type. */
  readonly encode: <Name extends MessageName>(
    name: Name,
    message: Messages[Name],
  ) => string | Buffer;
  /** @throws PlateauError `INVALID_MESSAGE` naming the field. */
  readonly decode: <Name extends MessageName>(name: Name, bytes: Uint8Array) => Messages[Name];
}

export const JSON_FORMAT: MessageFormat = {
  contentType: JSON_TYPE,
  encode: encodeJson,
  decode: decodeJson,
};

export const PROTOBUF_FORMAT: MessageFormat = {
  contentType: PROTOBUF_TYPE,
  encode: encodeProtobuf,
  decode: decodeProtobuf,
};

/** A refusal of the media types of a request. */
export interface MediaRefusal {
  readonly status: 400 | 406 | 415;
  readonly message: string;
}

/** What a request's headers come to: a form, or a refusal. */
export type MediaChoice = MessageFormat | MediaRefusal;

/** The form of a request's body, by its Content-Type. */
export function requestFormat(headers: IncomingHttpHeaders): MediaChoice {
  const type = headers['content-type'];
  if (type === undefined) {
    return { status: 400, message: "Expecting 'Content-Type' to be present" };
  }
  return formatOf(type) ?? { status: 415, message: `Expecting 'Content-Type' of ${BOTH}` };
}

/** Whether the body of a request is a stream of records. */
export function isRecordStream(headers: IncomingHttpHeaders): boolean {
  return headers['content-type'] === RECORDIO_TYPE;
}

/**
 * The form of a request to the operators' API of an agent, or of the records in its body where that
 * is a stream of records.
 */
export function agentRequestFormat(headers: IncomingHttpHeaders): MediaChoice {
  const messageType = headers['message-content-type'];
  if (!isRecordStream(headers)) {
    if (messageType === undefined) return requestFormat(headers);
    return { status: 415, message: `'Message-Content-Type' goes with ${RECORDIO_TYPE} alone` };
  }
  if (messageType === undefined) {
    return { status: 400, message: "Expecting 'Message-Content-Type' to be present" };
  }
  const format = typeof messageType === 'string' ? formatOf(messageType) : undefined;
  return format ?? { status: 415, message: `Expecting 'Message-Content-Type' of ${BOTH}` };
}

/** The form of an answer, or of the records of a stream, by Accept; without one it is JSON. */
export function answerFormat(headers: IncomingHttpHeaders): MediaChoice {
  const types = acceptedTypes(headers);
  const takes = (type: string): boolean => types.includes(type);
  if (takes(JSON_TYPE) || takes('*/*') || takes('application/*')) return JSON_FORMAT;
  if (takes(PROTOBUF_TYPE)) return PROTOBUF_FORMAT;
  return { status: 406, message: `Expecting 'Accept' to allow ${BOTH} (or */*)` };
}

/** The form of an answer of the operators' API of an agent, where it is one message. */
export function agentAnswerFormat(headers: IncomingHttpHeaders): MediaChoice {
  if (headers['message-accept'] === undefined) return answerFormat(headers);
  return { status: 406, message: `'Message-Accept' needs an 'Accept' of ${RECORDIO_TYPE} alone` };
}

/** The form of the records of a stream, and the headers that name it. */
export interface StreamForm {
  readonly format: MessageFormat;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The form of a stream of the operators' API of an agent: framed as RecordIO whatever is accepted,
 * and called so where nothing else is.
 */
export function agentStreamForm(headers: IncomingHttpHeaders): StreamForm | MediaRefusal {
  const isRecordIo =
    'status' in answerFormat(headers) && acceptedTypes(headers).includes(RECORDIO_TYPE);
  if (!isRecordIo) {
    const format = agentAnswerFormat(headers);
    return 'status' in format ? format : { format, contentType: format.contentType, headers: {} };
  }
  const wanted = headers['message-accept'] ?? JSON_TYPE;
  const format = typeof wanted === 'string' ? answerFormat({ accept: wanted }) : undefined;
  if (format === undefined || 'status' in format) {
    return { status: 406, message: `Expecting 'Message-Accept' to allow ${BOTH}` };
  }
  const named = { 'Message-Content-Type': format.contentType };
  return { format, contentType: RECORDIO_TYPE, headers: named };
}

function acceptedTypes(headers: IncomingHttpHeaders): readonly string[] {
  return (headers.accept ?? '*/*')
    .split(',')
    .map((item) => (item.split(';', 1)[0] ?? '').trim().toLowerCase());
}

function formatOf(type: string): MessageFormat | undefined {
  return [JSON_FORMAT, PROTOBUF_FORMAT].find(({ contentType }) => contentType === type);
}
