/** `plateau logs TASK`: the output of a task, as it is or as it grows. */
import type { Command } from 'commander';
import { isTerminalState } from '../../api/index.js';
import { followFile } from '../../client/index.js';
import { printJson } from '../../command/index.js';
import {
  type ClientOptions,
  addClientOptions,
  commandWorld,
  operatorClient,
} from '../client-options.js';
import { allTasks, findTask, sandboxOf } from '../sandbox.js';

interface LogsOptions extends ClientOptions {
  readonly follow: boolean;
  readonly stderr: boolean;
}

export function define(command: Command): void {
  addClientOptions(command)
    .argument('<task>', 'id of the task, or a unique beginning of it')
    .option('-f, --follow', 'go on as the output grows, until the task ends', false)
    .option('--stderr', 'standard error instead of standard output', false)
    .action(logs);
}

async function logs(wanted: string, options: LogsOptions): Promise<void> {
  const master = operatorClient(options);
  const task = findTask(await allTasks(master), wanted);
  const sandbox = await sandboxOf(task, master);
  const path = `${sandbox.path}/${options.stderr ? 'stderr' : 'stdout'}`;
  const hasEnded = async (): Promise<boolean> => {
    if (!options.follow) return true;
    const now = (await allTasks(master)).find(
      ({ task_id, framework_id }) =>
        task_id.value === task.task_id.value && framework_id.value === task.framework_id.value,
    );
    return now === undefined || isTerminalState(now.state);
  };
  const collected: Buffer[] = [];
  for await (const part of followFile({
    world: commandWorld(),
    reader: sandbox.reader,
    path,
    isComplete: hasEnded,
  })) {
    if (options.json) collected.push(part);
    else process.stdout.write(part);
  }
  if (options.json) printJson({ path, text: Buffer.concat(collected).toString('utf8') });
}
