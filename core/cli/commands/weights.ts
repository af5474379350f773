/** `plateau weights`: how much more than others roles get of what is shared. */
import { type Command, InvalidArgumentError } from 'commander';
import { type WeightInfo, parseWeights } from '../../api/index.js';
import { errorMessage } from '../../base/index.js';
import { type Column, formatAmount, printJson, printLine, printRows } from '../../command/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';

const COLUMNS: readonly Column<WeightInfo>[] = [
  { heading: 'ROLE', value: ({ role }) => role },
  { heading: 'WEIGHT', value: ({ weight }) => formatAmount(weight), align: 'right' },
];

const NONE = 'no weights are set: every role has weight 1';

export function define(command: Command): void {
  addClientOptions(
    command.command('list', { isDefault: true }).description('list the weights that were set'),
  ).action(async (options: ClientOptions) => {
    const weights = await operatorClient(options).weights();
    printRows(weights, { json: options.json, columns: COLUMNS, none: NONE });
  });
  addClientOptions(
    command
      .command('set')
      .description('set weights, all of them or none; 1 is what a role has by itself')
      .argument('<role=weight...>', 'such as prod=2 dev=0.5', collect),
  ).action(async (weights: readonly WeightInfo[], options: ClientOptions) => {
    await operatorClient(options).updateWeights(weights);
    if (options.json) printJson(weights);
    else for (const { role, weight } of weights) printLine(`the weight of ${role} is ${weight}`);
  });
}

function collect(text: string, before: readonly WeightInfo[] = []): readonly WeightInfo[] {
  try {
    return [...before, ...parseWeights(text)];
  } catch (error) {
    throw new InvalidArgumentError(errorMessage(error));
  }
}
