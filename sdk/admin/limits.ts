/** Bounds of the admin interface. `docs/limits.md` lists the same. */

/** Body of one request. */
export const MAX_ADMIN_BODY_BYTES = 1024 * 1024;
/** Header lines of a request together. */
export const MAX_ADMIN_HEADER_BYTES = 16 * 1024;
/** Connections at one time, streams included. */
export const MAX_ADMIN_CONNECTIONS = 1_000;
/** Streams of events at one time. */
export const MAX_ADMIN_STREAMS = 100;
/** Events that wait for the reader of a stream. */
export const MAX_ADMIN_STREAM_BUFFER_BYTES = 4 * 1024 * 1024;
/** A whole request has to be there in time. */
export const ADMIN_REQUEST_TIMEOUT_MS = 30_000;
/** A silent stream says that it lives this often. */
export const ADMIN_STREAM_BEAT_MS = 15_000;
/** How long the active copy may be silent while it answers what another copy passed on; streams say that they live. */
export const ADMIN_PROXY_TIMEOUT_MS = 30_000;
/** How long an open answer may take to go out when the server closes. */
export const ADMIN_CLOSE_MS = 2_000;
/** Tasks in one page of `/v1/tasks`. */
export const MAX_TASKS_PER_PAGE = 1_000;
