/** What both ends of a connection have to agree on. */

/** Bytes of the body of one API call. */
export const MAX_CALL_BYTES = 1024 * 1024;
