import { once } from 'node:events';
import {
  Executor,
  type ExecutorContext,
  OnLaunchGroup,
  type TaskGroup,
} from '../../../../sdk/executor/index.js';

@Executor()
export class Crew {
  @OnLaunchGroup({ reportRunning: false })
  async together(group: TaskGroup, context: ExecutorContext) {
    for (const task of group.tasks) await context.update({ task, state: 'RUNNING' });
    await once(group.signal, 'abort');
  }
}
