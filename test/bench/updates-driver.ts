/**
 * The other side of the benchmark of status updates, a program of its own: the scheduler, and all custom
 * executors, whose processes do nothing but be there. Each task that takes part tells one state after the
 * other; the next one leaves when the executor has the agent's acknowledgement of the last, and the
 * scheduler has had it and acknowledged it. Orders and figures go over the channel of the process.
 */
import { randomUUID } from 'node:crypto';
import type { ExecutorEvent, Offer, SchedulerEvent, TaskInfo } from '../../core/api/index.js';
import { at } from '../../core/base/index.js';
import { CallConnection, type Events, openEvents } from './updates-http.js';

/** What the driver is told to do; it answers each order once it is carried out. */
export type UpdatesOrder =
  /** Launches the tasks, and resolves when all of them run. */
  | {
      readonly kind: 'start';
      readonly master: string;
      readonly executors: number;
      readonly tasksPerExecutor: number;
    }
  /** From now on so many tasks tell their states. */
  | { readonly kind: 'load'; readonly tasks: number }
  /** What was done since the last sample. */
  | { readonly kind: 'sample' }
  /** Ends the framework. */
  | { readonly kind: 'stop' };

export interface UpdatesSample {
  readonly latenciesMs: readonly number[];
}

const CALL_CONNECTIONS_PER_EXECUTOR = 4;
const SCHEDULER_CONNECTIONS = 8;
const RETRY_MS = 20;
const ROLE = 'bench';

/** A task that tells its states. */
interface TellingTask {
  readonly number: number;
  readonly taskId: string;
  readonly connection: CallConnection;
  readonly executor: { readonly framework_id: object; readonly executor_id: object };
  count: number;
  uuid: string;
  sentMs: number;
  /** Who has not had the update under way: the executor its acknowledgement, the scheduler itself. */
  missing: number;
}

class Driver {
  #frameworkId = '';
  #scheduler: Events | undefined;
  readonly #calls: CallConnection[] = [];
  readonly #tasks = new Map<string, TellingTask>();
  readonly #streams: Events[] = [];
  #active = 0;
  #latenciesMs: number[] = [];
  #isLaunched = false;
  #wanted = { executors: 0, tasksPerExecutor: 0 };
  #allRun: () => void = () => {};

