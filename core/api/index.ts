/** The v1 vocabulary: message types and schema, JSON codec, RecordIO, validation of calls. */
export type * from './messages.js';
export { ENUM_TABLE, MESSAGE_TABLE } from './schema/table.js';
