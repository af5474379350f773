import { expect } from 'chai';
import type { TaskStatus } from '../../../../core/api/index.js';
import { PlateauError } from '../../../../core/base/index.js';
import {
  type AgentDisconnected,
  DEFAULT_KILL_GRACE_MS,
  Executor,
  type ExecutorContext,
  type ExecutorEventContext,
  type ExecutorShutdown,
  type ExecutorTask,
  type KillRequest,
  LAST_UPDATES_MS,
  MAX_UPDATE_MESSAGE_CHARS,
  MAX_WAITING_UPDATES_PER_TASK,
  OnDisconnected,
  OnKill,
  OnLaunch,
  OnLaunchGroup,
  OnMessage,
  OnShutdown,
  RESEND_AFTER_MS,
  type SchedulerMessage,
  type TaskGroup,
  type TaskResult,
} from '../../../../sdk/executor/index.js';
import { failureOf } from '../../client/support.js';
import { ENVIRONMENT, Rig, refused } from './scripted-agent.js';

/** Its tasks go on until the test says what becomes of them. */
@Executor()
class Puppet {
  readonly log: string[] = [];
  readonly tasks = new Map<string, ExecutorTask>();
  readonly contexts = new Map<string, ExecutorContext>();
  readonly ends = new Map<
    string,
    { resolve(result?: TaskResult): void; reject(error: Error): void }
  >();
  readonly disconnections: AgentDisconnected[] = [];
  endsOnAbort = true;

  @OnLaunch()
  run(task: ExecutorTask, context: ExecutorContext): Promise<TaskResult | undefined> {
    this.log.push(`run ${task.id}`);
    this.tasks.set(task.id, task);
    this.contexts.set(task.id, context);
    return new Promise((resolve, reject) => {
      this.ends.set(task.id, { resolve, reject });
      task.signal.addEventListener('abort', () => {
        this.log.push(`abort ${task.id}`);
        if (this.endsOnAbort) resolve(undefined);
      });
    });
  }

  @OnKill()
  kill({ task, graceMs }: KillRequest): void {
    this.log.push(`kill ${task.id} ${graceMs}`);
  }

  @OnMessage()
  async hear({ text }: SchedulerMessage, context: ExecutorEventContext): Promise<void> {
    this.log.push(`heard ${text}`);
    await context.message(`you said ${text}`);
  }

  @OnShutdown()
  shutDown({ graceMs }: ExecutorShutdown): void {
    this.log.push(`shutdown ${graceMs}`);
  }

  @OnDisconnected()
  lost(disconnected: AgentDisconnected): void {
    this.disconnections.push(disconnected);
  }

  context(id: string): ExecutorContext {
    const context = this.contexts.get(id);
    if (context === undefined) throw new Error(`${id} does not run`);
    return context;
  }
}

const STARTED = 'TASK_RUNNING';
const UNCHECKPOINTED = { ...ENVIRONMENT, MESOS_CHECKPOINT: '0' };

