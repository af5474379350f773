/** What the checkpoint holds of a task and its status updates, and what a restarted agent makes of it. */
import { expect } from 'chai';
import {
  type ExecutorCall,
  type ExecutorInfo,
  type Task,
  type TaskState,
  type TaskStatus,
  decodeJson,
  encodeJson,
} from '../../../core/api/index.js';
import { at, id } from '../../../core/base/index.js';
import { FRAMEWORK, Host, TestStream, frameworkInfo, taskInfo } from './host.js';

const EXECUTOR: ExecutorInfo = {
  type: 'CUSTOM',
  executor_id: { value: 'e1' },
  framework_id: { value: FRAMEWORK },
  command: { value: 'executor' },
};

function call(others: Partial<ExecutorCall>): ExecutorCall {
  return { executor_id: { value: 'e1' }, framework_id: { value: FRAMEWORK }, ...others };
}

/** An executor with one task, `t1`, that tells the agent again what the agent has not confirmed. */
class Executor {
  readonly #host: Host;
  readonly #unconfirmed = new Map<string, TaskStatus>();
  readonly #told: string[] = [];
  #stream = new TestStream();
  #seen = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  static async start(host: Host): Promise<Executor> {
    await host.start();
    const executor = new Executor(host);
    const { command: _command, ...info } = taskInfo('t1');
    const tasks = [{ ...info, executor: EXECUTOR }];
    const framework_info = frameworkInfo();
    await host.tell({
      type: 'RUN_TASKS',
      run_tasks: { framework_info, executor_info: EXECUTOR, tasks },
    });
    await executor.subscribe();
    return executor;
  }

  /** Uuids of what was told, in order. */
  get told(): readonly string[] {
    return this.#told;
  }

  async subscribe(): Promise<void> {
    this.#stream = new TestStream();
    this.#seen = 0;
    const unacknowledged_updates = [...this.#unconfirmed.values()].map((status) => ({ status }));
    const subscribe = { unacknowledged_updates };
    this.#host.agent.executorSubscribe(call({ type: 'SUBSCRIBE', subscribe }), this.#stream);
    await this.settle();
  }

  async tell(state: TaskState): Promise<void> {
    const bytes = Buffer.alloc(16, this.#told.length + 1);
    bytes.writeUInt8(0x40, 6);
    const uuid = bytes.toString('base64');
    const data = Buffer.from('progress').toString('base64');
    const status: TaskStatus = {
      task_id: { value: 't1' },
      state,
      uuid,
      source: 'SOURCE_EXECUTOR',
      data,
    };
    this.#told.push(uuid);
    this.#unconfirmed.set(uuid, status);
    this.#host.agent.executorCall(call({ type: 'UPDATE', update: { status } }));
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.#host.settle();
    for (const event of this.#stream.events.slice(this.#seen)) {
      if (event.acknowledged !== undefined) this.#unconfirmed.delete(event.acknowledged.uuid);
    }
    this.#seen = this.#stream.events.length;
  }
}

function taskOf(host: Host): Task | undefined {
  return host.agent.state.find(id<'FrameworkId'>(FRAMEWORK), id<'TaskId'>('t1'))?.task;
}

/** Numbers of the updates that are kept with the task. */
function kept(host: Host, executor: Executor): readonly number[] {
  const statuses = taskOf(host)?.statuses ?? [];
  return statuses.map(({ uuid = '' }) => executor.told.indexOf(uuid));
}

function versionOf(host: Host, prefix: string): number {
  return at(host.medium.list(prefix), 0).version;
}

describe('The records of a task', () => {
  it('are not written anew while it tells the same state again', async () => {
    const host = new Host();
    const executor = await Executor.start(host);
    await executor.tell('TASK_RUNNING');
    await executor.tell('TASK_RUNNING');
    await executor.tell('TASK_RUNNING');
    const before = versionOf(host, 'tasks/');
    for (let more = 0; more < 5; more++) await executor.tell('TASK_RUNNING');
    expect(versionOf(host, 'tasks/')).to.equal(before);
    expect(host.keys('updates/')).to.have.length(1);
    await host.restart();
    expect(taskOf(host)?.state).to.equal('TASK_RUNNING');
    expect(kept(host, executor)).to.deep.equal([7]);
  });

  it('hold what the last update said when that was acknowledged and is gone', async () => {
    const host = new Host();
    const executor = await Executor.start(host);
    for (const state of ['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING'] as const) {
      await executor.tell(state);
    }
    await host.advance(1000);
    expect(host.keys('updates/')).to.deep.equal([]);
    await host.restart();
    expect(taskOf(host)?.state).to.equal('TASK_RUNNING');
    expect(kept(host, executor)).to.deep.equal([0, 2]);
    await executor.subscribe();
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING']);
  });

  it('follow one another while nobody acknowledges', async () => {
    const host = new Host({ isAcknowledging: false });
    const executor = await Executor.start(host);
    const states = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_FINISHED'] as const;
    for (const state of states) await executor.tell(state);
    await host.restart();
    expect(taskOf(host)?.state).to.equal('TASK_FINISHED');
    expect(kept(host, executor)).to.deep.equal([0, 2, 3]);
    host.isAcknowledging = true;
    await host.advance(60_000);
    expect(host.states('t1')).to.deep.equal(states);
    expect([...host.keys('tasks/'), ...host.keys('updates/')]).to.deep.equal([]);
  });

  it('keep the state of a task whose framework is shut down, without its updates', async () => {
    const host = new Host({ isAcknowledging: false });
    const executor = await Executor.start(host);
    await executor.tell('TASK_RUNNING');
    await host.tell({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: FRAMEWORK } },
    });
    await host.advance(1000);
    expect(host.keys('updates/')).to.deep.equal([]);
    const record = decodeJson('CheckpointTask', at(host.medium.list('tasks/'), 0).value);
    expect(record.task.state).to.equal('TASK_RUNNING');
  });

  it('are read as an earlier version wrote them, and brought up to date', async () => {
    const host = new Host({ isAcknowledging: false });
    const executor = await Executor.start(host);
    await executor.tell('TASK_STARTING');
    await executor.tell('TASK_RUNNING');
    const task = taskOf(host);
    host.crash();
    writeAsFormat1(host, task);
    await host.start();
    expect(kept(host, executor)).to.deep.equal([0, 1]);
    expect(host.medium.get('agent')?.value).to.include('"format":2');
    await executor.subscribe();
    await executor.tell('TASK_RUNNING');
    host.isAcknowledging = true;
    await host.restart();
    expect(kept(host, executor)).to.deep.equal([0, 2]);
    await executor.subscribe();
    await host.advance(60_000);
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING']);
  });

  it('lose nothing and repeat nothing out of order, wherever the agent dies', async () => {
    const whole = new Host();
    await live(whole, await Executor.start(whole));
    const count = whole.transactions.length;
    expect(count).to.be.greaterThan(STATES.length);
    for (let number = 1; number <= count; number++) {
      for (const keptWrites of [0, 1]) {
        const host = new Host();
        const executor = await Executor.start(host);
        host.onTransaction = (made) => {
          if (made === number) host.crash(keptWrites);
        };
        // oxlint-disable-next-line no-await-in-loop -- one agent after the other
        await live(host, executor);
        const where = `died at write ${number}, ${keptWrites} kept`;
        expect(host.states('t1'), where).to.deep.equal(STATES);
        expect(kept(host, executor), where).to.deep.equal([0, 3, 4]);
        await host.advance(1000);
        expect(host.keys('updates/'), where).to.deep.equal([]);
        await host.restart();
        expect(kept(host, executor), where).to.deep.equal([0, 3, 4]);
      }
    }
  });
});

const STATES = [
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_RUNNING',
  'TASK_RUNNING',
  'TASK_KILLING',
] as const;

/** Tells all states, now at once and now with time between; whoever died comes back after each. */
async function live(host: Host, executor: Executor): Promise<void> {
  for (const [index, state] of STATES.entries()) {
    await executor.tell(state);
    if (index % 2 === 0) await host.advance(1000);
    await executor.settle();
    if (!host.isDead) continue;
    host.onTransaction = undefined;
    await host.start();
    await executor.subscribe();
    await host.advance(1000);
  }
}

/** Format 1: the record of a task was written with each update, and did not say up to which. */
function writeAsFormat1(host: Host, task: Task | undefined): void {
  const entry = at(host.medium.list('tasks/'), 0);
  const { next_update: _next, ...record } = decodeJson('CheckpointTask', entry.value);
  const value = encodeJson('CheckpointTask', { ...record, task: task ?? record.task });
  const agent = host.medium.get('agent')?.value ?? '';
  const puts = [
    { key: entry.key, value },
    { key: 'agent', value: agent.replace('"format":2', '"format":1') },
  ];
  host.medium.apply({ puts });
}
