/** Speaking to masters and agents: as a scheduler, and as an operator. */
export { parseAddresses } from './addresses.js';
export { AgentClient, DEFAULT_AGENT_PORT } from './agent-client.js';
export {
  type ApiClientOptions,
  CONNECT_TIMEOUT_MS,
  type FilePart,
  MAX_REDIRECTS,
  type Query,
  REQUEST_TIMEOUT_MS,
} from './api-client.js';
export { BACKOFF_BASE_MS, BACKOFF_MAX_MS, Backoff, type BackoffOptions, Pause } from './backoff.js';
export { MAX_QUEUED_CALLS } from './call-queue.js';
export {
  INPUT_HEARTBEAT_MS,
  MAX_SESSION_SILENCE_MS,
  type SessionRequest,
  type SessionTerminal,
  type WindowSize,
  runSession,
} from './container-session.js';
export { type EventStream, type EventStreamRequest, openEventStream } from './event-stream.js';
export {
  FOLLOW_INTERVAL_MS,
  type FileReader,
  type FollowOptions,
  followFile,
} from './follow-file.js';
export { DEFAULT_MASTER_PORT, OperatorClient } from './operator-client.js';
export { type SandboxOwner, sandboxPath } from './sandbox-path.js';
export {
  MAX_MISSED_HEARTBEATS,
  type SchedulerCallBody,
  SchedulerClient,
  type SchedulerClientOptions,
} from './scheduler-client.js';
export { OfferRemainder, type TaskSize } from './offer-remainder.js';
export {
  FIRST_CONNECT_TIMEOUT_MS,
  MAX_LAUNCHES,
  type TaskRecord,
  type TaskRequest,
  TaskRunner,
  type TaskRunnerOptions,
  isOver,
} from './task-runner.js';