  async start(order: Extract<UpdatesOrder, { readonly kind: 'start' }>): Promise<void> {
    this.#wanted = order;
    const url = new URL('/api/v1/scheduler', order.master);
    const allRun = new Promise<void>((resolve) => (this.#allRun = resolve));
    const framework_info = {
      user: 'root',
      name: 'updates',
      roles: [ROLE],
      checkpoint: true,
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
    };
    const call = { type: 'SUBSCRIBE', subscribe: { framework_info } };
    this.#scheduler = await openEvents(url, call, (event) => this.#heard(event as SchedulerEvent));
    const headers = { 'Mesos-Stream-Id': this.#scheduler?.streamId ?? '' };
    for (let each = 0; each < SCHEDULER_CONNECTIONS; each++) {
      this.#calls.push(new CallConnection(url, headers));
    }
    await allRun;
  }

  load(tasks: number): void {
    this.#active = tasks;
    for (const task of this.#tasks.values()) {
      if (task.number < tasks && task.missing === 0) this.#tell(task);
    }
  }

  sample(): UpdatesSample {
    const latenciesMs = this.#latenciesMs;
    this.#latenciesMs = [];
    return { latenciesMs };
  }

  /** What is still under way would be refused once the framework is gone. */
  stop(): void {
    this.#active = 0;
    const [last, ...others] = this.#calls;
    for (const { connection } of this.#tasks.values()) connection.close();
    for (const call of others) call.close();
    last?.finish({ type: 'TEARDOWN', framework_id: { value: this.#frameworkId } });
  }

  #heard(event: SchedulerEvent): void {
    if (event.subscribed !== undefined) {
      this.#frameworkId = event.subscribed.framework_id.value;
    } else if (event.update !== undefined) {
      const { task_id, agent_id, uuid } = event.update.status;
      const task = this.#tasks.get(task_id.value);
      if (task === undefined || uuid === undefined) throw new Error(JSON.stringify(event));
      at(this.#calls, task.number % this.#calls.length).call({
        type: 'ACKNOWLEDGE',
        framework_id: { value: this.#frameworkId },
        acknowledge: { agent_id, task_id, uuid },
      });
      this.#arrived(task, uuid);
    } else if (event.offers?.offers !== undefined && !this.#isLaunched) {
      this.#isLaunched = true;
      void this.#launch(at(event.offers.offers, 0));
    } else if (event.failure !== undefined) throw new Error(JSON.stringify(event));
  }

  async #launch(offer: Offer): Promise<void> {
    const { executors, tasksPerExecutor } = this.#wanted;
    const names = Array.from({ length: executors }, (_, index) => `executor-${index}`);
    const infos = names.flatMap((name) =>
      Array.from({ length: tasksPerExecutor }, (_, index) =>
        this.#taskInfo(offer, name, `${name}-task-${index}`),
      ),
    );
    at(this.#calls, 0).call({
      type: 'ACCEPT',
      framework_id: { value: this.#frameworkId },
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: infos } }],
      },
    });
    const { ip, port } = offer.url?.address ?? { ip: '', port: 0 };
    const url = new URL(`http://${ip}:${port}/api/v1/executor`);
    await Promise.all(names.map((name) => this.#subscribe(url, name)));
  }

  #taskInfo(offer: Offer, executorId: string, taskId: string): TaskInfo {
    const scalar = (name: string, value: number) => ({
      name,
      type: 'SCALAR' as const,
      scalar: { value },
      allocation_info: { role: ROLE },
    });
    return {
      name: taskId,
      task_id: { value: taskId },
      agent_id: offer.agent_id,
      resources: [scalar('cpus', 0.01), scalar('mem', 8)],
      labels: { labels: [{ key: 'job', value: 'a-job-of-many-tasks' }] },
      data: Buffer.alloc(200, taskId).toString('base64'),
      executor: {
        type: 'CUSTOM',
        executor_id: { value: executorId },
        framework_id: { value: this.#frameworkId },
        name: `The executor ${executorId}`,
        command: { value: 'exec sleep 3600' },
        resources: [scalar('cpus', 0.1), scalar('mem', 32)],
      },
    };
  }

  /** Speaks for one executor as soon as the agent knows it. */
  async #subscribe(url: URL, name: string): Promise<void> {
    const executor = { framework_id: { value: this.#frameworkId }, executor_id: { value: name } };
    const connections = Array.from(
      { length: CALL_CONNECTIONS_PER_EXECUTOR },
      () => new CallConnection(url),
    );
    const onEvent = (event: unknown): void => {
      const { launch, acknowledged, type } = event as ExecutorEvent;
      if (launch !== undefined) {
        const number = this.#tasks.size;
        const connection = at(connections, number % connections.length);
        const taskId = launch.task.task_id.value;
        const idle = { count: 0, uuid: '', sentMs: 0, missing: 0 };
        const task = { number, taskId, connection, executor, ...idle };
        this.#tasks.set(taskId, task);
        this.#tell(task);
      } else if (acknowledged !== undefined) {
        const task = this.#tasks.get(acknowledged.task_id.value);
        if (task !== undefined) this.#arrived(task, acknowledged.uuid);
      } else if (type === 'SHUTDOWN') {
        for (const each of this.#streams) each.close();
      }
    };
    const call = { type: 'SUBSCRIBE', ...executor, subscribe: {} };
    for (;;) {
      const stream = await openEvents(url, call, onEvent);
      if (stream !== undefined) {
        this.#streams.push(stream);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #tell(task: TellingTask): void {
    task.count += 1;
    task.uuid = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64');
    task.missing = 2;
    task.sentMs = performance.now();
    task.connection.call({
      type: 'UPDATE',
      ...task.executor,
      update: {
        status: {
          task_id: { value: task.taskId },
          state: 'TASK_RUNNING',
          source: 'SOURCE_EXECUTOR',
          uuid: task.uuid,
          message: `step ${task.count} is done`,
          timestamp: Date.now() / 1000,
          healthy: true,
          data: Buffer.from(`progress ${task.count} of ${task.taskId}`.padEnd(60)).toString(
            'base64',
          ),
          labels: {
            labels: [
              { key: 'progress', value: String(task.count) },
              { key: 'phase', value: 'running' },
            ],
          },
        },
      },
    });
  }

  #arrived(task: TellingTask, uuid: string): void {
    if (task.uuid !== uuid) return;
    task.missing -= 1;
    if (task.missing > 0) return;
    if (task.count > 1) this.#latenciesMs.push(performance.now() - task.sentMs);
    const { executors, tasksPerExecutor } = this.#wanted;
    if (task.count === 1 && task.number === executors * tasksPerExecutor - 1) this.#allRun();
    if (task.number < this.#active) this.#tell(task);
  }
}

const driver = new Driver();

async function obey(order: UpdatesOrder): Promise<UpdatesSample | undefined> {
  if (order.kind === 'start') await driver.start(order);
  else if (order.kind === 'load') driver.load(order.tasks);
  else if (order.kind === 'sample') return driver.sample();
  else driver.stop();
  return undefined;
}

process.on('message', (order: UpdatesOrder) => {
  void obey(order).then((result) => process.send?.({ result }));
});
// The benchmark has what it wanted, or has died.
process.on('disconnect', () => process.exit(0));
