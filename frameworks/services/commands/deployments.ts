/** Subcommands of `plateau services` about deployments and events. */
import type { Command } from 'commander';
import {
  type Column,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../../core/command/index.js';
import type { ShownDeployment } from '../client.js';
import {
  type ChangeOptions,
  type ServicesCommandOptions,
  addServicesOptions,
  report,
  servicesClient,
} from './options.js';

const COLUMNS: readonly Column<ShownDeployment>[] = [
  { heading: 'ID', value: ({ id }) => id },
  { heading: 'STEP', value: (one) => `${one.currentStep}/${one.totalSteps}`, align: 'right' },
  { heading: 'APPS', value: ({ affectedApps }) => affectedApps.join(',') },
  {
    heading: 'DOES',
    value: ({ currentActions }) =>
      currentActions.map(({ action, app }) => `${action} ${app}`).join(', '),
  },
];

export function defineDeployments(command: Command): void {
  addServicesOptions(
    command.command('deployments').description('list the deployments that are under way'),
  ).action(async (options: ServicesCommandOptions) => {
    const deployments = await (await servicesClient(options)).deployments();
    printRows(deployments, { json: options.json, columns: COLUMNS, none: 'no deployments' });
  });
  addServicesOptions(
    command
      .command('cancel')
      .description('end a deployment where it is: old and new instances go on')
      .argument('<deployment>'),
  ).action(async (id: string, options: ServicesCommandOptions) => {
    await (await servicesClient(options)).cancel(id);
    if (options.json) printJson({ deploymentId: id, cancelled: true });
    else printNotice(`deployment ${id} is cancelled`);
  });
  addServicesOptions(
    command
      .command('rollback')
      .description('end a deployment, and go back to what was before it')
      .argument('<deployment>'),
  )
    .option('--wait', 'wait until the instances are as before', false)
    .action(async (id: string, options: ChangeOptions) => {
      const client = await servicesClient(options);
      const found = (await client.deployments()).find((one) => one.id === id);
      const started = await client.rollBack(id);
      await report(client, started, { ...options, apps: found?.affectedApps ?? [] });
    });
  addServicesOptions(
    command
      .command('events')
      .description('print events as they happen, until Ctrl-C')
      .option('--type <type...>', 'only of these types, such as deployment_success', []),
  ).action(async (options: ServicesCommandOptions & { readonly type: readonly string[] }) => {
    const client = await servicesClient(options);
    for await (const event of client.events(options.type)) {
      if (options.json) printLine(JSON.stringify(event));
      else
        printLine(`${String(event['timestamp'])} ${String(event['eventType'])} ${detailOf(event)}`);
    }
  });
}

function detailOf(event: Readonly<Record<string, unknown>>): string {
  const fields = [
    'appId',
    'runSpecId',
    'taskId',
    'taskStatus',
    'condition',
    'host',
    'id',
    'reason',
    'message',
  ];
  return fields
    .flatMap((field) => {
      const value = event[field];
      return typeof value === 'string' && value !== '' ? [`${field}=${value}`] : [];
    })
    .join(' ');
}
