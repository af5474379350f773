/** The suite's own executor, and talking to it. It needs the agent on this machine. */
import { fileURLToPath } from 'node:url';
import { get } from './check.js';
import type { Context } from './context.js';
import { type Amounts, type Message, amountsOf, fromBase64, idOf, toBase64 } from './messages.js';
import type { Scheduler } from './scheduler.js';

const PROGRAM = fileURLToPath(new URL('./puppet-program.js', import.meta.url));
const START_MS = 30_000;
const SMALL: Amounts = { cpus: 0.1, mem: 32 };

export function puppetExecutor(
  context: Context,
  scheduler: Scheduler,
  {
    amounts = SMALL,
    environment = {},
  }: {
    readonly amounts?: Amounts;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Message {
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }));
  return {
    type: 'CUSTOM',
    executor_id: { value: context.unique('executor') },
    framework_id: scheduler.frameworkId,
    name: 'puppet',
    resources: amountsOf(amounts),
    command: {
      shell: true,
      value: `exec '${process.execPath}' '${PROGRAM}'`,
      environment: { variables },
    },
  };
}

/** A task of a puppet, which reports these states when it is launched. */
export function puppetTask(
  context: Context,
  offer: unknown,
  executor: Message | undefined,
  states: readonly string[] = ['TASK_RUNNING'],
): Message {
  const id = context.unique('task');
  return {
    name: id,
    task_id: { value: id },
    agent_id: get(offer, 'agent_id'),
    resources: amountsOf(SMALL),
    ...(executor === undefined ? {} : { executor }),
    data: toBase64(JSON.stringify(states)),
  };
}

/** A running puppet with one task. */
export class Puppet {
  readonly scheduler: Scheduler;
  readonly offer: unknown;
  readonly executor: Message;
  readonly task: Message;

  constructor(scheduler: Scheduler, offer: unknown, executor: Message, task: Message) {
    this.scheduler = scheduler;
    this.offer = offer;
    this.executor = executor;
    this.task = task;
  }

  /** Starts a framework with a puppet, and waits until its task runs. */
  static async start(
    context: Context,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Puppet> {
    context.needLocalAgent();
    const scheduler = await context.scheduler();
    const offer = await scheduler.offer({ cpus: 1, mem: 128 });
    const executor = puppetExecutor(context, scheduler, { environment });
    const task = puppetTask(context, offer, executor);
    await scheduler.launch(offer, task, 0.5);
    await scheduler.until(idOf(task), 'TASK_RUNNING', { timeoutMs: START_MS });
    return new Puppet(scheduler, offer, executor, task);
  }

  get taskId(): string {
    return idOf(this.task);
  }

  /** Gives an order that has no answer. */
  tell(order: string): Promise<void> {
    const { executor_id } = this.executor;
    const agent_id = get(this.offer, 'agent_id');
    return this.scheduler.call('MESSAGE', {
      message: { agent_id, executor_id, data: toBase64(order) },
    });
  }

  /** Gives an order and returns the answer. */
  async ask(order: string): Promise<string> {
    await this.tell(order);
    const event = await this.scheduler.next('MESSAGE', { what: `an answer to '${order}'` });
    return fromBase64(String(get(event, 'message.data')));
  }

  async askJson(order: string): Promise<unknown> {
    return JSON.parse(await this.ask(order));
  }
}
