/** `plateau why FRAMEWORK`: why it is, or is not, offered resources. */
import type { Command } from 'commander';
import {
  REFUSAL_REASONS,
  type RefusalReason,
  type RoleExplanation,
} from '../../allocator/index.js';
import { PlateauError } from '../../base/index.js';
import { printJson, printLine, printable } from '../../command/index.js';
import type { FrameworkExplanation } from '../../master/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

export function define(command: Command): void {
  addClientOptions(command)
    .argument('<framework>', 'id or name of the framework')
    .action(async (wanted: string, options: ClientOptions) => {
      const master = operatorClient(options);
      const id = await frameworkId(wanted, master);
      const explanation = await master.get('/plateau/v1/why', { framework: id });
      if (options.json) printJson(explanation);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own page, our own type
      else print(explanation as FrameworkExplanation);
    });
}

async function frameworkId(
  wanted: string,
  master: ReturnType<typeof operatorClient>,
): Promise<string> {
  const found = (await master.call({ type: 'GET_FRAMEWORKS' }))?.get_frameworks?.frameworks ?? [];
  const matches = found
    .map(({ framework_info: info }) => ({ id: info.id?.value ?? '', name: info.name }))
    .filter(({ id, name }) => id === wanted || name === wanted);
  const [first] = matches;
  if (first !== undefined && matches.length === 1) return first.id;
  const message =
    first === undefined
      ? `no framework is called '${wanted}'; 'plateau frameworks' lists them`
      : `${matches.length} frameworks are called '${wanted}': give one of the ids ${matches.map(({ id }) => id).join(', ')}`;
  throw new PlateauError('NOT_FOUND', message, { context: { framework: wanted } });
}

function print(explanation: FrameworkExplanation): void {
  const { name, frameworkId, summary, tasks, outstandingOffers, allocation } = explanation;
  printLine(`framework ${printable(name)} (${frameworkId}): ${summary}`);
  printLine(`it has ${tasks} task(s) and holds ${outstandingOffers} offer(s)`);
  for (const role of allocation?.roles ?? []) printRole(role);
}

function printRole(role: RoleExplanation): void {
  const share = (role.dominantShare * 100).toFixed(1);
  printLine();
  printLine(`role ${printable(role.role)}: dominant share ${share} %, weight ${role.weight}`);
  if (role.lastCycleMs === undefined) printLine('  no allocation cycle has run yet');
  printLine(`  ${String(role.offeredAgents).padStart(5)} offer(s) since the last batch began`);
  for (const [reason, count] of Object.entries(role.refusals)) {
    printLine(`  ${String(count).padStart(5)} agent(s) not: ${reasonText(reason)} [${reason}]`);
  }
}

function reasonText(reason: string): string {
  return isReason(reason) ? REFUSAL_REASONS[reason] : 'no text';
}

function isReason(text: string): text is RefusalReason {
  return Object.hasOwn(REFUSAL_REASONS, text);
}
