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
  MAX_ATTACHED_PATHS,
  MAX_BROWSE_ENTRIES,
  MAX_CONNECTIONS,
  MAX_FILE_READ_BYTES,
  MAX_HEADER_BYTES,
  MAX_HEADER_LINES,
  MAX_LINK_BUFFER_BYTES,
  MAX_LINK_MESSAGE_BYTES,
  MAX_STREAM_BUFFER_BYTES,
  PAGE_STALL_MS,
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
export {
  MAX_CACHED_PAGES,
  MAX_CACHED_PAGE_BYTES,
  MAX_OUTDATED_PAGE_BYTES,
  PAGE_KEEP_MS,
  PageCache,
  type PageCacheOptions,
  type PageSource,
  type VersionedSource,
} from './pages/page-cache.js';
export type { Page } from './pages/page.js';
export { MAX_PAGE_PART_BYTES, PartPool } from './pages/part-pool.js';
export { SharedBody } from './pages/shared-body.js';
export {
  MAX_KEPT_TEXT_BYTES,
  TEXT_KEEP_FULL_MS,
  TEXT_KEEP_MS,
  TEXT_SLAB_BYTES,
  type TextPiece,
  type TextStretch,
  TextStore,
} from './pages/text-store.js';
export { PAGE_SLICE_MS, Turns } from './pages/turns.js';
export { type TextPieces, writeText } from './pages/write-text.js';
export type { ServedAgent } from './served-agent.js';
export type { ServedMaster } from './served-master.js';
export { LINK_PROTOCOL } from './upgrade-request.js';
