/** The cluster of a scenario with its framework, without anything that goes wrong yet. */
import { PlateauError, type Random, SeededRandom } from '../../core/base/index.js';
import type { Interceptor } from '../runtime/index.js';
import type { Scenario, Story } from './scenario.js';
import type { SimulatedFramework } from './simulated-framework.js';
import { type SimulateOptions, Simulation } from './simulation.js';

export interface ScenarioRunOptions extends Pick<SimulateOptions, 'hygiene'> {
  readonly seed: string;
  readonly wire: 'json' | 'objects';
  /** In place of those of the scenario. */
  readonly agents?: SimulateOptions['agents'] | undefined;
  readonly interceptors?: readonly Interceptor[];
}

/** Agents of a scenario that does not say how many. */
const DEFAULT_AGENTS = 5;

export class ScenarioRun<T extends object> implements Story<T> {
  readonly cluster: Simulation;
  readonly copies: readonly SimulatedFramework<T>[];
  readonly seed: string;
  readonly random: Random;

  constructor(scenario: Scenario<T>, options: ScenarioRunOptions) {
    const {
      seed,
      interceptors = [],
      agents = scenario.agents ?? DEFAULT_AGENTS,
      ...others
    } = options;
    this.seed = seed;
    this.random = new SeededRandom(`${seed}/scenario`);
    const { framework, overrides, provide, copies = 1 } = scenario;
    this.cluster = new Simulation({ ...clusterOptions(scenario), ...others, agents, seed });
    const runOptions = { overrides, provide, interceptors };
    this.copies =
      copies === 1
        ? [this.cluster.run(framework, runOptions)]
        : this.cluster.runCopies(framework, copies, runOptions);
  }

  get framework(): SimulatedFramework<T> {
    const active = this.copies.find(({ isActive }) => isActive) ?? this.copies[0];
    if (active !== undefined) return active;
    throw new PlateauError('INVALID_REQUEST', 'a scenario has at least one copy of its framework');
  }
}

function clusterOptions<T extends object>(scenario: Scenario<T>): SimulateOptions {
  const { masterConfig, agentConfig, network, maxCommitMs, keepsReservations } = scenario;
  return {
    ...(masterConfig !== undefined && { masterConfig }),
    ...(agentConfig !== undefined && { agentConfig }),
    ...(network !== undefined && { network }),
    ...(maxCommitMs !== undefined && { maxCommitMs }),
    ...(keepsReservations !== undefined && { keepsReservations }),
  };
}
