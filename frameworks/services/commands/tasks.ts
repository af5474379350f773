/** Subcommands of `plateau services` about instances. */
import type { Command } from 'commander';
import { type Column, printJson, printNotice, printRows } from '../../../core/command/index.js';
import type { ShownTask } from '../client.js';
import { type ServicesCommandOptions, addServicesOptions, servicesClient } from './options.js';

export const TASK_COLUMNS: readonly Column<ShownTask>[] = [
  { heading: 'ID', value: ({ id }) => id },
  { heading: 'STATE', value: ({ state }) => state.replace(/^TASK_/, '') },
  { heading: 'HEALTH', value: (task) => healthOf(task) },
  { heading: 'HOST', value: ({ host }) => host },
  { heading: 'PORTS', value: ({ ports }) => ports.join(',') },
  { heading: 'STARTED', value: ({ startedAt }) => startedAt },
  { heading: 'VERSION', value: ({ version }) => version },
];

function healthOf({ healthCheckResults: [result] }: ShownTask): string | undefined {
  return result === undefined ? undefined : result.alive ? 'healthy' : 'ill';
}

export function defineTasks(command: Command): void {
  addServicesOptions(
    command
      .command('tasks')
      .description('list the instances of an app, or of all apps')
      .argument('[app]'),
  ).action(async (id: string | undefined, options: ServicesCommandOptions) => {
    const tasks = await (await servicesClient(options)).tasks(id);
    printRows(tasks, { json: options.json, columns: TASK_COLUMNS, none: 'no instances' });
  });
  addServicesOptions(
    command
      .command('kill')
      .description('end instances; others take their places')
      .argument('<task...>', 'their ids')
      .option('--scale', 'have fewer instances instead', false),
  ).action(
    async (
      ids: readonly string[],
      options: ServicesCommandOptions & { readonly scale: boolean },
    ) => {
      await (await servicesClient(options)).kill(ids, options.scale);
      if (options.json) printJson({ asked: 'kill', ids });
      else printNotice(`${ids.length} asked to end`);
    },
  );
}
