/**
 * One seed of a scenario: the framework runs while the faults of the seed happen, everything is healed, and
 * what has to hold must hold in time and leave nothing behind.
 */
import { PlateauError, SeededRandom, errorMessage } from '../../core/base/index.js';
import type { FaultPlan } from '../../core/simulation/index.js';
import { durationMs } from '../decisions/index.js';
import type { Scenario, Story } from './scenario.js';
import { ScenarioRun } from './scenario-run.js';

/** What became of a seed. Plain data. */
export interface SeedResult {
  readonly seed: string;
  /** Undefined: all went well. */
  readonly failed?: SeedFailure;
  /** Stands for the whole run: equal for equal seeds, faults and code. */
  readonly hash: string;
  readonly virtualMs: number;
  readonly faults: FaultPlan;
}

export interface SeedFailure {
  readonly message: string;
  /** Virtual milliseconds after the start. */
  readonly atMs: number;
  /** The last events before it, one a line, when they were asked for. */
  readonly trace?: string;
}

export interface RunSeedOptions {
  /** Keep the last events of a run that fails. Default false. */
  readonly keepsTrace?: boolean;
}

const CHECK_EVERY_MS = 1_000;
/** One seed in so many sends its messages as JSON texts, the others as objects. */
const SEEDS_PER_JSON = 10;

/**
 * Runs a seed. Never rejects for what the scenario does: that is in the result.
 * @param faults what goes wrong; without it, that is drawn from the seed.
 */
export async function runSeed<T extends object>(
  scenario: Scenario<T>,
  seed: string | number,
  faults?: FaultPlan,
  options: RunSeedOptions = {},
): Promise<SeedResult> {
  const run = begun(scenario, String(seed));
  if (!(run instanceof SeedRun)) return { ...run, faults: faults ?? [] };
  const message = await run.failureOf(faults);
  const { hash, virtualMs } = run.cluster.cluster.summary();
  const result = { seed: run.seed, hash, virtualMs, faults: run.cluster.faults?.plan ?? [] };
  if (message === undefined) return result;
  const trace = options.keepsTrace === true && { trace: run.cluster.cluster.trace.tail() };
  return { ...result, failed: { message, atMs: Math.round(virtualMs), ...trace } };
}

/** The run, or the result when the framework or the cluster cannot be made. */
function begun<T extends object>(
  scenario: Scenario<T>,
  seed: string,
): SeedRun<T> | Omit<SeedResult, 'faults'> {
  try {
    return new SeedRun(scenario, seed);
  } catch (error) {
    return { seed, failed: { message: reasonOf(error), atMs: 0 }, hash: '', virtualMs: 0 };
  }
}

class SeedRun<T extends object> extends ScenarioRun<T> {
  readonly #scenario: Scenario<T>;

  constructor(scenario: Scenario<T>, seed: string) {
    super(scenario, { seed, wire: wireOf(seed) });
    this.#scenario = scenario;
  }

  /** Why the run failed, if it did. */
  async failureOf(faults: FaultPlan | undefined): Promise<string | undefined> {
    const { cluster } = this;
    const { faultsFor = '3m', kinds, intensity } = this.#scenario;
    try {
      const { endMs } = cluster.disturb(
        faults ?? {
          for: faultsFor,
          ...(kinds !== undefined && { kinds }),
          ...(intensity !== undefined && { intensity }),
        },
      );
      await this.#scenario.during?.(this);
      await cluster.advance(Math.max(0, endMs - cluster.elapsedMs));
      await this.#converge();
      await this.#scenario.afterwards?.(this);
      await cluster.close();
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** Tries the checks until they hold. */
  async #converge(): Promise<void> {
    const { healWithin = '60s' } = this.#scenario;
    const untilMs = this.cluster.elapsedMs + durationMs(healWithin, 'healWithin');
    for (;;) {
      this.#markLostHosts();
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      const problem = await this.#problem();
      if (problem === undefined) return;
      if (this.cluster.elapsedMs >= untilMs) {
        throw new PlateauError('ASSERTION', `${healWithin} after healing: ${problem}`);
      }
      // oxlint-disable-next-line no-await-in-loop -- as above
      await this.cluster.advance(CHECK_EVERY_MS);
    }
  }

  async #problem(): Promise<string | undefined> {
    try {
      this.cluster.cluster.checkConvergence();
      if (this.#scenario.check === undefined) checkSettled(this);
      else await this.#scenario.check(this);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** What an operator does: otherwise tasks on hosts that are lost for good would be unreachable for ever. */
  #markLostHosts(): void {
    for (const { isLost, name } of this.cluster.cluster.agents) {
      if (isLost) this.cluster.markGone(name);
    }
  }
}

/** What is looked at when a scenario has no check of its own. */
export function checkSettled({ framework }: Story): void {
  framework.expect.connected().agreed().settled();
}

function wireOf(seed: string): 'json' | 'objects' {
  return new SeededRandom(`${seed}/wire`).below(SEEDS_PER_JSON) === 0 ? 'json' : 'objects';
}

/** The reason without the events before it, which errors of the cluster have in their message. */
function reasonOf(error: unknown): string {
  const isReport = error instanceof PlateauError && error.code === 'ASSERTION';
  if (!isReport || error.cause === undefined) return errorMessage(error);
  return errorMessage(error.cause);
}
