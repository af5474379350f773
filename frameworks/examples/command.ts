/** `plateau example …`: the example frameworks as subcommands. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wordCount } from './word-count/main.js';

interface WordCountOptions {
  readonly master: string;
  readonly store: string;
  readonly json: boolean;
  readonly maps: number;
  readonly top: number;
}

export function define(command: Command): void {
  command
    .command('word-count')
    .description('count the words of files: map tasks on all agents, then one reduce task')
    .argument('[path...]', 'files or folders to count', ['.'])
    .addOption(
      new Option('--master <url>', 'address of the master')
        .env('PLATEAU_MASTER')
        .default('http://127.0.0.1:5050'),
    )
    .option('--store <url>', 'where the job is remembered: lmdb:./folder, or memory:', 'memory:')
    .addOption(new Option('--maps <n>', 'number of map tasks').default(12).argParser(positive))
    .addOption(new Option('--top <n>', 'words to print').default(15).argParser(positive))
    .option('--json', 'print JSON', false)
    .action(async (paths: readonly string[], options: WordCountOptions) => {
      process.exitCode = await wordCount({ ...options, paths });
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 10_000) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
  }
  return value;
}
