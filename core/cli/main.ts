#!/usr/bin/env node
/**
 * The `plateau` command: a table of subcommands, each loaded only when it is asked for. This is the
 * composition root, where cores, shells and stores are put together.
 */
import { Command, CommanderError } from 'commander';
import { MESOS_VERSION, PLATEAU_VERSION } from '../api/index.js';
import { EXIT_CODES, dashFlags } from '../command/index.js';
import { reportFailure } from './report.js';

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  /** Loads the module that adds options and action to the command. */
  readonly load: () => Promise<{ define(command: Command): void }>;
}

const SUBCOMMANDS: readonly Subcommand[] = [
  { name: 'up', summary: 'run a local cluster', load: () => import('./commands/up.js') },
  { name: 'run', summary: 'run a command on the cluster', load: () => import('./commands/run.js') },
  { name: 'agents', summary: 'list and drain agents', load: () => import('./commands/agents.js') },
  { name: 'tasks', summary: 'list tasks', load: () => import('./commands/tasks.js') },
  {
    name: 'frameworks',
    summary: 'list frameworks',
    load: () => import('./commands/frameworks.js'),
  },
  { name: 'roles', summary: 'list roles', load: () => import('./commands/roles.js') },
  {
    name: 'quota',
    summary: 'list, set and remove the quotas of roles',
    load: () => import('./commands/quota.js'),
  },
  {
    name: 'weights',
    summary: 'list and set the weights of roles',
    load: () => import('./commands/weights.js'),
  },
  { name: 'logs', summary: 'print the output of a task', load: () => import('./commands/logs.js') },
  {
    name: 'exec',
    summary: 'run a command beside a task',
    load: () => import('./commands/exec.js'),
  },
  { name: 'kill', summary: 'kill a task', load: () => import('./commands/kill.js') },
  {
    name: 'why',
    summary: 'explain what a framework is offered, and what not',
    load: () => import('./commands/why.js'),
  },
  {
    name: 'maintenance',
    summary: 'plan the maintenance of machines, and take them down',
    load: () => import('./commands/maintenance.js'),
  },
  { name: 'master', summary: 'run a master', load: () => import('./commands/master.js') },
  { name: 'agent', summary: 'run an agent', load: () => import('./commands/agent.js') },
  {
    name: 'framework',
    summary: 'run a framework',
    load: () => import('./commands/framework.js'),
  },
  {
    name: 'init',
    summary: 'write the first files of a framework',
    load: () => import(new URL('init.js', SDK_COMMANDS).href),
  },
  {
    name: 'batch',
    summary: 'run batch jobs, and their scheduler',
    load: () => import(BATCH_COMMANDS),
  },
  {
    name: 'cron',
    summary: 'run jobs at their times, and their scheduler',
    load: () => import(CRON_COMMANDS),
  },
  {
    name: 'services',
    summary: 'keep services running, and their scheduler',
    load: () => import(SERVICES_COMMANDS),
  },
  {
    name: 'simulate',
    summary: 'try a framework under the faults of many seeds',
    load: () => import(new URL('simulate.js', TEST_KIT_COMMANDS).href),
  },
  {
    name: 'replay',
    summary: 'play a recording of a framework to other code of it',
    load: () => import(new URL('replay.js', TEST_KIT_COMMANDS).href),
  },
  {
    name: 'example',
    summary: 'run an example framework',
    load: () => import(EXAMPLES_MODULE),
  },
];

/** Reached by computed names: nothing in core depends on what stands on it. */
const EXAMPLES_MODULE = new URL('../../frameworks/examples/command.js', import.meta.url).href;

const BATCH_COMMANDS = new URL('../../frameworks/batch/commands/batch.js', import.meta.url).href;
const CRON_COMMANDS = new URL('../../frameworks/cron/commands/cron.js', import.meta.url).href;

const SERVICES_COMMANDS = new URL('../../frameworks/services/commands/services.js', import.meta.url)
  .href;

const SDK_COMMANDS = new URL('../../sdk/hosting/commands/', import.meta.url);
const TEST_KIT_COMMANDS = new URL('../../sdk/testing/commands/', import.meta.url);

const VERSION_TEXT = `plateau ${PLATEAU_VERSION} (Mesos API ${MESOS_VERSION}, Node ${process.versions.node})`;

/** Runs the command with arguments as in `process.argv`, and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('plateau')
    .description('Plateau: one pool of machines, shared by schedulers through resource offers.')
    .version(VERSION_TEXT, '-V, --version', 'print the versions')
    .showHelpAfterError('(run with --help for all options)')
    .enablePositionalOptions()
    .exitOverride();
  program.addHelpText('after', HELP_EPILOGUE);
  const wanted = argv[2];
  for (const { name, summary, load } of SUBCOMMANDS) {
    const command = program.command(name).description(summary).helpCommand(false);
    if (name === wanted) (await load()).define(command);
  }
  try {
    refuseUnknownSubcommand(program, argv.slice(2));
    await program.parseAsync(dashFlags(argv));
    return Number(process.exitCode ?? EXIT_CODES.success);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
    }
    return reportFailure(error);
  }
}

/** Otherwise the word would count as an argument of `list`, which takes none. */
function refuseUnknownSubcommand(program: Command, [name, word]: readonly string[]): void {
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined || command.commands.length === 0) return;
  if (word === undefined || word.startsWith('-')) return;
  const known = command.commands.map((one) => one.name());
  if (known.includes(word)) return;
  command.error(`error: unknown command '${name} ${word}': there are ${known.join(', ')}`);
}

const HELP_EPILOGUE = `
Options may be written with dashes or underscores, and be given as environment variables
(--work_dir: PLATEAU_WORK_DIR). Commands that talk to a cluster take --master or PLATEAU_MASTER.

Try:  plateau up                                        (in one terminal)
      plateau run --name hello --command 'echo hello' --follow`;

process.exitCode = await main(process.argv);
