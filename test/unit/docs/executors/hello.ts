import {
  Executor,
  type ExecutorTask,
  OnLaunch,
  runExecutor,
} from '../../../../sdk/executor/index.js';

@Executor()
class Hello {
  @OnLaunch()
  run(task: ExecutorTask) {
    return { message: `hello, ${task.payload}` };
  }
}

await runExecutor(Hello);
