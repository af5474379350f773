/** An executor on the SDK. What a task does is in its payload. */
import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Executor,
  type ExecutorContext,
  type ExecutorEventContext,
  type ExecutorTask,
  OnConnected,
  OnLaunch,
  OnLaunchGroup,
  OnMessage,
  OnShutdown,
  type SchedulerMessage,
  type TaskGroup,
  type TaskResult,
  runExecutor,
} from '../../../../sdk/executor/index.js';

@Executor()
class Worker {
  readonly #finish = new Map<string, () => void>();

  /** `steps N`: tells so many steps. `wait`: until told. `clean MS`: takes so long to end. `stuck`, `fail`. */
  @OnLaunch()
  async run(task: ExecutorTask, context: ExecutorContext): Promise<TaskResult | undefined> {
    note(context, `run ${task.id}`);
    const [verb, amount = '0'] = task.payload.split(' ');
    if (verb === 'fail') throw new Error('as it was told');
    if (verb === 'stuck') await new Promise(() => undefined);
    if (verb === 'steps') {
      for (let step = 1; step <= Number(amount); step++) {
        void context.update({ message: `step ${step}` });
        await sleep(10);
      }
      return { message: 'all steps' };
    }
    const told = new Promise<void>((resolve) => this.#finish.set(task.id, resolve));
    await Promise.race([told, once(task.signal, 'abort')]);
    if (verb === 'clean') {
      await sleep(Number(amount));
      note(context, `cleaned ${task.id}`);
    }
    return undefined;
  }

  @OnLaunchGroup()
  async together(group: TaskGroup, context: ExecutorContext): Promise<void> {
    note(context, `group ${group.tasks.map(({ id }) => id).join(' ')}`);
    await once(group.signal, 'abort');
  }

  @OnMessage()
  async hear({ text }: SchedulerMessage, context: ExecutorEventContext): Promise<void> {
    const [verb, taskId = ''] = text.split(' ');
    if (verb === 'finish') this.#finish.get(taskId)?.();
    else await context.message(`you said: ${text}`);
  }

  @OnConnected()
  connected({ first }: { readonly first: boolean }, context: ExecutorEventContext): void {
    note(context, `${first ? 'connected' : 'reconnected'} ${process.pid}`);
  }

  @OnShutdown()
  shutDown(_shutdown: object, context: ExecutorEventContext): void {
    note(context, 'shutdown');
  }
}

function note(context: ExecutorEventContext, line: string): void {
  appendFileSync(join(context.sandbox, 'executor.log'), `${line}\n`);
}

await runExecutor(Worker);
