/**
 * What the way through scheduler, master and agent costs: short tasks end to end against the bare
 * launcher, by turns in one run, because the machine is never the same for long.
 */
import { Cluster, shortTasks } from './cluster.js';
import { LauncherBench } from './launcher.js';
import { type BenchResult, percentile } from './result.js';

const TASKS = 1_000;
/** Until the code of all programs is compiled: before, either side would measure the compiler. */
const WARM_UP_TASKS = 2_000;
const ROUNDS = 5;

export async function benchRatio(): Promise<readonly BenchResult[]> {
  const bare = await LauncherBench.start();
  const cluster = await Cluster.start();
  try {
    await bare.shortTasks(WARM_UP_TASKS);
    for (let done = 0; done < WARM_UP_TASKS; done += TASKS) await shortTasks(cluster, TASKS);
    const rounds: { readonly bare: number; readonly whole: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ bare: await bare.shortTasks(TASKS), whole: await shortTasks(cluster, TASKS) });
    }
    const median = (samples: readonly number[]): number => percentile(samples, 0.5);
    const note = `median of ${ROUNDS} rounds of ${TASKS} tasks each, by turns`;
    return [
      {
        name: 'bare launcher',
        value: median(rounds.map((each) => each.bare)),
        unit: 'tasks/s',
        note,
      },
      {
        name: 'end to end',
        value: median(rounds.map((each) => each.whole)),
        unit: 'tasks/s',
        note,
      },
      {
        name: 'end to end / bare launcher',
        value: median(rounds.map((each) => (100 * each.whole) / each.bare)),
        unit: '%',
        note,
      },
    ];
  } finally {
    await cluster.stop();
    await bare.stop();
  }
}