describe('An executor', () => {
  let rig: Rig;
  let puppet: Puppet;

  beforeEach(() => {
    rig = new Rig();
    puppet = new Puppet();
  });

  async function launched(...ids: readonly string[]): Promise<void> {
    await rig.start(puppet);
    for (const id of ids) rig.agent.launch(id);
    await rig.pass(10);
  }

  function last(id: string): TaskStatus | undefined {
    return rig.agent.told(id).at(-1);
  }

  describe('with tasks', () => {
    it('tells RUNNING when the handler is called and FINISHED when it returns', async () => {
      await rig.start(puppet);
      rig.agent.launch('t', {
        data: Buffer.from('{"n":1}').toString('base64'),
        labels: { labels: [{ key: 'tier', value: 'web' }] },
      });
      await rig.pass(10);
      expect(puppet.tasks.get('t')).to.deep.include({
        id: 't',
        name: 't',
        payload: '{"n":1}',
        labels: { tier: 'web' },
      });
      expect(rig.agent.states('t')).to.deep.equal([STARTED]);
      puppet.ends.get('t')?.resolve({ message: 'all done', data: 'result' });
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_FINISHED']);
      expect(last('t')).to.deep.include({
        message: 'all done',
        data: Buffer.from('result').toString('base64'),
        source: 'SOURCE_EXECUTOR',
        executor_id: { value: 'e-1' },
        timestamp: (rig.world.clock.now() - 10) / 1000,
      });
      await rig.pass(60_000);
      expect(rig.end, 'it stays for later tasks').to.equal(undefined);
      expect(rig.agent.updates, 'nothing was told twice').to.have.length(2);
    });

    it('tells FAILED with the message of what the handler throws', async () => {
      await launched('t', 'other');
      puppet.ends.get('t')?.reject(new Error(`disk full ${'.'.repeat(10_000)}`));
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_FAILED']);
      expect(last('t')?.message)
        .to.match(/^disk full/)
        .and.have.length(MAX_UPDATE_MESSAGE_CHARS);
      expect(rig.agent.states('other')).to.deep.equal([STARTED]);
    });

    it('leaves RUNNING to the handler when told so', async () => {
      @Executor()
      class Slow {
        context: ExecutorContext | undefined;
        @OnLaunch({ reportRunning: false })
        run(_task: ExecutorTask, context: ExecutorContext): Promise<void> {
          this.context = context;
          return new Promise(() => undefined);
        }
      }
      const slow = new Slow();
      await rig.start(slow);
      rig.agent.launch('t');
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal(['TASK_STARTING']);
      void slow.context?.update({ state: 'RUNNING', healthy: true });
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal(['TASK_STARTING', STARTED]);
      expect(last('t')?.healthy).to.equal(true);
    });

    it('tells progress, and resolves when the agent has it', async () => {
      await launched('t');
      rig.agent.acknowledges = false;
      let isSafe = false;
      const told = puppet
        .context('t')
        .update({ message: '50 %', data: new Uint8Array([1, 2]), labels: { step: '1' } })
        .then(() => (isSafe = true));
      await rig.pass(10);
      expect(last('t')).to.deep.include({
        state: STARTED,
        message: '50 %',
        data: 'AQI=',
        labels: { labels: [{ key: 'step', value: '1' }] },
      });
      expect(isSafe).to.equal(false);
      const status = last('t');
      if (status !== undefined) rig.agent.acknowledge(status);
      await told;
    });

    it('lets the handler tell the end itself, and refuses what comes after it', async () => {
      await launched('t');
      await Promise.all([
        puppet.context('t').update({ state: 'FINISHED', message: 'early' }),
        rig.pass(10),
      ]);
      const error = await failureOf(puppet.context('t').update({ message: 'more' }));
      expect(error).to.be.instanceOf(PlateauError).and.include({ code: 'INVALID_DECISION' });
      puppet.ends.get('t')?.reject(new Error('too late'));
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_FINISHED']);
    });

    it('refuses reports that are not well-formed, naming the field', async () => {
      await launched('t');
      const context = puppet.context('t');
      for (const [field, report] of [
        ['state', { state: 'ASLEEP' }],
        ['message', { message: 7 }],
        ['data', { data: {} }],
        ['healthy', { healthy: 'yes' }],
        ['labels', { labels: 'a=b' }],
      ] as const) {
        const error = await failureOf(context.update(report as never));
        expect(error).to.be.instanceOf(PlateauError).and.include({ code: 'INVALID_DECISION' });
        expect(String(error)).to.include(field);
      }
      expect(await failureOf(context.update({ task: 'nobody', message: '' }))).to.include({
        code: 'INVALID_DECISION',
      });
    });

    it('bounds the updates that wait for the agent', async () => {
      await launched('t');
      rig.agent.acknowledges = false;
      const context = puppet.context('t');
      for (let count = 0; count < MAX_WAITING_UPDATES_PER_TASK; count++) {
        void context.update({ message: `step ${count}` });
      }
      expect(await failureOf(context.update({ message: 'one more' }))).to.include({
        code: 'INVALID_DECISION',
      });
      // The end of a task is always told.
      puppet.ends.get('t')?.resolve();
      rig.agent.acknowledges = true;
      await rig.pass(RESEND_AFTER_MS + 5000);
      expect(last('t')?.state).to.equal('TASK_FINISHED');
      expect(rig.agent.told('t')).to.have.length(MAX_WAITING_UPDATES_PER_TASK + 2);
    });

    it('exchanges messages with the scheduler', async () => {
      await rig.start(puppet);
      rig.agent.send({
        type: 'MESSAGE',
        message: { data: Buffer.from('hello').toString('base64') },
      });
      await rig.pass(10);
      expect(puppet.log).to.deep.equal(['heard hello']);
      const sent = rig.agent.calls.find(({ type }) => type === 'MESSAGE');
      expect(Buffer.from(sent?.message?.data ?? '', 'base64').toString()).to.equal(
        'you said hello',
      );
    });

    it('ends when it has been idle for long enough, if it is to', async () => {
      @Executor({ exitWhenIdle: '30s' })
      class Guest extends Puppet {}
      puppet = new Guest();
      await launched();
      await rig.pass(60_000);
      expect(rig.end, 'not before it had a task').to.equal(undefined);
      rig.agent.launch('one');
      await rig.pass(10);
      puppet.ends.get('one')?.resolve();
      await rig.pass(29_000);
      rig.agent.launch('two');
      await rig.pass(60_000);
      expect(rig.end, 'not while a task runs').to.equal(undefined);
      puppet.ends.get('two')?.resolve();
      await rig.pass(31_000);
      expect(rig.exits).to.deep.equal([0]);
      expect(puppet.log).to.include('shutdown 4000');
    });
  });

  describe('that is to kill a task', () => {
    it('tells KILLING if the framework knows it, aborts the signal, and tells KILLED', async () => {
      rig.agent.capabilities = ['TASK_KILLING_STATE'];
      await launched('t', 'other');
      puppet.endsOnAbort = false;
      rig.agent.kill('t');
      await rig.pass(10);
      expect(puppet.log.slice(2)).to.deep.equal(['abort t', `kill t ${DEFAULT_KILL_GRACE_MS}`]);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_KILLING']);
      // Progress does not bring it back.
      void puppet.context('t').update({ state: 'RUNNING', message: 'saving' });
      await rig.pass(10);
      puppet.ends.get('t')?.resolve();
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal([
        STARTED,
        'TASK_KILLING',
        'TASK_KILLING',
        'TASK_KILLED',
      ]);
      expect(rig.agent.states('other')).to.deep.equal([STARTED]);
      await rig.pass(60_000);
      expect(rig.end).to.equal(undefined);
    });

    it('does not tell KILLING to a framework that does not know it', async () => {
      await launched('t');
      rig.agent.kill('t');
      await rig.pass(10);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_KILLED']);
    });

    it('ends the process when the handler does not return in time', async () => {
      await launched('stuck', 'other');
      puppet.endsOnAbort = false;
      rig.agent.kill('stuck', 7000);
      await rig.pass(6900);
      expect(rig.agent.states('stuck')).to.deep.equal([STARTED]);
      await rig.pass(200);
      expect(rig.agent.states('stuck')).to.deep.equal([STARTED, 'TASK_KILLED']);
      expect(puppet.log).to.include('abort other');
      expect(rig.end, 'the other task has its time').to.equal(undefined);
      puppet.ends.get('other')?.resolve();
      await rig.pass(100);
      expect(rig.agent.states('other')).to.deep.equal([STARTED, 'TASK_FAILED']);
      expect(last('other')?.message).to.include('stuck');
      expect(rig.exits).to.deep.equal([1]);
    });

    it('leaves a handler behind that does not return, if it is to', async () => {
      @Executor({ onStuck: 'leave', killGrace: '1s' })
      class Patient extends Puppet {}
      puppet = new Patient();
      await launched('stuck', 'other');
      puppet.endsOnAbort = false;
      rig.agent.kill('stuck');
      await rig.pass(1100);
      expect(rig.agent.states('stuck')).to.deep.equal([STARTED, 'TASK_KILLED']);
      puppet.ends.get('stuck')?.resolve();
      await rig.pass(60_000);
      expect(rig.agent.states('stuck')).to.have.length(2);
      expect(rig.end).to.equal(undefined);
    });

    it('takes the grace period of the kill, else of the task; a further kill shortens it', async () => {
      const kill_policy = { grace_period: { nanoseconds: 60_000_000_000n } };
      await rig.start(puppet);
      puppet.endsOnAbort = false;
      rig.agent.launch('t', { kill_policy });
      rig.agent.launch('u', { kill_policy });
      await rig.pass(10);
      rig.agent.kill('t');
      rig.agent.kill('u', 90_000);
      await rig.pass(1000);
      rig.agent.kill('t', 2000);
      rig.agent.kill('u', 900_000);
      await rig.pass(1900);
      expect(rig.agent.states('t')).to.deep.equal([STARTED]);
      await rig.pass(200);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_KILLED']);
      expect(puppet.log.filter((line) => line.startsWith('kill'))).to.deep.equal([
        'kill t 60000',
        'kill u 90000',
      ]);
    });

    it('kills and fails the tasks of a group together', async () => {
      await rig.start(puppet);
      rig.agent.launchGroup('a', 'b');
      rig.agent.launchGroup('c', 'd', 'e');
      rig.agent.launch('f');
      await rig.pass(10);
      rig.agent.kill('a');
      puppet.ends.get('c')?.reject(new Error('broken'));
      puppet.ends.get('d')?.resolve();
      await rig.pass(10);
      const ends = Object.fromEntries('abcdef'.split('').map((id) => [id, last(id)?.state]));
      expect(ends).to.deep.equal({
        a: 'TASK_KILLED',
        b: 'TASK_KILLED',
        c: 'TASK_FAILED',
        d: 'TASK_KILLED',
        e: 'TASK_KILLED',
        f: STARTED,
      });
    });

    it('ignores kills of tasks that it does not know', async () => {
      await launched('t');
      rig.agent.kill('nobody');
      await rig.pass(10);
      expect(rig.agent.updates).to.have.length(1);
    });
  });

  describe('with a handler of task groups', () => {
    @Executor()
    class Crew extends Puppet {
      group: TaskGroup | undefined;
      groupContext: ExecutorContext | undefined;
      groupEnd: { resolve(): void; reject(error: Error): void } | undefined;

      @OnLaunchGroup()
      runGroup(group: TaskGroup, context: ExecutorContext): Promise<void> {
        this.group = group;
        this.groupContext = context;
        return new Promise((resolve, reject) => (this.groupEnd = { resolve, reject }));
      }
    }

    let crew: Crew;

    beforeEach(async () => {
      crew = new Crew();
      await rig.start(crew);
      rig.agent.launchGroup('a', 'b');
      await rig.pass(10);
    });

    it('tells of all tasks that have not ended', async () => {
      void crew.groupContext?.update({ message: 'all of us' });
      await rig.pass(10);
      void crew.groupContext?.update({ task: 'a', state: 'FINISHED' });
      await rig.pass(10);
      expect(crew.group?.signal.aborted).to.equal(false);
      void crew.groupContext?.update({ message: 'those left' });
      await rig.pass(10);
      crew.groupEnd?.resolve();
      await rig.pass(10);
      expect(rig.agent.states('a')).to.deep.equal([STARTED, STARTED, 'TASK_FINISHED']);
      expect(rig.agent.states('b')).to.deep.equal([STARTED, STARTED, STARTED, 'TASK_FINISHED']);
    });

    it('fails all when it throws, and kills all when one is killed', async () => {
      crew.groupEnd?.reject(new Error('no luck'));
      await rig.pass(10);
      expect([last('a')?.state, last('b')?.state]).to.deep.equal(['TASK_FAILED', 'TASK_FAILED']);
      rig.agent.launchGroup('c', 'd');
      await rig.pass(10);
      rig.agent.kill('d');
      expect(crew.group?.signal.aborted).to.equal(true);
      crew.groupEnd?.resolve();
      await rig.pass(10);
      expect([last('c')?.state, last('d')?.state]).to.deep.equal(['TASK_KILLED', 'TASK_KILLED']);
    });
  });

  it('fails tasks for which it has no handler', async () => {
    @Executor()
    class Groups {
      @OnLaunchGroup()
      run(): void {}
    }
    await rig.start(new Groups());
    rig.agent.launch('t');
    await rig.pass(10);
    expect(last('t')).to.include({ state: 'TASK_FAILED' });
    expect(last('t')?.message).to.include('@OnLaunch');
  });

  describe('whose agent is lost', () => {
    it('tells again what was not acknowledged, each update once and in order', async () => {
      await launched('t');
      rig.agent.acknowledges = false;
      void puppet.context('t').update({ message: 'one' });
      void puppet.context('t').update({ message: 'two' });
      await rig.pass(10);
      rig.agent.crash();
      void puppet.context('t').update({ message: 'three' });
      await rig.pass(20_000);
      rig.agent.isUp = true;
      rig.agent.acknowledges = true;
      await rig.pass(2000);
      puppet.ends.get('t')?.resolve({ message: 'end' });
      await rig.pass(10);
      expect(rig.agent.told('t').map(({ message }) => message)).to.deep.equal([
        undefined,
        'one',
        'two',
        'three',
        'end',
      ]);
      const again = rig.agent.subscriptions.at(-1)?.subscribe;
      expect(again?.unacknowledged_updates?.map(({ status }) => status.message)).to.deep.equal([
        'one',
        'two',
        'three',
      ]);
      expect(again?.unacknowledged_tasks, 'one of its updates was acknowledged').to.deep.equal([]);
      expect(puppet.log, 'its task has not noticed').to.deep.equal(['run t']);
      const [told, ...more] = puppet.disconnections;
      expect(told).to.include({ retryForMs: 900_000 });
      expect(more).to.deep.equal([]);
    });

    it('hands over tasks of which nothing was acknowledged', async () => {
      await rig.start(puppet);
      rig.agent.acknowledges = false;
      rig.agent.launch('t');
      await rig.pass(10);
      rig.agent.crash();
      rig.agent.isUp = true;
      await rig.pass(2000);
      const again = rig.agent.subscriptions.at(-1)?.subscribe;
      expect(again?.unacknowledged_tasks?.map(({ task_id }) => task_id.value)).to.deep.equal(['t']);
    });

    it('tries often enough for an agent that comes back, and not all the time', async () => {
      await launched();
      rig.agent.crash();
      await rig.pass(60_000);
      const tries = rig.agent.subscriptions.length - 1;
      expect(tries).to.be.within(60, 300);
      rig.agent.isUp = true;
      await rig.pass(1100);
      expect(rig.agent.subscriptions).to.have.length(2 + tries);
    });

    it('shuts down when no agent comes back in time', async () => {
      await launched('t');
      puppet.endsOnAbort = false;
      rig.agent.crash();
      await rig.pass(899_000);
      expect(puppet.log).to.deep.equal(['run t']);
      await rig.pass(2000);
      expect(puppet.log).to.include.members(['abort t', 'shutdown 4000']);
      await rig.pass(4000);
      expect(rig.exits).to.deep.equal([0]);
      expect(rig.world.clock.pendingTimers).to.equal(0);
    });

    it('shuts down at once when its framework does not checkpoint', async () => {
      await rig.start(puppet, UNCHECKPOINTED);
      rig.agent.launch('t');
      await rig.pass(10);
      rig.agent.crash();
      await rig.pass(10);
      expect(puppet.log).to.deep.equal(['run t', 'abort t', 'shutdown 4000']);
      expect(puppet.disconnections[0]?.retryForMs).to.equal(undefined);
      expect(rig.exits).to.deep.equal([0]);
      expect(rig.agent.subscriptions).to.have.length(1);
    });

    it('looks for its first agent for a minute, checkpointing or not', async () => {
      rig.agent.isUp = false;
      await rig.start(puppet, UNCHECKPOINTED);
      await rig.pass(59_000);
      expect(rig.end).to.equal(undefined);
      await rig.pass(2000);
      expect(rig.exits).to.deep.equal([0]);
      expect(puppet.disconnections).to.deep.equal([]);
    });

    it('ends when the agent does not know it any more', async () => {
      await launched('t');
      rig.agent.subscribeRefusal = refused(503);
      rig.agent.crash();
      rig.agent.isUp = true;
      await rig.pass(3000);
      expect(rig.end, 'an agent that recovers is waited for').to.equal(undefined);
      rig.agent.subscribeRefusal = refused(400);
      await rig.pass(3000);
      expect(rig.exits).to.deep.equal([0]);
    });

    it('sends updates again that were lost on the way or not acknowledged', async () => {
      await launched('t');
      rig.agent.refusal = refused(503);
      void puppet.context('t').update({ message: 'one' });
      void puppet.context('t').update({ message: 'two' });
      await rig.pass(100);
      expect(rig.agent.updates.map(({ message }) => message)).to.deep.equal([undefined, 'one']);
      await rig.pass(RESEND_AFTER_MS);
      expect(rig.agent.updates.map(({ message }) => message)).to.deep.equal([
        undefined,
        'one',
        'one',
        'two',
      ]);
      expect(new Set(rig.agent.updates.map(({ uuid }) => uuid)).size).to.equal(3);
    });

    it('keeps an update whole that comes to an agent before the subscription', async () => {
      await launched('t');
      rig.agent.refusal = refused(403);
      void puppet.context('t').update({ message: 'whole', data: 'data' });
      await rig.pass(RESEND_AFTER_MS + 100);
      const [, first, again] = rig.agent.updates;
      expect(first).to.have.property('data');
      expect(again).to.deep.equal(first);
    });

    it('makes an update small that the agent refuses, and drops it if that does not help', async () => {
      await launched('t');
      rig.agent.refusal = refused(400);
      const big = puppet.context('t').update({ message: 'm'.repeat(3000), data: 'd'.repeat(3000) });
      await Promise.all([big, rig.pass(100)]);
      expect(last('t'))
        .to.include({ message: 'm'.repeat(256) })
        .and.not.have.property('data');
      rig.agent.refusal = refused(400);
      await Promise.all([puppet.context('t').update({ message: 'small' }), rig.pass(100)]);
      puppet.ends.get('t')?.resolve();
      await rig.pass(100);
      expect(last('t')?.state).to.equal('TASK_FINISHED');
    });
  });

  describe('that is to shut down', () => {
    it('gives tasks and its handler most of the grace period, tells KILLED, and ends', async () => {
      await launched('quick', 'slow');
      puppet.endsOnAbort = false;
      rig.agent.send({ type: 'SHUTDOWN' });
      await rig.pass(10);
      expect(puppet.log.slice(2)).to.deep.equal(['abort quick', 'abort slow', 'shutdown 4000']);
      puppet.ends.get('quick')?.resolve({ message: 'saved' });
      await rig.pass(3900);
      expect(rig.agent.states('quick')).to.deep.equal([STARTED, 'TASK_KILLED']);
      expect(rig.agent.states('slow')).to.deep.equal([STARTED]);
      await rig.pass(200);
      expect(rig.agent.states('slow')).to.deep.equal([STARTED, 'TASK_KILLED']);
      expect(rig.exits).to.deep.equal([0]);
      expect(rig.world.clock.pendingTimers, 'nothing is left').to.equal(0);
    });

    it('tells the end of its tasks to an agent that was away meanwhile', async () => {
      await launched('t');
      puppet.endsOnAbort = false;
      rig.agent.send({ type: 'SHUTDOWN' });
      await rig.pass(10);
      rig.agent.crash();
      puppet.ends.get('t')?.resolve();
      await rig.pass(100);
      expect(rig.end).to.equal(undefined);
      rig.agent.isUp = true;
      await rig.pass(500);
      expect(rig.agent.states('t')).to.deep.equal([STARTED, 'TASK_KILLED']);
      expect(rig.exits).to.deep.equal([0]);
      expect(rig.world.clock.pendingTimers).to.equal(0);
    });

    it('waits for the last acknowledgements, and no longer than the agent does', async () => {
      await launched('t');
      rig.agent.acknowledges = false;
      rig.agent.send({ type: 'SHUTDOWN' });
      await rig.pass(LAST_UPDATES_MS - 50);
      expect(rig.end).to.equal(undefined);
      await rig.pass(100);
      expect(rig.exits).to.deep.equal([0]);
    });

    it('fails tasks that come while it ends', async () => {
      await launched('t');
      puppet.endsOnAbort = false;
      rig.agent.send({ type: 'SHUTDOWN' });
      rig.agent.launch('late');
      await rig.pass(10);
      expect(rig.agent.states('late')).to.deep.equal(['TASK_FAILED']);
      expect(puppet.log).to.not.include('run late');
    });

    it('fails its tasks and ends with status 1 when a handler throws', async () => {
      @Executor()
      class Clumsy extends Puppet {
        @OnMessage()
        override hear(): Promise<void> {
          return Promise.reject(new Error('oops'));
        }
      }
      puppet = new Clumsy();
      await launched('t');
      puppet.endsOnAbort = false;
      rig.agent.send({ type: 'MESSAGE', message: { data: '' } });
      await rig.pass(10);
      expect(last('t')).to.include({ state: 'TASK_FAILED' });
      expect(last('t')?.message).to.include('Clumsy.hear').and.include('oops');
      expect(rig.exits).to.deep.equal([1]);
    });

    it('goes on when a handler throws that may', async () => {
      @Executor()
      class Careless extends Puppet {
        @OnMessage({ onError: 'skip' })
        override hear(): Promise<void> {
          throw new Error('oops');
        }
      }
      puppet = new Careless();
      await launched('t');
      rig.agent.send({ type: 'MESSAGE', message: { data: '' } });
      await rig.pass(60_000);
      expect(rig.end).to.equal(undefined);
    });

    it('ends with status 1 at an ERROR of the agent', async () => {
      await launched();
      rig.agent.send({ type: 'ERROR', error: { message: 'you are not wanted' } });
      await rig.pass(10);
      expect(rig.exits).to.deep.equal([1]);
      expect(rig.end?.reason).to.include('you are not wanted');
    });
  });
});
