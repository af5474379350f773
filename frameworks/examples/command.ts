/** `plateau example …`: the example frameworks as subcommands. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wordCount } from './word-count/main.js';
import { type WordCountJobOptions, wordCountJob } from './word-count-job/main.js';

interface WordCountOptions {
  readonly master: string;
  readonly store: string;
  readonly json: boolean;
  readonly maps: number;
  readonly top: number;
}

export function define(command: Command): void {
  defineWordCount(command);
  defineWordCountJob(command);
}

function defineWordCount(command: Command): void {
  command
    .command('word-count')
    .description('count the words of files: map tasks on all agents, then one reduce task')
    .argument('[path...]', 'files or folders to count', ['.'])
    .addOption(masterOption())
    .option('--store <url>', 'where the job is remembered: lmdb:./folder, or memory:', 'memory:')
    .addOption(new Option('--maps <n>', 'number of map tasks').default(12).argParser(positive))
    .addOption(topOption())
    .option('--json', 'print JSON', false)
    .action(async (paths: readonly string[], options: WordCountOptions) => {
      process.exitCode = await wordCount({ ...options, paths });
    });
}

function defineWordCountJob(command: Command): void {
  command
    .command('word-count-job')
    .description('the word count as a job of the batch scheduler')
    .argument('<document>', 'the job: frameworks/examples/word-count-job/job.yaml')
    .argument('[path...]', 'files or folders to count', ['.'])
    .addOption(masterOption())
    .addOption(
      new Option(
        '--batch <url>',
        'address of the batch scheduler (default: the master is asked for it)',
      ).env('PLATEAU_BATCH'),
    )
    .addOption(topOption())
    .option('--json', 'print JSON', false)
    .action(
      async (
        file: string,
        paths: readonly string[],
        options: Omit<WordCountJobOptions, 'paths'>,
      ) => {
        process.exitCode = await wordCountJob(file, { ...options, paths });
      },
    );
}

function masterOption(): Option {
  return new Option('--master <url>', 'address of the master')
    .env('PLATEAU_MASTER')
    .default('http://127.0.0.1:5050');
}

function topOption(): Option {
  return new Option('--top <n>', 'words to print').default(15).argParser(positive);
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 10_000) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
  }
  return value;
}
