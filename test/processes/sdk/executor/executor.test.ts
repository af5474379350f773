/** Executors on the SDK under a real agent: launched, killed, shut down, and left alone by it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { at } from '../../../../core/base/index.js';
import { OfferRemainder } from '../../../../core/client/index.js';
import { TestCluster } from '../../agent/cluster.js';
import {
  SMALL,
  type TestScheduler,
  eventually,
  executorInfo,
  taskInfo,
} from '../../agent/scheduler.js';
import { isAlive } from '../../faults/cluster.js';

const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url));
const STEPS = 150;

describe('An executor on the SDK', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({
      agentFlags: [
        '--executor_reregistration_timeout=5secs',
        '--executor_shutdown_grace_period=2secs',
      ],
    });
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function schedulerThatKnowsKilling(): Promise<TestScheduler> {
    const capabilities = [
      { type: 'MULTI_ROLE' },
      { type: 'RESERVATION_REFINEMENT' },
      { type: 'PARTITION_AWARE' },
      { type: 'TASK_KILLING_STATE' },
    ] as const;
    return cluster.scheduler({ framework: { capabilities } });
  }

  /** Launches tasks on one executor; each payload says what its task does. */
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

  async function send(scheduler: TestScheduler, executorId: string, text: string): Promise<void> {
    await scheduler.client.call({
      type: 'MESSAGE',
      message: {
        agent_id: { value: agentIdOf(scheduler) },
        executor_id: { value: executorId },
        data: Buffer.from(text).toString('base64'),
      },
    });
  }

  function agentIdOf(scheduler: TestScheduler): string {
    const offer = scheduler.events.flatMap(({ offers }) => offers?.offers ?? [])[0];
    return offer?.agent_id.value ?? '';
  }

  function logOf(scheduler: TestScheduler, executorId: string): readonly string[] {
    const agent = join(cluster.workDir, 'slaves', agentIdOf(scheduler));
    const executor = join('frameworks', scheduler.frameworkId, 'executors', executorId);
    const path = join(agent, executor, 'runs', 'latest', 'executor.log');
    return readFileSync(path, 'utf8').trimEnd().split('\n');
  }

  function pidOf(scheduler: TestScheduler, executorId: string): number {
    const connected = logOf(scheduler, executorId).find((line) => line.startsWith('connected'));
    return Number(connected?.split(' ')[1]);
  }

  async function statusOf(scheduler: TestScheduler, executorId: string): Promise<number> {
    const failure = await scheduler.event(`FAILURE of ${executorId}`, (event) =>
      event.failure?.executor_id?.value === executorId ? event.failure : undefined,
    );
    return failure.status ?? Number.NaN;
  }

  it('runs tasks, tells how they end, and exchanges messages', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'worker', { a: 'wait', b: 'fail', c: 'steps 3' });
    const failed = await scheduler.ended('b');
    expect(failed).to.include({ state: 'TASK_FAILED', message: 'as it was told' });
    expect(await scheduler.ended('c')).to.include({ state: 'TASK_FINISHED', message: 'all steps' });
    await scheduler.until('a', 'TASK_RUNNING');
    await send(scheduler, 'worker', 'hello');
    const answer = await scheduler.event('an answer', ({ message }) => message?.data);
    expect(Buffer.from(answer, 'base64').toString()).to.equal('you said: hello');
    await send(scheduler, 'worker', 'finish a');
    await scheduler.until('a', 'TASK_FINISHED');
    expect(scheduler.states('a')).to.deep.equal(['TASK_RUNNING', 'TASK_FINISHED']);
    expect(at(scheduler.told('a'), 0)).to.deep.include({
      source: 'SOURCE_EXECUTOR',
      executor_id: { value: 'worker' },
    });
  });

  it('tells everything once and in order, though the agent is killed meanwhile', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'survivor', { steps: `steps ${STEPS}`, stays: 'wait' });
    await eventually('some steps are told', () => scheduler.told('steps').length > 10);
    const pid = pidOf(scheduler, 'survivor');
    await cluster.restartAgent();
    expect(await scheduler.ended('steps')).to.include({ state: 'TASK_FINISHED' });
    const messages = scheduler.told('steps').map(({ message }) => message);
    const steps = Array.from({ length: STEPS }, (_, index) => `step ${index + 1}`);
    expect(messages).to.deep.equal([undefined, ...steps, 'all steps']);
    expect(scheduler.states('stays')).to.deep.equal(['TASK_RUNNING']);
    await send(scheduler, 'survivor', 'finish stays');
    await scheduler.until('stays', 'TASK_FINISHED');
    expect(logOf(scheduler, 'survivor')).to.include(`reconnected ${pid}`);
  });

  it('lets a task that is killed clean up', async () => {
    const scheduler = await schedulerThatKnowsKilling();
    await launch(scheduler, 'tidy', { kept: 'wait', gone: 'clean 200' });
    await scheduler.until('gone', 'TASK_RUNNING');
    await scheduler.kill('gone');
    await scheduler.until('gone', 'TASK_KILLED');
    expect(scheduler.states('gone')).to.deep.equal(['TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    expect(logOf(scheduler, 'tidy')).to.include('cleaned gone');
    expect(scheduler.states('kept')).to.deep.equal(['TASK_RUNNING']);
  });

  it('ends with a task that does not', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'doomed', { stuck: 'stuck', other: 'wait' });
    await scheduler.until('stuck', 'TASK_RUNNING');
    const pid = pidOf(scheduler, 'doomed');
    const grace_period = { nanoseconds: 300_000_000n };
    await scheduler.client.call({
      type: 'KILL',
      kill: { task_id: { value: 'stuck' }, kill_policy: { grace_period } },
    });
    await scheduler.until('stuck', 'TASK_KILLED');
    expect(await scheduler.ended('other')).to.include({ state: 'TASK_FAILED' });
    expect(await statusOf(scheduler, 'doomed')).to.equal(1 << 8);
    await eventually('the process is gone', () => !isAlive(pid));
  });

  it('runs and kills a task group as one', async () => {
    const scheduler = await cluster.scheduler();
    const info = executorInfo(scheduler, { id: 'crew', program: PROGRAM });
    const disk = { name: 'disk', type: 'SCALAR', scalar: { value: 32 } } as const;
    const resources = [...(info.resources ?? []), { ...disk, allocation_info: { role: 'tests' } }];
    const executor = { ...info, resources };
    const offer = await scheduler.takeOffer((one) =>
      new OfferRemainder(one).fits({ cpus: 0.5, memoryMiB: 128 }),
    );
    const remainder = new OfferRemainder(offer);
    const tasks = ['one', 'two'].map((id) => taskInfo(offer, { id }, remainder.take(SMALL)));
    await scheduler.accept(offer, [
      { type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks } } },
    ]);
    await scheduler.until('two', 'TASK_RUNNING');
    await scheduler.kill('one');
    for (const id of ['one', 'two']) await scheduler.until(id, 'TASK_KILLED');
    expect(logOf(scheduler, 'crew')).to.include('group one two');
  });

  it('shuts down in order when its framework asks for it', async () => {
    const scheduler = await cluster.scheduler();
    await launch(scheduler, 'leaving', { a: 'clean 200', b: 'stuck' });
    for (const id of ['a', 'b']) await scheduler.until(id, 'TASK_RUNNING');
    await scheduler.client.call({
      type: 'SHUTDOWN',
      shutdown: {
        executor_id: { value: 'leaving' },
        agent_id: { value: agentIdOf(scheduler) },
      },
    });
    for (const id of ['a', 'b']) await scheduler.until(id, 'TASK_KILLED');
    expect(await statusOf(scheduler, 'leaving')).to.equal(0);
    expect(logOf(scheduler, 'leaving')).to.include.members(['shutdown', 'cleaned a']);
  });

  it('ends when the agent of a framework without checkpoints is gone', async () => {
    const scheduler = await cluster.scheduler({ framework: { checkpoint: false } });
    await launch(scheduler, 'mortal', { t: 'wait' });
    await scheduler.until('t', 'TASK_RUNNING');
    const pid = pidOf(scheduler, 'mortal');
    await cluster.agent.end('SIGKILL');
    await eventually('the process is gone', () => !isAlive(pid));
    expect(logOf(scheduler, 'mortal').at(-1)).to.equal('shutdown');
    await cluster.agent.start();
    await cluster.untilRegistered();
  });
});
