/** Checks in a whole simulated cluster, with agents that die in the middle of them. */
import { expect } from 'chai';
import type { CheckInfo, HealthCheck } from '../../core/api/index.js';
import { at } from '../../core/base/index.js';
import {
  SimulatedCluster,
  type SimulatedJob,
  type SimulatedTask,
  parseProgram,
} from '../../core/simulation/index.js';

const MINUTE_MS = 60_000;
const PORT = 31_000;
const HEALTH: HealthCheck = {
  type: 'HTTP',
  http: { port: PORT },
  delay_seconds: 1,
  interval_seconds: 1,
  timeout_seconds: 2,
};
const CHECK: CheckInfo = {
  type: 'COMMAND',
  command: { command: { value: `ask ${PORT}` } },
  delay_seconds: 0,
  interval_seconds: 1,
};

function job(command: string, checks: Pick<SimulatedJob, 'healthCheck' | 'check'>): SimulatedJob {
  return { name: 'job', command, cpus: 1, memoryMiB: 64, ...checks };
}

/** Runs one task; `during` may disturb the cluster. */
async function run(
  seed: string,
  one: SimulatedJob,
  during: (cluster: SimulatedCluster) => Promise<void> = (cluster) =>
    cluster.advance(3 * MINUTE_MS),
): Promise<SimulatedTask> {
  const cluster = new SimulatedCluster({ seed });
  const scheduler = cluster.addScheduler({ name: 'web', jobs: [one] });
  cluster.start();
  await during(cluster);
  return at([...scheduler.tasks.values()], 0);
}

const healthOf = (task: SimulatedTask): string => {
  const seen = new Set<string>();
  return task.updates
    .filter(({ uuid = '', reason }) => {
      const isNews = reason === 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' && !seen.has(uuid);
      seen.add(uuid);
      return isNews;
    })
    .map(({ healthy }) => (healthy === true ? '+' : '-'))
    .join('');
};

describe('Programs that listen', () => {
  it('answer by their script', () => {
    const program = parseProgram('hang on 80 answers 503 for 5s, 200 for 1m, silence');
    expect(program).to.deep.include({ end: undefined, port: 80 });
    expect(program.answers).to.deep.equal([
      { answer: 503, untilMs: 5000 },
      { answer: 200, untilMs: 65_000 },
      { answer: 'silence', untilMs: Infinity },
    ]);
  });
});

describe('Checks in a cluster', () => {
  it('tell health and results, and leave a healthy task alone', async () => {
    const program = `sleep 60 on ${PORT} answers refused for 5s, 200`;
    const task = await run('well', job(program, { healthCheck: HEALTH, check: CHECK }));
    expect(healthOf(task)).to.equal('+');
    expect(task.state).to.equal('TASK_FINISHED');
    const codes = task.updates.map(({ checkStatus }) => checkStatus?.command?.exit_code);
    const changes = codes.filter((code, index) => index === 0 || code !== codes[index - 1]);
    expect(changes).to.deep.equal([undefined, 1, 0, undefined]);
  });

  it('end a task that falls silent', async () => {
    const program = `hang on ${PORT} answers 200 for 20s, silence`;
    const task = await run('silent', job(program, { healthCheck: HEALTH }));
    expect(healthOf(task)).to.equal('+---');
    expect(task.state).to.equal('TASK_KILLED');
    expect(task.updates.at(-1)?.healthy).to.equal(false);
  });

  for (const seed of ['one', 'two', 'three', 'four', 'five']) {
    it(`kill nobody for the absence of agents and masters (seed ${seed})`, async () => {
      const program = `hang on ${PORT} answers 200`;
      const task = await run(
        seed,
        job(program, { healthCheck: HEALTH, check: CHECK }),
        async (cluster) => {
          await cluster.advance(20_000);
          for (let round = 0; round < 10; round++) {
            if (round % 3 === 0) cluster.crashMaster();
            cluster.crashAgent(0);
            await cluster.advance(100 + 7000 * cluster.world.random.next());
            cluster.restartAgent(0);
            await cluster.advance(3000 * cluster.world.random.next());
            if (round % 3 === 0) cluster.restartMaster();
          }
          await cluster.advance(MINUTE_MS);
        },
      );
      expect(healthOf(task)).to.equal('+');
      expect(task.state).to.equal('TASK_RUNNING');
    });
  }
});
