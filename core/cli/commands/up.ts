/** `plateau up`: a local cluster that stays, or that lasts as long as one command. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODES, SIGNAL_EXIT_BASE, printLine, printNotice } from '../../command/index.js';
import { assertLinux } from '../../containers/index.js';
import { commandWorld } from '../client-options.js';
import { untilAskedToEnd } from '../daemon.js';
import { LocalCluster } from '../local-cluster.js';
import {
  LAST_PORT_OFFSET,
  SCHEDULERS,
  type SchedulerName,
  clusterEnvironment,
  parseSchedulers,
} from '../local-schedulers.js';

interface UpOptions {
  readonly agents: number;
  readonly port: number;
  readonly schedulers: readonly SchedulerName[];
  readonly workDir?: string;
  readonly ephemeral: boolean;
}

/** More agents than this on one host are a mistake. */
const MOST_AGENTS = 100;

export function define(command: Command): void {
  command
    .argument(
      '[command...]',
      'run this against the cluster (PLATEAU_MASTER, PLATEAU_BATCH, … are set), then end it',
    )
    .addOption(
      new Option('--agents <n>', 'number of agents')
        .default(3)
        .argParser(integerWithin(1, MOST_AGENTS)),
    )
    .addOption(
      new Option(
        '--port <port>',
        'port of the master; the others take ports after it; 0: free ports',
      )
        .env('PLATEAU_PORT')
        .default(5050)
        .argParser(integerWithin(0, 65_535 - LAST_PORT_OFFSET)),
    )
    .addOption(
      new Option('--schedulers <names>', 'schedulers beside it, with commas between, or none')
        .default(SCHEDULERS, SCHEDULERS.join(','))
        .argParser(parseSchedulers),
    )
    .addOption(
      new Option(
        '--work-dir <folder>',
        'where the cluster keeps its state (default: ~/.plateau)',
      ).env('PLATEAU_WORK_DIR'),
    )
    .option('--ephemeral', 'keep the state in a temporary folder that is removed at the end', false)
    .passThroughOptions()
    .action((words: readonly string[], options: UpOptions) => up(words, options));
}

async function up(words: readonly string[], options: UpOptions): Promise<void> {
  assertLinux();
  const workDir = options.ephemeral
    ? mkdtempSync(join(tmpdir(), 'plateau-'))
    : resolve(options.workDir ?? join(homedir(), '.plateau'));
  try {
    process.exitCode = await upIn(workDir, words, options);
  } finally {
    if (options.ephemeral) rmSync(workDir, { recursive: true, force: true });
  }
}

async function upIn(
  workDir: string,
  words: readonly string[],
  { agents, schedulers, port }: UpOptions,
): Promise<number> {
  const asked = untilAskedToEnd(new Promise(() => {}), 'ignore');
  const cluster = await LocalCluster.start({
    world: commandWorld(),
    workDir,
    agents,
    schedulers,
    port,
    onRestart: (name, how) => printNotice(`${name} ended (${how}); starting it again`),
  });
  try {
    if (words.length === 0) return await stay(cluster, workDir, asked);
    return await attend(cluster, words, asked);
  } finally {
    await cluster.stop();
  }
}

async function stay(
  cluster: LocalCluster,
  workDir: string,
  asked: Promise<unknown>,
): Promise<number> {
  printLine(`The cluster is up: ${cluster.masterUrl}/  (Ctrl-C ends it and its tasks)`);
  for (const [name, url] of cluster.schedulerUrls) printLine(`  ${name.padEnd(10)}${url}/`);
  printLine(`State and logs are in ${workDir}.`);
  printLine(`Try:  plateau run --name hello --command 'echo hello' --follow`);
  await asked;
  printNotice('ending the tasks and all programs');
  return EXIT_CODES.success;
}

/** Runs the command and returns its status; what asks us to end is passed on to it. */
async function attend(
  cluster: LocalCluster,
  words: readonly string[],
  asked: Promise<string>,
): Promise<number> {
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, {
    stdio: 'inherit',
    env: clusterEnvironment(process.env, cluster.masterUrl, cluster.schedulerUrls),
  });
  const ended = new Promise<number>((resolveCode, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolveCode(code ?? SIGNAL_EXIT_BASE + constants.signals[signal ?? 'SIGKILL']),
    );
  });
  void asked.then((request) => child.kill(request === 'SIGINT' ? 'SIGINT' : 'SIGTERM'));
  return ended;
}

function integerWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
