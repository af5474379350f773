/** A whole cluster in one process, on virtual time, with faults. */
export type { ContainerEnd } from '../agent/index.js';
export { type ConnectionEnd, MAX_MESSAGES_IN_FLIGHT } from './connection.js';
export { FakeContainerizer, FakeSandboxes } from './fake-containerizer.js';
export { FakeHost, type FakeHostOptions, type HostContainer } from './fake-host.js';
export { DEFAULT_NETWORK, Network, type NetworkOptions } from './network.js';
export { type Answer, type Program, parseProgram } from './programs.js';
export {
  MAX_PENDING_CALLS,
  SchedulerLink,
  type SchedulerLinkHandlers,
  type SchedulerLinkOptions,
} from './scheduler-link.js';
export { SimulatedAgent } from './simulated-agent.js';
export {
  MASTER_NODE,
  SimulatedCluster,
  type SimulatedClusterOptions,
  lineLogger,
} from './simulated-cluster.js';
export { SimulatedMaster } from './simulated-master.js';
export {
  MAX_RECORDED_EVENTS,
  SimulatedScheduler,
  type SimulatedSchedulerOptions,
} from './simulated-scheduler.js';
export { type SeenUpdate, type SimulatedJob, SimulatedTask } from './simulated-task.js';
export { MAX_TRACE_EVENTS, Trace, type TraceEvent } from './trace.js';
