/** `plateau quota`: what roles are guaranteed, and what they may hold at most. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { QuotaConfig, ValueScalar } from '../../api/index.js';
import { PlateauError, errorMessage } from '../../base/index.js';
import { type Column, formatAmount, printJson, printLine, printRows } from '../../command/index.js';
import { fromThousandths, parseQuantities } from '../../resources/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

type Amounts = Readonly<Record<string, ValueScalar>>;

interface SetOptions extends ClientOptions {
  readonly guarantee?: Amounts;
  readonly limit?: Amounts;
  readonly force: boolean;
}

const COLUMNS: readonly Column<QuotaConfig>[] = [
  { heading: 'ROLE', value: ({ role }) => role },
  { heading: 'GUARANTEE', value: ({ guarantees }) => amountsText(guarantees, 'nothing') },
  { heading: 'LIMIT', value: ({ limits }) => amountsText(limits, 'none') },
];

const NONE = 'no quota is set: nothing is guaranteed, and no role is limited';

export function define(command: Command): void {
  addClientOptions(
    command.command('list', { isDefault: true }).description('list the quotas of roles'),
  ).action(async (options: ClientOptions) => {
    const configs = await operatorClient(options).quotas();
    printRows(configs, { json: options.json, columns: COLUMNS, none: NONE });
  });
  defineSet(command);
  addClientOptions(
    command
      .command('remove')
      .description('remove the quota of a role: it is neither guaranteed nor limited any more')
      .argument('<role>', 'the role'),
  ).action(async (role: string, options: ClientOptions) => {
    await operatorClient(options).removeQuota(role);
    if (options.json) printJson({ role, asked: 'remove' });
    else printLine(`${role} has no quota any more`);
  });
}

function defineSet(command: Command): void {
  addClientOptions(
    command
      .command('set')
      .description('set the quota of a role; it replaces the one that it has')
      .argument('<role>', 'a role without a slash: quota of nested roles is not supported')
      .addOption(
        new Option(
          '--guarantee <amounts>',
          'what is kept for the role and those below it (default: nothing)',
        ).argParser(parseAmounts),
      )
      .addOption(
        new Option(
          '--limit <amounts>',
          'the most that they may hold together; what is not named is not limited (default: no limit)',
        ).argParser(parseAmounts),
      )
      .option(
        '--force',
        'even if the role holds more than the limit, or the cluster has less than all guarantees',
        false,
      )
      .addHelpText('after', EXAMPLE),
  ).action(async (role: string, options: SetOptions) => setQuota(role, options));
}

const EXAMPLE = `
Amounts are written as name:number, several separated by semicolons; memory and disk in MiB:
  plateau quota set prod --guarantee 'cpus:4;mem:4096' --limit 'cpus:8;mem:8192'`;

async function setQuota(role: string, options: SetOptions): Promise<void> {
  const { guarantee, limit, force } = options;
  if (guarantee === undefined && limit === undefined) {
    throw new PlateauError(
      'INVALID_FLAG',
      '--guarantee or --limit is required; `plateau quota remove` takes a quota away',
    );
  }
  const config: QuotaConfig = { role, guarantees: guarantee, limits: limit };
  await operatorClient(options).updateQuota([config], force);
  if (options.json) {
    printJson(config);
  } else {
    const most = limit === undefined ? 'is not limited' : `is limited to ${amountsText(limit, '')}`;
    printLine(`${role} is guaranteed ${amountsText(guarantee, 'nothing')} and ${most}`);
  }
}

function parseAmounts(text: string): Amounts {
  try {
    const [amounts, another] = parseQuantities(text);
    if (amounts === undefined) throw new InvalidArgumentError('It must name an amount.');
    if (another !== undefined) throw new InvalidArgumentError('It must not have alternatives.');
    return Object.fromEntries(
      [...amounts].map(([name, amount]) => [name, { value: fromThousandths(amount) }]),
    );
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    throw new InvalidArgumentError(`${errorMessage(error)}; write for instance 'cpus:4;mem:1024'`);
  }
}

function amountsText(amounts: Amounts | undefined, none: string): string {
  const entries = Object.entries(amounts ?? {});
  if (entries.length === 0) return none;
  return entries.map(([name, { value }]) => `${name}:${formatAmount(value)}`).join(';');
}
