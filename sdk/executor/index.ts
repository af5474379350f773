/**
 * The door of the executor SDK, `plateau/sdk/executor`: a custom executor is one class whose methods run the
 * tasks; everything between them and the agent is done for them.
 */
export {
  FIRST_SUBSCRIPTION_TIMEOUT_MS,
  RESUBSCRIBE_BASE_MS,
  RESUBSCRIBE_MAX_MS,
} from './connection.js';
export { MAX_UPDATE_MESSAGE_CHARS } from './core-tasks.js';
export {
  Executor,
  type ExecutorDecorator,
  type ExecutorHandlerOptions,
  type ExecutorOptions,
  type LaunchOptions,
  OnConnected,
  OnDisconnected,
  OnKill,
  OnLaunch,
  OnLaunchGroup,
  OnMessage,
  OnShutdown,
} from './decorators.js';
export {
  DEFAULT_KILL_GRACE_MS,
  type ExecutorDefinition,
  type ExecutorHandlerDefinition,
  readExecutor,
} from './definition.js';
export type { CoreReport, ExecutorEffect, ExecutorInput, Outcome } from './effects.js';
export { type Environment, type ExecutorSettings, readEnvironment } from './environment.js';
export {
  ExecutorCore,
  type ExecutorCoreOptions,
  LAST_UPDATES_MS,
  MAX_WAITING_UPDATES_PER_TASK,
  RESEND_AFTER_MS,
} from './executor-core.js';
export type { ExecutorEnd } from './executor-runtime.js';
export type {
  AgentConnected,
  AgentDisconnected,
  ExecutorClock,
  ExecutorContext,
  ExecutorEventContext,
  ExecutorEventHandler,
  ExecutorEventKind,
  ExecutorEvents,
  ExecutorHandlerKind,
  ExecutorShutdown,
  ExecutorTask,
  KillRequest,
  LaunchGroupHandler,
  LaunchHandler,
  LaunchResult,
  ReportedState,
  SchedulerMessage,
  TaskGroup,
  TaskReport,
  TaskResult,
} from './handlers.js';
export {
  AGENT_REQUEST_TIMEOUT_MS,
  HttpAgentLink,
  type HttpAgentLinkOptions,
  MAX_WAITING_CALLS,
} from './http-link.js';
export type { AgentLink, AgentSession, AgentSessionHandlers } from './link.js';
export { type RunExecutorOptions, runExecutor } from './run-executor.js';
