/** What the containerizer of an agent says it is busy with. */
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { TestCluster } from './cluster.js';
import { type TestScheduler, eventually } from './scheduler.js';

interface Pending {
  readonly operation: string;
  readonly args: Readonly<Record<string, string>>;
}

describe('/containerizer/debug', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;
  let source: Server;
  /** Downloads that wait. */
  const held: ServerResponse[] = [];

  before(async () => {
    source = createServer((_request, response) => void held.push(response));
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
  });

  after(async () => {
    await cluster.endSchedulers();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
    source.close();
  });

  async function pending(): Promise<readonly Pending[]> {
    const answer = await fetch(`${cluster.agent.url}/containerizer/debug`);
    return ((await answer.json()) as { pending: readonly Pending[] }).pending;
  }

  it('names a download that a launch waits for, and a task that does not end', async () => {
    expect(await pending()).to.deep.equal([]);
    const { port } = source.address() as AddressInfo;
    await scheduler.run('held', {
      value: 'trap "" TERM; while :; do sleep 0.05; done',
      uris: [{ value: `http://127.0.0.1:${port}/file`, extract: false }],
    });
    await eventually('it is fetched', () => held.length === 1);
    const [fetching] = await pending();
    expect(fetching?.operation).to.equal('fetcher::fetch');
    expect(fetching?.args['seconds']).to.match(/^\d+\.\d{3}$/);
    held.pop()?.end('content');
    const status = await scheduler.until('held', 'TASK_RUNNING');
    const container = status.container_status?.container_id?.value;
    expect(fetching?.args['containerId']).to.equal(container);
    await eventually('nothing is pending', async () => (await pending()).length === 0);
    await scheduler.kill('held');
    await eventually('it is to end', async () => (await pending()).length === 1);
    const [ending] = await pending();
    expect(ending?.operation).to.equal('launcher::destroy');
    expect(ending?.args).to.include({ containerId: container });
    await scheduler.until('held', 'TASK_KILLED');
    expect(await pending()).to.deep.equal([]);
  });
});
