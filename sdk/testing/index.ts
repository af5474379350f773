/**
 * The test kit, `plateau/sdk/testing`: the real kernel in memory, on virtual time, with faults. Imported
 * by a test file of mocha or its like, it looks at the hygiene of every simulation after each test.
 */
import { closeAfterEachTest } from './hook.js';

closeAfterEachTest();

export type { StartedTask } from './agreement.js';
export type { Disturbance, FaultsToDraw } from './disturbance.js';
export { ExpectationError, Expectations } from './expectations.js';
export {
  type GivenTask,
  type OfferedAgent,
  type OffersForOptions,
  offersFor,
  taskView,
} from './offers-for.js';
export { type ReplayDifference, type ReplayOptions, type ReplayResult, replay } from './replay.js';
export { type RunSeedOptions, type SeedFailure, type SeedResult, runSeed } from './run-seed.js';
export type { Scenario, Story } from './scenario.js';
export { SimulatedFramework, type SimulatedFrameworkOptions } from './simulated-framework.js';
export { closeAll, simulate } from './simulate.js';
export { type NodeReference, type SimulateOptions, Simulation } from './simulation.js';
export type { FrameworkUnderTest } from './under-test.js';
export { record } from '../runtime/index.js';
export type { AgentDescription, Fault, FaultKind, FaultPlan } from '../../core/simulation/index.js';
