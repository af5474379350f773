import {
  Executor,
  type ExecutorContext,
  type ExecutorEventContext,
  type ExecutorTask,
  OnLaunch,
  OnMessage,
  OnShutdown,
  type SchedulerMessage,
} from '../../../../sdk/executor/index.js';

@Executor({ killGrace: '10s', exitWhenIdle: '5m' })
export class Encoder {
  readonly #done = new Map<string, number>();

  @OnLaunch()
  async run(task: ExecutorTask, context: ExecutorContext) {
    const frames = Number(task.payload);
    for (let frame = 1; frame <= frames; frame++) {
      if (task.signal.aborted) return { message: `stopped at frame ${frame}` };
      await encode(frame);
      this.#done.set(task.id, frame);
      if (frame % 100 === 0) await context.update({ message: `${frame} of ${frames}` });
    }
    return { message: `${frames} frames`, data: JSON.stringify({ frames }) };
  }

  @OnMessage({ onError: 'skip' })
  async progress({ text }: SchedulerMessage, context: ExecutorEventContext) {
    await context.message(`${text}: ${this.#done.get(text) ?? 0} frames`);
  }

  @OnShutdown()
  async tidy() {
    this.#done.clear();
  }
}

async function encode(_frame: number) {
  await new Promise((resolve) => setImmediate(resolve));
}
