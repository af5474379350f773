/** Subcommands of `plateau services` that look at apps and steer them. */
import type { Command } from 'commander';
import {
  type Column,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../../core/command/index.js';
import { PlateauError } from '../../../sdk/index.js';
import { canonicalId } from '../apps/app-id.js';
import type { ServicesClient, ShownApp, ShownWaiting, Started } from '../client.js';
import {
  type ChangeOptions,
  type ServicesCommandOptions,
  addChangeOptions,
  addServicesOptions,
  instanceCount,
  report,
  servicesClient,
} from './options.js';
import { TASK_COLUMNS } from './tasks.js';

export function defineApps(command: Command): void {
  defineList(command);
  defineShow(command);
  defineChanges(command);
  defineQueue(command);
}

const APP_COLUMNS: readonly Column<ShownApp>[] = [
  { heading: 'ID', value: ({ id }) => id },
  { heading: 'INSTANCES', value: (app) => `${app.tasksRunning}/${app.instances}`, align: 'right' },
  { heading: 'HEALTHY', value: (app) => healthText(app), align: 'right' },
  { heading: 'STAGED', value: ({ tasksStaged }) => tasksStaged, align: 'right' },
  { heading: 'CPUS', value: ({ cpus }) => cpus, align: 'right' },
  { heading: 'MEM', value: ({ mem }) => mem, align: 'right' },
  { heading: 'STATE', value: (app) => stateOf(app) },
  { heading: 'VERSION', value: ({ version }) => version },
];

function healthText({ healthChecks, tasksHealthy, instances }: ShownApp): string | undefined {
  return healthChecks.length === 0 ? undefined : `${tasksHealthy}/${instances}`;
}

function stateOf({ deployments, instances, tasksRunning }: ShownApp): string {
  if (deployments.length > 0) return 'deploying';
  if (instances === 0) return 'suspended';
  return tasksRunning < instances ? 'waiting' : 'running';
}

function defineList(command: Command): void {
  addServicesOptions(command.command('list').description('list apps')).action(
    async (options: ServicesCommandOptions) => {
      const apps = await (await servicesClient(options)).apps();
      printRows(apps, { json: options.json, columns: APP_COLUMNS, none: 'no apps' });
    },
  );
}

function defineShow(command: Command): void {
  addServicesOptions(
    command
      .command('show')
      .description('show an app, its instances, and what it waits for')
      .argument('<app>', 'its id, such as /shop/web'),
  ).action(async (id: string, options: ServicesCommandOptions) => {
    const client = await servicesClient(options);
    const app = await client.app(id);
    if (app === undefined) throw noApp(id);
    if (options.json) {
      printJson(app);
      return;
    }
    printRows([app], { json: false, columns: APP_COLUMNS, none: '' });
    const { tasks = [], lastTaskFailure: last } = app;
    printLine();
    printRows(tasks, { json: false, columns: TASK_COLUMNS, none: 'no instances' });
    if (last !== undefined) {
      printLine(`\nlast failure: ${last.timestamp} ${last.state}: ${last.message}`);
    }
    printWaiting((await client.why()).filter((each) => each.app === app.id));
  });
}

function noApp(id: string): PlateauError {
  return new PlateauError(
    'NOT_FOUND',
    `there is no app '${canonicalId(id)}': see 'plateau services list'`,
  );
}

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly act: (client: ServicesClient, id: string, force: boolean) => Promise<Started>;
}

const VERBS: readonly Verb[] = [
  {
    name: 'restart',
    description: 'replace all instances of an app, as its upgrade strategy says',
    act: (client, id, force) => client.restart(id, force),
  },
  {
    name: 'delete',
    description: 'delete an app and end its instances',
    act: (client, id, force) => client.remove(id, force),
  },
];

function defineChanges(command: Command): void {
  addChangeOptions(
    command
      .command('scale')
      .description('change the number of instances of an app')
      .argument('<app>')
      .argument('<instances>', 'how many', instanceCount),
  ).action(async (id: string, instances: number, options: ChangeOptions) => {
    const client = await servicesClient(options);
    const started = await client.scale(id, instances, options.force);
    await report(client, started, { ...options, apps: [canonicalId(id)] });
  });
  for (const { name, description, act } of VERBS) {
    addChangeOptions(command.command(name).description(description).argument('<app>')).action(
      async (id: string, options: ChangeOptions) => {
        const client = await servicesClient(options);
        const started = await act(client, id, options.force);
        await report(client, started, { ...options, apps: [canonicalId(id)] });
      },
    );
  }
  addChangeOptions(
    command
      .command('versions')
      .description('list the versions of an app, or go back to one')
      .argument('<app>')
      .option('--to <version>', 'go back to this version'),
  ).action(async (id: string, options: ChangeOptions & { readonly to?: string }) => {
    const client = await servicesClient(options);
    if (options.to !== undefined) {
      const started = await client.toVersion(id, options.to, options.force);
      await report(client, started, { ...options, apps: [canonicalId(id)] });
      return;
    }
    const versions = await client.versions(id);
    if (options.json) printJson(versions);
    else for (const version of versions) printLine(version);
  });
}

const WAITING_COLUMNS: readonly Column<ShownWaiting>[] = [
  { heading: 'APP', value: ({ app }) => app },
  { heading: 'MISSING', value: ({ count }) => count, align: 'right' },
  { heading: 'SINCE', value: ({ since }) => since },
  {
    heading: 'DELAY',
    value: ({ delaySeconds }) => (delaySeconds > 0 ? `${delaySeconds} s` : undefined),
    align: 'right',
  },
  { heading: 'OFFERS', value: ({ offers }) => offers, align: 'right' },
  { heading: 'REASON', value: ({ reasons }) => reasons[0] },
];

function defineQueue(command: Command): void {
  addServicesOptions(
    command.command('queue').description('list apps that wait for instances, and why'),
  ).action(async (options: ServicesCommandOptions) => {
    const client = await servicesClient(options);
    if (options.json) {
      printJson(await client.queue());
      return;
    }
    printRows(await client.why(), { json: false, columns: WAITING_COLUMNS, none: 'no app waits' });
  });
  addServicesOptions(
    command
      .command('why')
      .description('tell why instances of an app are not running')
      .argument('<app>')
      .option('--reset-delay', 'try again at once', false),
  ).action(
    async (id: string, options: ServicesCommandOptions & { readonly resetDelay: boolean }) => {
      const client = await servicesClient(options);
      const app = await client.app(id);
      if (app === undefined) throw noApp(id);
      const waiting = (await client.why()).filter((each) => each.app === app.id);
      if (options.resetDelay) await client.resetDelay(id);
      if (options.json) printJson(waiting);
      else if (waiting.length === 0) printNotice(`${app.id} waits for nothing`);
      else printWaiting(waiting);
    },
  );
}

function printWaiting(waiting: readonly ShownWaiting[]): void {
  for (const { count, delaySeconds, offers, reasons, since } of waiting) {
    const delay = delaySeconds > 0 ? `; the next try is in ${delaySeconds} s` : '';
    printLine(`\n${count} missing since ${since}, ${offers} offers looked at${delay}`);
    for (const reason of reasons) printLine(`  ${reason}`);
  }
}
