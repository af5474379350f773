/** Options that subcommands of `plateau services` share, and how they find the scheduler. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printJson, printNotice } from '../../../core/command/index.js';
import { DEFAULT_MASTERS, findFramework } from '../../../sdk/hosting/index.js';
import { PlateauError } from '../../../sdk/index.js';
import { ServicesClient, type Started } from '../client.js';

export interface ServicesCommandOptions {
  /** Of the REST interface of the scheduler. */
  readonly services?: string;
  readonly master: string;
  readonly json: boolean;
}

export interface ChangeOptions extends ServicesCommandOptions {
  readonly force: boolean;
  readonly wait: boolean;
}

/** Adds `--services`, `--master` and `--json`. */
export function addServicesOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--services <url>',
        'address of the services scheduler (default: the master is asked for it)',
      ).env('PLATEAU_SERVICES'),
    )
    .addOption(
      new Option('--master <url>', 'address of the master; several separated by commas')
        .env('PLATEAU_MASTER')
        .default(DEFAULT_MASTERS),
    )
    .option('--json', 'print JSON', false);
}

/** Adds `--force` and `--wait` as well. */
export function addChangeOptions(command: Command): Command {
  return addServicesOptions(command)
    .option('--force', 'cancel other deployments of the app', false)
    .option('--wait', 'wait until the instances are as asked', false);
}

/** @throws PlateauError `NOT_FOUND` when the master knows no scheduler. */
export async function servicesClient(options: ServicesCommandOptions): Promise<ServicesClient> {
  const { services, master } = options;
  if (services !== undefined) return new ServicesClient(services);
  const { url } = await findFramework({ name: 'services', masters: master, option: '--services' });
  return new ServicesClient(url);
}

/** Reads a number of instances. */
export function instanceCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, 0 or more.');
}

const POLL_MS = 250;

/** Tells what was started; with `--wait` waits for the end, and for that of a deployment that went back. */
export async function report(
  client: ServicesClient,
  started: Started,
  { json, wait, apps }: ChangeOptions & { readonly apps: readonly string[] },
): Promise<void> {
  if (!wait) {
    if (json) printJson(started);
    else printNotice(`deployment ${started.deploymentId} has begun`);
    return;
  }
  const wanted = await versionsOf(client, apps);
  for (;;) {
    const open = (await client.deployments()).filter(({ affectedApps }) =>
      affectedApps.some((id) => apps.includes(id)),
    );
    if (open.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const reverted = [...(await versionsOf(client, apps))].filter(
    ([id, version]) => wanted.get(id) !== version,
  );
  if (reverted.length > 0) {
    const ids = reverted.map(([id]) => id).join(', ');
    throw new PlateauError('INVALID_REQUEST', `the deployment failed, and went back: ${ids}`);
  }
  if (json) printJson({ ...started, done: true });
  else printNotice(`deployment ${started.deploymentId} is done`);
}

async function versionsOf(
  client: ServicesClient,
  apps: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const found = await Promise.all(
    apps.map(async (id) => [id, (await client.app(id))?.version] as const),
  );
  return new Map(found);
}
