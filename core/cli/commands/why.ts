/** `plateau why FRAMEWORK`: why it is, or is not, offered resources, or what a task needs. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PlateauError } from '../../base/index.js';
import { printJson } from '../../command/index.js';
import type { FrameworkExplanation } from '../../master/index.js';
import { type ClientOptions, addClientOptions, operatorClient } from '../client-options.js';
import { printExplanation } from '../explanation.js';

interface WhyOptions extends ClientOptions {
  readonly role?: string;
  readonly cpus?: string;
  readonly mem?: string;
  readonly disk?: string;
  readonly gpus?: string;
  readonly ports?: string;
  readonly resource: readonly string[];
  readonly constraints: readonly string[];
}

export function define(command: Command): void {
  addClientOptions(command)
    .argument('<framework>', 'id or name of the framework')
    .option('--role <role>', 'one role of the framework')
    .addOption(new Option('--cpus <n>', 'cpus of a task').argParser(amount))
    .addOption(new Option('--mem <mib>', 'memory of a task in MiB').argParser(amount))
    .addOption(new Option('--disk <mib>', 'disk of a task in MiB').argParser(amount))
    .addOption(new Option('--gpus <n>', 'gpus of a task').argParser(amount))
    .addOption(new Option('--ports <n>', 'how many ports a task needs').argParser(amount))
    .option('--resource <name=amount...>', 'other resources of a task', [])
    .option(
      '--constraints <condition...>',
      'what its agent has to be like: rack=r1, os~=linux.*',
      [],
    )
    .action(async (wanted: string, options: WhyOptions) => {
      const master = operatorClient(options);
      const framework = await frameworkId(wanted, master);
      const text = await master.getText(`/plateau/v1/why?${questionOf(framework, options)}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own page, our own type
      const explanation = JSON.parse(text) as FrameworkExplanation;
      if (options.json) printJson(explanation);
      else printExplanation(explanation);
    });
}

function questionOf(framework: string, options: WhyOptions): string {
  const { role, cpus, mem, disk, gpus, ports } = options;
  const query = new URLSearchParams({ framework });
  for (const [name, value] of Object.entries({ role, cpus, mem, disk, gpus, ports })) {
    if (value !== undefined) query.set(name, value);
  }
  for (const one of options.resource) query.append('resources', one);
  for (const one of options.constraints) query.append('constraints', one);
  return query.toString();
}

/** Kept as it was written: the master reads it. */
function amount(text: string): string {
  if (/^\d{1,16}(\.\d{1,16})?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a number from 0.');
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
