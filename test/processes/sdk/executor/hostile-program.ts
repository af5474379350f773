/** An executor that does about everything wrong. What a task does is in its payload. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Executor,
  type ExecutorContext,
  type ExecutorTask,
  OnKill,
  OnLaunch,
  type TaskResult,
  runExecutor,
} from '../../../../sdk/executor/index.js';

@Executor({ killGrace: '500ms' })
class Hostile {
  @OnLaunch()
  async run(task: ExecutorTask, context: ExecutorContext): Promise<TaskResult | undefined> {
    const [verb, amount = '0'] = task.payload.split(' ');
    const nothing: unknown = Object.create(null);
    const garbage: unknown = { message: 5, data: { a: 1 } };
    switch (verb) {
      case 'throw-nothing':
        throw nothing;
      case 'throw-much':
        throw new Error('x'.repeat(Number(amount)));
      case 'garbage':
        return garbage as TaskResult;
      case 'much':
        return { message: 'x'.repeat(Number(amount)) };
      case 'flood':
        for (let step = 1; step <= Number(amount); step++) {
          void context.update({ message: `step ${step}` });
        }
        return { message: 'flooded' };
      case 'exit':
        await sleep(300);
        // oxlint-disable-next-line unicorn/no-process-exit -- that is the case
        return process.exit(Number(amount));
      case 'reject':
        await sleep(300);
        void Promise.reject(new Error('nobody waits for it'));
        break;
      case 'spin':
        await sleep(300);
        for (;;);
      default:
    }
    await new Promise(() => {});
    return undefined;
  }

  @OnKill({ onError: 'skip' }) ignore(): void {
    throw new Error('no');
  }
}

await runExecutor(Hostile);
