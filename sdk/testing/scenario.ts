/**
 * A story that is tried under the faults of many seeds: a framework, a cluster, and what has to hold once
 * everything is healed. `plateau simulate` runs what a module exports; `runSeed` runs one seed of it.
 */
import { PlateauError, type Random, isRecord } from '../../core/base/index.js';
import type { FaultKind } from '../../core/simulation/index.js';
import type { Duration } from '../decisions/index.js';
import { type FrameworkClass, type Provided, isFrameworkClass } from '../framework/index.js';
import type { SimulatedFramework } from './simulated-framework.js';
import type { SimulateOptions, Simulation } from './simulation.js';
import type { FrameworkUnderTest } from './under-test.js';

/** One run of a scenario. */
export interface Story<T extends object = object> {
  readonly cluster: Simulation;
  /** Of several copies the active one. */
  readonly framework: SimulatedFramework<T>;
  readonly copies: readonly SimulatedFramework<T>[];
  readonly seed: string;
  /** For what the scenario itself draws. */
  readonly random: Random;
}

export interface Scenario<T extends object = object> extends Pick<
  SimulateOptions,
  'agents' | 'masterConfig' | 'agentConfig' | 'network' | 'maxCommitMs' | 'keepsReservations'
> {
  readonly framework: FrameworkUnderTest<T>;
  /** Options that replace those of `@Framework`, one by one. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** What `inject` finds in the framework. Each seed has what `make` makes for itself, and shares each `value`. */
  readonly provide?: readonly Provided[];
  /** Copies of the framework, of which one is active. Default 1. */
  readonly copies?: number;
  /** All faults begin within this time. Default 3 minutes. */
  readonly faultsFor?: Duration;
  /** How long it may take, once everything is healed, until `check` passes. Default 60 seconds. */
  readonly healWithin?: Duration;
  /** Kinds of faults to draw. Default all. */
  readonly kinds?: readonly FaultKind[];
  /** How many faults of a kind in a minute, in the mean over all seeds that have it. Default 1. */
  readonly intensity?: number;
  /** What happens beside the faults. It may let time pass. */
  during?(story: Story<T>): void | Promise<void>;
  /**
   * Throws while it does not hold. It is called again, with a second between, until it passes or the time is
   * over; it must change nothing. Default: the framework is subscribed, wants nothing that it does not explain,
   * and agrees with the master and the hosts on what runs.
   */
  check?(story: Story<T>): void | Promise<void>;
  /** What has to come true later on, when `check` has passed. It may let time pass. */
  afterwards?(story: Story<T>): void | Promise<void>;
}

/** What a module may export to be simulated. */
export function isScenario(value: unknown): value is Scenario {
  return isRecord(value) && 'framework' in value && !isFrameworkClass(value);
}

/**
 * Finds the scenario in what a module exports: the one that is named, else the default export, else
 * `scenario`, else the only scenario or framework.
 * @throws PlateauError `INVALID_FLAG` saying what was found instead.
 */
export function scenarioIn(
  exported: Readonly<Record<string, unknown>>,
  { module, name }: { readonly module: string; readonly name?: string | undefined },
): Scenario {
  const found = Object.entries(exported).filter(
    (entry): entry is [string, Scenario | FrameworkClass] =>
      isScenario(entry[1]) || isFrameworkClass(entry[1]),
  );
  const pick = (wanted: string): Scenario | FrameworkClass | undefined =>
    found.find(([each]) => each === wanted)?.[1];
  const scenarios = [...new Set(found.map(([, each]) => each))];
  const chosen =
    name === undefined
      ? (pick('default') ?? pick('scenario') ?? (scenarios.length === 1 ? scenarios[0] : undefined))
      : pick(name);
  if (chosen !== undefined) return isScenario(chosen) ? chosen : { framework: chosen };
  const names = found.map(([each]) => each).toSorted();
  const [first] = names;
  throw new PlateauError('INVALID_FLAG', `module '${module}' ${problemOf(name, names)}`, {
    context: { module, ...(first !== undefined && { first }) },
  });
}

function problemOf(name: string | undefined, names: readonly string[]): string {
  if (names.length === 0) {
    return 'exports nothing to simulate: export a scenario, or a class with @Framework';
  }
  const list = names.join(', ');
  return name === undefined
    ? `exports several scenarios and frameworks: name one, as in FILE.js#${names[0] ?? ''} (${list})`
    : `exports no scenario or framework '${name}'; it exports ${list}`;
}
