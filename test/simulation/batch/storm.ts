/**
 * An array in a cluster where everything fails now and then: the scheduler is killed every few seconds, hosts go down,
 * are cut off for minutes or lost for good, masters die and are deposed. The seed fixes all of it.
 */
import { expect } from 'chai';
import { BatchCluster } from './support.js';

const AGENTS = 8;
/** Hosts that are lost for good, in all. */
const MOST_LOST = 2;
const REPLACE_AFTER_SECONDS = 20;
const MOST_ROUNDS = 2_000;

export interface StormOptions {
  readonly seed: string | number;
  readonly indexes: number;
  readonly parallelism: number;
  readonly whenUnreachable?: 'replace' | 'wait';
}

export interface StormResult {
  readonly cluster: BatchCluster;
  readonly kills: number;
  readonly partitions: number;
}

/** Agents that are full when three quarters of them run what the throttle allows: tasks are on many of them. */
function agentOf(parallelism: number): string {
  return `cpus:${Math.ceil(parallelism / (AGENTS * 0.75))};mem:65536`;
}

/** Runs the array to its end, and holds it to what is promised whatever fails. */
export async function storm(options: StormOptions): Promise<StormResult> {
  const { seed, indexes, parallelism, whenUnreachable = 'replace' } = options;
  const cluster = await BatchCluster.start({
    seed: String(seed),
    agents: Array.from({ length: AGENTS }, () => agentOf(parallelism)),
    // An agent out of reach is told soon, also by a master that has only just begun.
    masterConfig: {
      agentPingTimeoutMs: 2_000,
      maxAgentPingTimeouts: 3,
      agentReregisterTimeoutMs: 5_000,
    },
  });
  await cluster.submit({
    completions: indexes,
    parallelism,
    whenUnreachable,
    replaceAfterSeconds: REPLACE_AFTER_SECONDS,
    template: { command: 'run between 1s and 40s then exit 0', cpus: 1 },
  });
  const counts = await rage(cluster, {
    mostLost: whenUnreachable === 'replace' ? MOST_LOST : 0,
    spare: agentOf(parallelism),
  });
  // What is cut off comes back, and what was given up there ends.
  cluster.simulation.heal();
  const job = await cluster.finished();
  expect(job).to.include({ state: 'SUCCEEDED', succeeded: indexes, failed: 0 });
  await cluster.simulation.advance('2m');
  expectHeld(cluster, options);
  return { cluster, ...counts };
}

/** Faults until the job is over. */
async function rage(
  cluster: BatchCluster,
  { mostLost, spare }: { readonly mostLost: number; readonly spare: string },
): Promise<{ readonly kills: number; readonly partitions: number }> {
  const { simulation, batch } = cluster;
  const random = simulation.cluster.world.random.fork('storm');
  let [kills, partitions, lost] = [0, 0, 0];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    await simulation.advance(1_000 + random.below(3_000));
    if (batch.isRunning && cluster.isStarted && cluster.job().finishedAt !== undefined) break;
    batch.crash();
    kills++;
    const { agents } = simulation;
    const agent = agents[random.below(agents.length)] ?? '';
    const draw = random.below(30);
    if (draw < 3) simulation.reboot(agent);
    else if (draw < 6) simulation.restartMaster();
    else if (draw < 7) simulation.deposeMaster();
    else if (draw < 11) {
      simulation.partition(agent);
      partitions++;
    } else if (draw < 13) simulation.heal();
    else if (draw < 14 && lost < mostLost) {
      lost++;
      simulation.lose(agent);
      simulation.addAgent(spare);
    }
    await simulation.advance(100 + random.below(1_500));
    batch.start();
  }
  return { kills, partitions };
}

function expectHeld({ engine, witness, simulation }: BatchCluster, options: StormOptions): void {
  const { indexes, parallelism, whenUnreachable, seed } = options;
  const where = `seed ${seed}`;
  witness.expectAgreesWith(simulation);
  expect(witness.mostOf('job'), `${where}: most tasks at one instant`).to.be.at.most(parallelism);
  expect(witness.starts.size, `${where}: indexes that were started`).to.equal(indexes);
  const job = engine.job('job');
  const step = engine.step(job);
  // Each start of an index is an attempt that is told: over, or of a task on a host that is lost.
  const told = new Map<string, { all: number; replaced: number }>();
  const note = (index: number, isReplaced: boolean): void => {
    const of = told.get(`job.${index}`) ?? { all: 0, replaced: 0 };
    told.set(`job.${index}`, {
      all: of.all + 1,
      replaced: of.replaced + (isReplaced ? 1 : 0),
    });
  };
  for (const { index, isReplaced } of engine.attempts(job, step)) note(index, isReplaced);
  for (const { index, isReplaced } of job.strays.values()) note(index, isReplaced);
  for (const [piece, starts] of witness.starts) {
    expect(starts, `${where}: starts of ${piece}`).to.be.at.most(told.get(piece)?.all ?? 0);
  }
  for (const piece of witness.doubled) {
    expect(told.get(piece)?.replaced, `${where}: ${piece} ran twice at one time`).to.be.above(0);
  }
  if (whenUnreachable === 'wait') expect(witness.doubled.size, where).to.equal(0);
  expect(witness.doubled.size, where).to.be.at.most(step.replaced);
  step.array.assertInvariant();
}
