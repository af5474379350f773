/**
 * The thread in which seeds run, one after the other: so the command stays awake, can show how far it is, and
 * can be stopped. Loads the scenario itself; what it is told and what it answers is plain data.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isRecord } from '../../../core/base/index.js';
import type { FaultPlan } from '../../../core/simulation/index.js';
import { runSeed } from '../run-seed.js';
import { scenarioIn } from '../scenario.js';

/** Where the scenario is. */
export interface ScenarioSource {
  /** What `import()` takes. */
  readonly url: string;
  /** As it was written, for messages. */
  readonly module: string;
  /** The name of the export, if one was said. */
  readonly name: string | undefined;
}

/** One seed to run. */
export interface SeedRequest {
  readonly seed: string;
  readonly faults?: FaultPlan;
  readonly keepsTrace?: boolean;
}

async function serve(source: ScenarioSource): Promise<void> {
  const exported: unknown = await import(source.url);
  const scenario = scenarioIn(isRecord(exported) ? exported : {}, source);
  parentPort?.on('message', ({ seed, faults, keepsTrace = false }: SeedRequest) => {
    const answer = async (): Promise<void> => {
      const result = await runSeed(scenario, seed, faults, { keepsTrace });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      parentPort?.postMessage(result);
    };
    void answer();
  });
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by SeedWorker
await serve(workerData as ScenarioSource);
