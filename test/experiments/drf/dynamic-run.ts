/**
 * Two jobs on 48 agents of 4 cpus and 14 GB whose demands change after two and after four minutes:
 * what each holds at one, three and five minutes. Runs on the whole simulator.
 */
import { SeededRandom } from '../../../core/base/index.js';
import type { Amounts } from '../model/amounts.js';
import { SteadyFramework } from '../model/steady-framework.js';
import { SimulatedHost } from '../model/simulated-host.js';

const MINUTE_MS = 60_000;
const MIB_PER_GB = 1024;
const AGENTS = 48;
const AGENT: Amounts = { cpus: 4, mem: 14 * MIB_PER_GB };
/** Not published. Short against the two minutes of a phase. */
export const DYNAMIC_TASK_MS = 6_000;

/** What a task of each job takes in one phase: cpus, and memory in GB. */
interface Phase {
  readonly fromMs: number;
  readonly one: readonly [cpus: number, gigabytes: number];
  readonly two: readonly [cpus: number, gigabytes: number];
  readonly published: string;
}

export const PHASES: readonly Phase[] = [
  { fromMs: 0, one: [1, 10], two: [1, 1], published: '1: ≈ 70 % memory, 2: ≈ 75 % cpus' },
  { fromMs: 2 * MINUTE_MS, one: [2, 4], two: [1, 3], published: 'cpus equal' },
  { fromMs: 4 * MINUTE_MS, one: [1, 7], two: [1, 4], published: 'memory equal' },
];

export interface DynamicRow {
  readonly atMinutes: number;
  readonly demands: string;
  /** Parts of the cluster. */
  readonly one: { readonly cpus: number; readonly memory: number };
  readonly two: { readonly cpus: number; readonly memory: number };
  readonly published: string;
}

/** Rows for minutes 1, 3 and 5: means over 20 s around that time. */
export async function runDynamic(seed: string, agents = AGENTS): Promise<readonly DynamicRow[]> {
  const host = await SimulatedHost.start({ seed, agents, offered: AGENT });
  const random = new SeededRandom(`${seed}/dynamic`);
  for (const name of ['one', 'two'] as const) {
    host.add(
      new SteadyFramework({
        name,
        taskMs: DYNAMIC_TASK_MS,
        random: random.fork(name),
        demandAt: (nowMs) => demandOf(phaseAt(nowMs)[name]),
        changesMs: PHASES.map((phase) => phase.fromMs),
      }),
    );
  }
  const rows: DynamicRow[] = [];
  for (const atMinutes of [1, 3, 5]) {
    await host.advance(atMinutes * MINUTE_MS - (SAMPLES / 2) * SAMPLE_MS - host.nowMs());
    rows.push({ atMinutes, ...(await sample(host, agents)), ...describe(atMinutes * MINUTE_MS) });
  }
  return rows;
}

const SAMPLES = 40;
const SAMPLE_MS = 500;

async function sample(
  host: SimulatedHost,
  agents: number,
): Promise<Pick<DynamicRow, 'one' | 'two'>> {
  const sums = { one: { cpus: 0, memory: 0 }, two: { cpus: 0, memory: 0 } };
  for (let index = 0; index < SAMPLES; index++) {
    await host.advance(SAMPLE_MS);
    for (const name of ['one', 'two'] as const) {
      sums[name].cpus += host.book.used('cpus', name) / (SAMPLES * agents * (AGENT['cpus'] ?? 0));
      sums[name].memory += host.book.used('mem', name) / (SAMPLES * agents * (AGENT['mem'] ?? 0));
    }
  }
  return sums;
}

function phaseAt(nowMs: number): Phase {
  const phase = PHASES.findLast(({ fromMs }) => fromMs <= nowMs);
  return phase ?? { fromMs: 0, one: [1, 1], two: [1, 1], published: '' };
}

function describe(nowMs: number): Pick<DynamicRow, 'demands' | 'published'> {
  const { one, two, published } = phaseAt(nowMs);
  return { demands: `⟨${one.join(', ')} GB⟩ and ⟨${two.join(', ')} GB⟩`, published };
}

function demandOf([cpus, gigabytes]: readonly [number, number]): Amounts {
  return { cpus, mem: gigabytes * MIB_PER_GB };
}
