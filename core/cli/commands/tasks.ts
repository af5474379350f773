/** `plateau tasks`: tasks of all frameworks, those that run first. */
import type { Command } from 'commander';
import { type Task, isTerminalState } from '../../api/index.js';
import { type Column, formatAmount, printRows } from '../../command/index.js';
import { Resources } from '../../resources/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';
import { allTasks } from '../sandbox.js';

interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly agentId: string;
  readonly frameworkId: string;
  readonly message?: string | undefined;
}

const COLUMNS: readonly Column<TaskRow>[] = [
  { heading: 'ID', value: (row) => row.id },
  { heading: 'NAME', value: (row) => row.name },
  { heading: 'STATE', value: (row) => row.state },
  { heading: 'CPUS', value: (row) => formatAmount(row.cpus), align: 'right' },
  { heading: 'MEM MiB', value: (row) => formatAmount(row.memoryMiB), align: 'right' },
  { heading: 'AGENT', value: (row) => row.agentId },
  { heading: 'FRAMEWORK', value: (row) => row.frameworkId },
];

interface TaskOptions extends ClientOptions {
  readonly all: boolean;
  readonly framework?: string;
}

export function define(command: Command): void {
  addClientOptions(command)
    .option('--all', 'also tasks that have ended or are unreachable', false)
    .option('--framework <id>', 'only tasks of this framework')
    .action(async (options: TaskOptions) => {
      const tasks = await allTasks(operatorClient(options));
      const rows = tasks
        .filter((task) => options.all || !isOver(task))
        .filter(
          (task) => (options.framework ?? task.framework_id.value) === task.framework_id.value,
        )
        .map(toRow);
      printRows(rows, { json: options.json, columns: COLUMNS, none: noneText(options) });
    });
}

function noneText(options: TaskOptions): string {
  return options.all ? 'no tasks' : 'no tasks are running (--all lists those that have ended)';
}

/** Ended, or on an agent that is unreachable. */
function isOver(task: Task): boolean {
  return isTerminalState(task.state) || task.state === 'TASK_UNREACHABLE';
}

function toRow(task: Task): TaskRow {
  const resources = Resources.fromWire(task.resources ?? []);
  return {
    id: task.task_id.value,
    name: task.name,
    state: task.state,
    cpus: resources.scalar('cpus') / 1000,
    memoryMiB: resources.scalar('mem') / 1000,
    agentId: task.agent_id.value,
    frameworkId: task.framework_id.value,
    message: task.statuses?.at(-1)?.message,
  };
}
