/** A whole cluster in one process, on virtual time, with faults. */
export type { ContainerEnd } from '../agent/index.js';
export { type AppliedFaults, applyFaults } from './apply-faults.js';
export { type ConnectionEnd, MAX_MESSAGES_IN_FLIGHT } from './connection.js';
export {
  type DrawFaultsOptions,
  LONGEST_FAULT_MS,
  MAX_FAULTS,
  drawFaults,
  isFaultKind,
} from './draw-faults.js';
export { FAULT_KINDS, type Fault, type FaultKind, type FaultPlan, endOfPlan } from './faults.js';
export { FakeContainerizer, FakeSandboxes } from './fake-containerizer.js';
export {
  FakeHost,
  type FakeHostOptions,
  type HostContainer,
  type HostEvent,
  MAX_REMEMBERED_TASKS,
} from './fake-host.js';
export { MAX_REMEMBERED_STARTS } from './invariants.js';
export { sizeRefusal } from './call-size.js';
export { DEFAULT_NETWORK, Network, type NetworkOptions } from './network.js';
export { type ProcessWorld, ProcessClock, processWorld } from './process-world.js';
export { type Answer, type Program, type ProgramEnd, drawLife, parseProgram } from './programs.js';
export {
  MAX_PENDING_CALLS,
  SchedulerLink,
  type SchedulerLinkHandlers,
  type SchedulerLinkOptions,
} from './scheduler-link.js';
export { type ShrinkResult, shrinkFaults } from './shrink-faults.js';
export { type AgentDescription, SimulatedAgent } from './simulated-agent.js';
export {
  MASTER_NODE,
  MAX_REMEMBERED_FRAMEWORKS,
  type RunSummary,
  SimulatedCluster,
  type SimulatedClusterOptions,
  lineLogger,
} from './simulated-cluster.js';
export { SimulatedMaster } from './simulated-master.js';
export {
  type ProcessDisk,
  type ProcessLife,
  type ProcessProgram,
  SimulatedProcess,
} from './simulated-process.js';
export {
  MAX_ENDED_TASKS,
  MAX_RECORDED_EVENTS,
  MAX_REMEMBERED_OFFERS,
  SimulatedScheduler,
  type SimulatedSchedulerOptions,
} from './simulated-scheduler.js';
export { type SeenUpdate, type SimulatedJob, SimulatedTask } from './simulated-task.js';
export { MAX_TRACE_EVENTS, Trace, type TraceEvent } from './trace.js';
export { type Parcel, type Wire, type WireForm, wireOf } from './wire.js';
