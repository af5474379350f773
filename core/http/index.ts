/** The servers of master and agent, and the connection between the two. */
export { AgentServer, type AgentServerOptions } from './agent-server.js';
export type { FileRoot } from './files.js';
export type { LeaderAddress, Leadership } from './leadership.js';
export {
  COMPRESS_FROM_BYTES,
  CONNECTIONS_CHECK_MS,
  HEADERS_TIMEOUT_MS,
  HTTP_LIMITS,
  type HttpLimits,
  KEEP_ALIVE_MS,
  MAX_BROWSE_ENTRIES,
  MAX_CALL_BYTES,
  MAX_CONNECTIONS,
  MAX_FILE_READ_BYTES,
  MAX_HEADER_BYTES,
  MAX_HEADER_LINES,
  MAX_LINK_BUFFER_BYTES,
  MAX_LINK_MESSAGE_BYTES,
  MAX_STREAM_BUFFER_BYTES,
  REQUEST_TIMEOUT_MS,
  STREAM_CLOSE_MS,
} from './limits.js';
export { LINK_PATH } from './link-server.js';
export {
  HttpMasterConnector,
  type HttpMasterConnectorOptions,
  type MasterConnectionOwner,
} from './master-connector.js';
export type { MasterServerOptions } from './master-context.js';
export { MasterServer } from './master-server.js';
export type { ServedAgent } from './served-agent.js';
export type { ServedMaster } from './served-master.js';
export { LINK_PROTOCOL } from './upgrade-request.js';
