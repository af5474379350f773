/**
 * Jobs of the cron scheduler that are all due at one moment: how long after it each is claimed, and how long until
 * all rows are on disk. The runtime and the LMDB store are those of production; there is no master.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type World, systemWorld } from '../../core/base/index.js';
import { openStore } from '../../core/store/index.js';
import { Cron, CronDocument, specOf } from '../../frameworks/cron/index.js';
import { checkShape, readFramework } from '../../sdk/framework/index.js';
import { FrameworkRuntime, type Transport } from '../../sdk/runtime/index.js';
import type { Bench } from './bench.js';
import type { BenchResult } from './result.js';

const JOBS = 5_000;
/** How long before midnight the scheduler starts: the jobs are created meanwhile. */
const AHEAD_MS = 8_000;

/** Nobody answers. */
const SILENCE: Transport = {
  open: () => ({ master: undefined, call: async () => undefined, close: async () => undefined }),
  close: async () => undefined,
};

/** A world whose wall clock shows a while before midnight. */
function eveningWorld(): World {
  const world = systemWorld();
  const { clock } = world;
  const aheadMs = Date.UTC(2030, 0, 2) - AHEAD_MS - clock.now();
  const shifted = {
    now: () => clock.now() + aheadMs,
    elapsed: () => clock.elapsed(),
    setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs, callback),
  };
  return { ...world, clock: shifted };
}

function jobDocument(index: number): CronDocument {
  // Several texts, so that timetables are shared as in practice, not by all.
  const cron = `0 0,${1 + (index % 22)} * * *`;
  const plain = {
    id: `job-${index}`,
    schedules: [{ cron }],
    run: { template: { command: 'true' } },
  };
  const checked = checkShape(CronDocument, plain);
  if (checked.kind === 'bad') throw new Error(JSON.stringify(checked.problems));
  return checked.value;
}

async function run(): Promise<readonly BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-bench-'));
  const store = openStore(`lmdb:${folder}`);
  const world = eveningWorld();
  const cron = new Cron();
  const runtime = new FrameworkRuntime({
    world,
    framework: cron,
    definition: readFramework(cron, { user: 'nobody' }),
    transport: SILENCE,
    store,
    epoch: await store.claimEpoch(),
  });
  const running = runtime.run();
  try {
    await runtime.decide(undefined);
    await runtime.turn(() =>
      cron.change(runtime.context, (engine, nowMs) => {
        for (let index = 0; index < JOBS; index++) {
          engine.create(specOf(jobDocument(index), nowMs), nowMs);
        }
      }),
    );
    const midnightMs = Date.UTC(2030, 0, 2);
    while (cron.engine.metrics.claimed < JOBS) {
      await new Promise((resolve) => world.clock.setTimer(20, () => resolve(undefined)));
    }
    await runtime.decide(undefined);
    const durableMs = world.clock.now() - midnightMs;
    const { claimLag } = cron.engine.metrics;
    const name = `cron: ${JOBS} jobs at midnight`;
    return [
      { name: `${name}, claimed, median`, value: claimLag.quantile(0.5), unit: 'ms' },
      { name: `${name}, claimed, 99 %`, value: claimLag.quantile(0.99), unit: 'ms' },
      { name: `${name}, all rows on disk`, value: durableMs, unit: 'ms' },
    ];
  } finally {
    await runtime.close();
    await running;
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const CRON_MIDNIGHT: Bench = { name: 'CronMidnight', run };
