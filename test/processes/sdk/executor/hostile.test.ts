/** An executor that does about everything wrong, under a real agent that is started again meanwhile. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { TestCluster } from '../../agent/cluster.js';
import { type TestScheduler, executorInfo } from '../../agent/scheduler.js';

const PROGRAM = fileURLToPath(new URL('hostile-program.js', import.meta.url));

describe('A hostile executor on the SDK', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({
      agentFlags: [
        '--executor_reregistration_timeout=5secs',
        '--executor_shutdown_grace_period=1secs',
      ],
    });
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function launch(
    scheduler: TestScheduler,
    executorId: string,
    payloads: Readonly<Record<string, string>>,
  ): Promise<void> {
    const executor = executorInfo(scheduler, { id: executorId, program: PROGRAM });
    const wishes = Object.entries(payloads).map(([id, payload]) => ({
      id,
      executor,
      data: Buffer.from(payload).toString('base64'),
    }));
    await scheduler.launch(wishes);
  }

  it('tells how each task ended, whatever it threw or returned, and goes on', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'odd', {
      stays: 'stay',
      nothing: 'throw-nothing',
      long: 'throw-much 3000000',
      garbage: 'garbage',
      much: 'much 3000000',
    });
    expect(await scheduler.ended('nothing')).to.include({
      state: 'TASK_FAILED',
      message: 'something without a text was thrown',
    });
    expect((await scheduler.ended('garbage')).message).to.equal(
      'The message of an update is not valid: it is no text.',
    );
    for (const id of ['long', 'much']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await scheduler.ended(id)).message).to.have.length(4_096);
    }
    expect(scheduler.states('stays')).to.deep.equal(['TASK_RUNNING']);
  });

  it('may tell more than there is room for: its other tasks go on', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'flood', { stays: 'stay', flood: 'flood 3000' });
    expect(await scheduler.ended('flood')).to.include({
      state: 'TASK_FINISHED',
      message: 'flooded',
    });
    expect(scheduler.told('flood').length).to.be.within(100, 1_002);
    expect(scheduler.states('stays')).to.deep.equal(['TASK_RUNNING']);
  });

  it('takes its tasks with it when it exits, also while its agent starts again', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'exits', { exits: 'exit 7', other: 'stay' });
    await scheduler.until('exits', 'TASK_RUNNING');
    await cluster.restartAgent();
    const ends = [await scheduler.ended('exits'), await scheduler.ended('other')];
    for (const end of ends) {
      expect(end).to.include({ state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED' });
    }
  });

  it('ends by a promise that is rejected and that nobody waits for', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'rejects', { rejects: 'reject', other: 'stay' });
    const ends = [await scheduler.ended('rejects'), await scheduler.ended('other')];
    for (const end of ends) expect(end.message).to.equal('Executor exited with status 1');
  });

  it('has its task told as killed though it ignores that and its agent starts again', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'ignores', { ignores: 'stay' });
    await scheduler.until('ignores', 'TASK_RUNNING');
    await scheduler.kill('ignores');
    await cluster.restartAgent();
    expect(await scheduler.ended('ignores')).to.include({ state: 'TASK_KILLED' });
  });

  it('is ended by its agent when it hears nothing any more', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'spins', { stays: 'stay', spins: 'spin' });
    await scheduler.until('stays', 'TASK_RUNNING');
    const [offer] = scheduler.events.flatMap(({ offers }) => offers?.offers ?? []);
    await scheduler.client.call({
      type: 'SHUTDOWN',
      shutdown: {
        executor_id: { value: 'spins' },
        agent_id: { value: offer?.agent_id.value ?? '' },
      },
    });
    const { message } = await scheduler.ended('spins');
    expect(message).to.equal('Executor terminated with signal SIGKILL');
  });
});
