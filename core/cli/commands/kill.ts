/** `plateau kill TASK`: kills a task of whatever framework. */
import type { Command } from 'commander';
import { isTerminalState } from '../../api/index.js';
import { PlateauError } from '../../base/index.js';
import { printJson, printLine } from '../../command/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';
import { allTasks, findTask } from '../sandbox.js';

export function define(command: Command): void {
  addClientOptions(command)
    .argument('<task>', 'id of the task, or a unique beginning of it')
    .action(async (wanted: string, options: ClientOptions) => {
      const master = operatorClient(options);
      const task = findTask(await allTasks(master), wanted);
      const taskId = task.task_id.value;
      const frameworkId = task.framework_id.value;
      if (isTerminalState(task.state)) {
        throw new PlateauError('NOT_FOUND', `task ${taskId} has ended already: ${task.state}`, {
          context: { taskId },
        });
      }
      await master.post('/plateau/v1/kill', { framework: frameworkId, task: taskId });
      if (options.json) printJson({ taskId, frameworkId, asked: 'kill' });
      else printLine(`asked agent ${task.agent_id.value} to kill ${taskId}`);
    });
}
