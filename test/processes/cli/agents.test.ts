import { expect } from 'chai';
import { isRecord } from '../../../core/base/index.js';
import { FaultCluster, type Program, eventually } from '../faults/cluster.js';
import { Running, plateau } from './command.js';

const DRAIN = { max_grace_period: { nanoseconds: 60_000_000_000 }, mark_gone: false };

describe('plateau agents', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;
  let environment: Readonly<Record<string, string>>;
  /** The ids of the agents, and what runs under them. */
  let ids: readonly string[];

  before(async () => {
    cluster = await FaultCluster.start(2);
    environment = { PLATEAU_MASTER: cluster.master.url };
    const rows = JSON.parse((await run('--json')).stdout) as readonly { readonly id: string }[];
    ids = rows.map(({ id }) => id).toSorted();
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function run(...argv: readonly string[]): ReturnType<typeof plateau> {
    return plateau(['agents', ...argv], environment);
  }

  /** The state of each agent, by the last part of its id. */
  async function states(): Promise<Readonly<Record<string, string>>> {
    const rows = JSON.parse((await run('list', '--json')).stdout) as readonly {
      readonly id: string;
      readonly state: string;
    }[];
    return Object.fromEntries(rows.map(({ id, state }) => [id.split('-').at(-1) ?? '', state]));
  }

  async function agentOf(index: number): Promise<Program> {
    for (const agent of cluster.agents) {
      // oxlint-disable-next-line no-await-in-loop -- there are two
      if ((await agent.page('/state'))['id'] === ids[index]) return agent;
    }
    throw new Error(`no agent has the id ${ids[index]}`);
  }

  it('drains an agent with a task that takes its time, and waits for its end', async () => {
    expect((await run('deactivate', 'S1')).stdout).to.equal(`${ids[1]}: deactivated\n`);
    const command = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const argv = ['run', '--name=slow', `--command=${command}`, '--follow'];
    const task = new Running(argv, environment);
    await task.says(/ready/);
    const drain = new Running(
      ['agents', 'drain', 'S0', '--max-grace-period=60secs', '--wait'],
      environment,
    );
    await drain.says(/draining/);
    expect(await states()).to.deep.equal({ S0: 'draining', S1: 'deactivated' });
    const agent = await agentOf(0);
    const page = await agent.page('/state');
    expect(page['drain_config']).to.deep.equal(DRAIN);
    const started = page['estimated_drain_start_time_seconds'];
    expect(started).to.be.closeTo(Date.now() / 1000, 60);
    const answer = await fetch(`${agent.url}/api/v1`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'GET_AGENT' }),
    });
    const body: unknown = await answer.json();
    expect(isRecord(body) ? body['get_agent'] : undefined).to.deep.include({
      drain_config: DRAIN,
    });
    expect((await drain.ended).stdout).to.equal(`${ids[0]}: draining\n`);
    expect(await states()).to.deep.equal({ S0: 'drained', S1: 'deactivated' });
    expect((await task.ended).code).to.not.equal(0);
    expect(await agent.page('/state')).to.not.have.property('drain_config');
  });

  it('reactivates agents, and says so as JSON', async () => {
    const { stdout } = await run('reactivate', 'S1', ids[0] ?? '', '--json');
    expect(JSON.parse(stdout)).to.deep.equal({ agents: [ids[1], ids[0]], state: 'active' });
    expect(await states()).to.deep.equal({ S0: 'active', S1: 'active' });
  });

  for (const [argv, code, message] of [
    [['reactivate', 'S0'], 1, /status 400: Agent .*-S0 is not deactivated/],
    [['drain', 'nobody'], 1, /status 400: No agent found with ID nobody/],
    [['gone', 'nobody'], 1, /status 404: No agent found with ID nobody/],
    [['drain', 'S0', '--max-grace-period=soon'], 2, /'soon' is not a duration/],
    [['drain', 'S0', '--max-grace-period=-1secs'], 1, /max_grace_period' is negative/],
    [['drain'], 2, /missing required argument 'agents'/],
  ] as const) {
    it(`refuses ${argv.join(' ')}`, async () => {
      const ended = await run(...argv);
      expect(ended.stderr).to.match(message);
      expect(ended).to.include({ code, stdout: '' });
      expect(await states()).to.deep.equal({ S0: 'active', S1: 'active' });
    });
  }

  it('marks an agent gone when it is drained', async () => {
    const agent = await agentOf(1);
    const { code, stderr } = await run('drain', 'S1', '--mark-gone', '--wait');
    expect(stderr).to.equal(`${ids[1]}: gone\n`);
    expect(code).to.equal(0);
    expect(await states()).to.deep.equal({ S0: 'active' });
    await eventually('the agent has ended', () => !agent.isRunning);
  });
});
