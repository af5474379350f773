/** `plateau run`: runs a command on the cluster as one or more tasks, and waits for them. */
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandInfo } from '../../api/index.js';
import { type Disposable, SystemIds, toDisposable } from '../../base/index.js';
import { type TaskRecord, type TaskRequest, TaskRunner, isOver } from '../../client/index.js';
import {
  EXIT_CODES,
  type Progress,
  formatSpan,
  printJson,
  printNotice,
  startProgress,
} from '../../command/index.js';
import { type ClientOptions, addClientOptions, commandWorld } from '../client-options.js';
import { OutputFollower } from '../output-follower.js';
import { reportFailure } from '../report.js';
import { exitCodeOf, summaryOf } from '../task-outcome.js';

interface RunOptions extends ClientOptions {
  readonly name: string;
  readonly command: string;
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly env: readonly string[];
  readonly uris: readonly string[];
  readonly role: string;
  readonly user?: string;
  readonly instances: number;
  readonly follow: boolean;
}

/** More tasks than this in one `run` want a real scheduler. */
const MOST_INSTANCES = 10_000;
/** The tasks outlive a lost connection by this long, so that a restart of the master is survived. */
const FAILOVER_TIMEOUT_SECONDS = 60;
/** Shorter waits for a master are not worth a word. */
const SHORT_WAIT_MS = 500;
/** Without a launch for this long, the user is told how to find out why. */
const WAITING_HINT_MS = 10_000;

export function define(command: Command): void {
  addClientOptions(command)
    .requiredOption('--name <name>', 'name of the tasks')
    .requiredOption('--command <text>', 'what to run, by /bin/sh')
    .addOption(new Option('--cpus <n>', 'cpus of a task').default(0.1).argParser(amount))
    .addOption(new Option('--mem <mib>', 'memory of a task in MiB').default(32).argParser(amount))
    .addOption(new Option('--disk <mib>', 'disk of a task in MiB').default(0).argParser(amount))
    .option('--env <name=value...>', 'variables of the environment', [])
    .option('--uris <uri...>', 'files to fetch into the sandbox', [])
    .option('--role <role>', 'role whose offers are used', '*')
    .option('--user <user>', 'user to run as (default: you)')
    .addOption(new Option('--instances <n>', 'number of tasks').default(1).argParser(instances))
    .option('--follow', 'print the output of the tasks, each line prefixed', false)
    .action(run);
}

async function run(options: RunOptions): Promise<void> {
  const requests = taskRequests(options);
  const world = commandWorld();
  const session = new RunSession(options, requests.length);
  const runner = new TaskRunner({
    world,
    masters: options.master,
    frameworkInfo: {
      user: options.user ?? userInfo().username,
      name: `plateau run ${options.name}`,
      roles: [options.role],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
      failover_timeout: FAILOVER_TIMEOUT_SECONDS,
      checkpoint: true,
    },
    onChange: (record) => session.changed(record, runner.records),
    onDisconnected: (reason, retryInMs) => {
      if (retryInMs < SHORT_WAIT_MS) return;
      printNotice(`no connection to a master (${reason}); next try in ${formatSpan(retryInMs)}`);
    },
  });
  const interruption = onInterrupt(() => {
    printNotice('killing the tasks');
    session.isInterrupted = true;
    runner.kill();
  });
  const hint = world.clock.setTimer(WAITING_HINT_MS, () => hintAtWaiting(runner));
  runner.start();
  runner.submit(requests);
  try {
    const records = await runner.finished();
    await session.finish(records);
    process.exitCode = session.isInterrupted ? EXIT_CODES.interrupted : exitCodeOf(records);
  } catch (error) {
    reportFailure(error);
    process.exitCode = EXIT_CODES.notRun;
  } finally {
    hint.dispose();
    interruption.dispose();
    session.dispose();
    await runner.close();
  }
}

/** What the user sees while the tasks run. */
class RunSession implements Disposable {
  isInterrupted = false;
  readonly #options: RunOptions;
  readonly #total: number;
  readonly #progress: Progress | undefined;
  readonly #follower: OutputFollower | undefined;

  constructor(options: RunOptions, total: number) {
    this.#options = options;
    this.#total = total;
    if (options.follow) this.#follower = new OutputFollower({ prefix: total > 1 });
    else if (!options.json) this.#progress = startProgress(options.name, total);
  }

  changed(record: TaskRecord, records: readonly TaskRecord[]): void {
    this.#follower?.changed(record);
    if (this.#progress === undefined) return;
    const running = records.filter(({ state }) => state === 'TASK_RUNNING').length;
    this.#progress.update(records.filter(isOver).length, `${running} running`);
  }

  async finish(records: readonly TaskRecord[]): Promise<void> {
    await this.#follower?.finished();
    this.#progress?.dispose();
    if (this.#options.json) printJson(records.map(summaryOf));
    else {
      for (const record of records.filter((each) => each.state !== 'TASK_FINISHED')) {
        printNotice(`${record.taskId}: ${record.state}${messageOf(record)}`);
      }
      if (this.#total > 1) {
        const good = records.filter(({ state }) => state === 'TASK_FINISHED').length;
        printNotice(`${good} of ${this.#total} tasks finished`);
      }
    }
  }

  dispose(): void {
    this.#progress?.dispose();
    this.#follower?.dispose();
  }
}

function taskRequests(options: RunOptions): readonly TaskRequest[] {
  const run = new SystemIds().uuid().slice(0, 8);
  const command: CommandInfo = {
    value: options.command,
    uris: options.uris.map((value) => ({ value })),
    environment: { variables: options.env.map(variable) },
    ...(options.user === undefined ? {} : { user: options.user }),
  };
  const size = { cpus: options.cpus, memoryMiB: options.mem, diskMiB: options.disk };
  return Array.from({ length: options.instances }, (_, index) => ({
    id: `${idPart(options.name)}-${run}${options.instances > 1 ? `-${index}` : ''}`,
    size,
    info: {
      name: options.name,
      command: {
        ...command,
        environment: {
          variables: [
            ...(command.environment?.variables ?? []),
            { name: 'PLATEAU_INSTANCE', value: String(index) },
          ],
        },
      },
    },
  }));
}

function variable(text: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError(`--env ${text}: it must be NAME=VALUE`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** A name may hold anything; in an id of a task a slash may not occur. */
function idPart(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 100) || 'task';
}

function messageOf(record: TaskRecord): string {
  const { message, reason } = record.status ?? {};
  return [message, reason]
    .filter(Boolean)
    .map((text) => ` (${text})`)
    .join('');
}

function hintAtWaiting(runner: TaskRunner): void {
  if (runner.records.some(({ state }) => state !== 'WAITING')) return;
  const id = runner.frameworkId;
  printNotice(
    id === undefined
      ? 'still not subscribed to a master; is one running? (plateau up)'
      : `no offer fits yet; 'plateau why ${id}' tells the reasons`,
  );
}

function onInterrupt(listener: () => void): Disposable {
  let count = 0;
  const handle = (): void => {
    count += 1;
    if (count === 1) listener();
    // oxlint-disable-next-line unicorn/no-process-exit -- asked twice: leave, the master cleans up
    else process.exit(EXIT_CODES.interrupted);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return toDisposable(() => {
    process.off('SIGINT', handle);
    process.off('SIGTERM', handle);
  });
}

function amount(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('It must be a number of at least 0.');
  }
  return value;
}

function instances(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MOST_INSTANCES) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_INSTANCES}.`);
  }
  return value;
}
