/**
 * Every bound of the HTTP servers, in one place. What is larger, longer, slower or more is refused;
 * nothing is buffered without end. Servers take them as an option so that tests need not wait.
 */
import { MAX_CALL_BYTES } from '../api/index.js';

/** Bytes of one message on the connection between agent and master (a re-registration is large). */
export const MAX_LINK_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Bytes of all header lines of a request. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** Header lines of a request. */
export const MAX_HEADER_LINES = 100;
/** Connections of one server at the same time, streams and links included. */
export const MAX_CONNECTIONS = 20_000;
/** Milliseconds until the headers of a request must be complete. */
export const HEADERS_TIMEOUT_MS = 10_000;
/** Milliseconds until a whole request must have arrived. Streams, in either direction, may last. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often headers that are not complete are looked for, in milliseconds. */
export const CONNECTIONS_CHECK_MS = 2_000;
/** Milliseconds for which a connection without a request is kept. */
export const KEEP_ALIVE_MS = 30_000;
/**
 * Bytes that may wait in memory for the reader of an event stream before it is cut off. An implicit
 * reconciliation of some 50,000 tasks, which is written in one go, fits.
 */
export const MAX_STREAM_BUFFER_BYTES = 32 * 1024 * 1024;
/** Bytes that may wait for the other end of a link before it is cut off. */
export const MAX_LINK_BUFFER_BYTES = 64 * 1024 * 1024;
/** Milliseconds that a reader has to take the rest of a stream that was closed. */
export const STREAM_CLOSE_MS = 5_000;
/** Milliseconds for which a client may take nothing of an answer before it is cut off. */
export const PAGE_STALL_MS = 30_000;
/** Milliseconds for which the rest of a refused body is read and thrown away. */
export const LINGER_MS = 1_000;
/** Milliseconds of silence after which the system probes a long-lived connection. */
export const TCP_KEEP_ALIVE_MS = 30_000;
/** Bytes that one read of a file returns at most. */
export const MAX_FILE_READ_BYTES = 65_536;
/** Entries that the listing of one folder returns at most. */
export const MAX_BROWSE_ENTRIES = 10_000;
/** Paths that `/files/debug` shows at most. */
export const MAX_ATTACHED_PATHS = 10_000;
/** Answers of at least so many bytes are compressed for clients that ask for it. */
export const COMPRESS_FROM_BYTES = 1024;

/** The bounds that a server can be given. */
export interface HttpLimits {
  readonly callBytes: number;
  readonly linkMessageBytes: number;
  readonly headerBytes: number;
  readonly headerLines: number;
  readonly connections: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly connectionsCheckMs: number;
  readonly keepAliveMs: number;
  readonly streamBufferBytes: number;
  readonly linkBufferBytes: number;
  readonly answerStallMs: number;
}

/** The bounds unless told otherwise. */
export const HTTP_LIMITS: HttpLimits = {
  callBytes: MAX_CALL_BYTES,
  linkMessageBytes: MAX_LINK_MESSAGE_BYTES,
  headerBytes: MAX_HEADER_BYTES,
  headerLines: MAX_HEADER_LINES,
  connections: MAX_CONNECTIONS,
  headersTimeoutMs: HEADERS_TIMEOUT_MS,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  connectionsCheckMs: CONNECTIONS_CHECK_MS,
  keepAliveMs: KEEP_ALIVE_MS,
  streamBufferBytes: MAX_STREAM_BUFFER_BYTES,
  linkBufferBytes: MAX_LINK_BUFFER_BYTES,
  answerStallMs: PAGE_STALL_MS,
};
