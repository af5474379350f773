/** The admin interface of frameworks: built-in routes, routes of their own, OpenAPI, events, metrics. */
export {
  ADMIN_CLIENT_TIMEOUT_MS,
  ADMIN_STREAM_SILENCE_MS,
  type AdminCall,
  AdminClient,
  type AdminClientOptions,
  type RefusalText,
  pathPart,
} from './client.js';
export {
  Admin,
  type AdminRequest,
  Delete,
  Get,
  type HttpMethod,
  type ParametersOf,
  Patch,
  Post,
  Put,
  type RouteOptions,
  adminPrefix,
} from './decorators.js';
export {
  ADMIN_CLOSE_MS,
  ADMIN_PROXY_TIMEOUT_MS,
  ADMIN_REQUEST_TIMEOUT_MS,
  ADMIN_STREAM_BEAT_MS,
  MAX_ADMIN_BODY_BYTES,
  MAX_ADMIN_CONNECTIONS,
  MAX_ADMIN_HEADER_BYTES,
  MAX_ADMIN_STREAMS,
  MAX_ADMIN_STREAM_BUFFER_BYTES,
  MAX_TASKS_PER_PAGE,
} from './limits.js';
export { NamedEvent } from './event-stream.js';
export { LEADER_HEADER, VIA_HEADER } from './proxy.js';
export {
  HttpAnswer,
  type HttpAnswerOptions,
  Mount,
  type MountOptions,
  type MountedRequest,
} from './mount.js';
export type { HasMetrics, Metric } from './metrics.js';
export type { ActiveFramework, AdminRuntime, AdminView } from './port.js';
export type { Answered, RouteClient } from './route-client.js';
export { RequestRefused, refuse } from './refusal.js';
export type { SentEvent } from './sent-events.js';
export { AdminServer, type AdminServerOptions } from './server.js';
