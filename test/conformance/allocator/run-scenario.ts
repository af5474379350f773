/** Runs a scenario of either kind. */
import type { Scenario } from './scenario.js';
import { runAllocatorScenario } from './scenario-runner.js';
import { runSorterScenario } from './sorter-runner.js';

/** Resolves when all expectations held; rejects at the first that did not. */
export async function runScenario(scenario: Scenario): Promise<void> {
  if (scenario.sorter === undefined) await runAllocatorScenario(scenario);
  else runSorterScenario(scenario);
}
