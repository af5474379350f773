/** Jobs as the command line gives them: files, standard input, or options. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PlateauError, errorMessage } from '../../../sdk/index.js';
import { readDocument, readDocuments } from '../../../sdk/documents/index.js';
import { JobDocument } from '../document.js';
import { amount, wholeNumber } from './options.js';

export interface DocumentOptions {
  readonly name?: string;
  readonly command?: string;
  readonly array?: string;
  readonly parallelism?: number;
  readonly cpus?: number;
  readonly mem?: number;
  readonly disk?: number;
  readonly env: readonly string[];
  readonly uris: readonly string[];
  readonly user?: string;
  readonly retries?: number;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly priority?: number;
  readonly afterOk: readonly string[];
  readonly afterAny: readonly string[];
  readonly afterFail: readonly string[];
  readonly hold: boolean;
}

/** Adds the argument FILE and the options that describe a job without one. */
export function addDocumentOptions(command: Command): Command {
  const seconds = wholeNumber(1);
  return command
    .argument('[file]', 'document of the job in YAML or JSON; - reads standard input')
    .option('--name <name>', 'name of the job (default: that of the document, or a new one)')
    .option('--command <text>', 'instead of a document: what to run, by /bin/sh')
    .option('--array <indexes>', 'indexes such as 0-99,200')
    .addOption(count('--parallelism <n>', 'tasks at one time').argParser(wholeNumber(0)))
    .addOption(count('--cpus <n>', 'cpus of a task (default: 0.1)').argParser(amount))
    .addOption(count('--mem <mib>', 'memory of a task in MiB (default: 32)').argParser(amount))
    .addOption(count('--disk <mib>', 'disk of a task in MiB').argParser(amount))
    .option('--env <name=value...>', 'variables of the environment', [])
    .option('--uris <uri...>', 'files to fetch into the sandbox', [])
    .option('--user <user>', 'user to run as (default: that of the scheduler)')
    .addOption(
      count('--retries <n>', 'attempts of an index after the first (default: 0)').argParser(
        wholeNumber(0),
      ),
    )
    .addOption(count('--timeout <seconds>', 'longest time of an attempt').argParser(seconds))
    .addOption(count('--deadline <seconds>', 'longest time of the job').argParser(seconds))
    .addOption(
      count('--priority <n>', 'higher ones first (default: 0)').argParser(wholeNumber(-1000)),
    )
    .option('--after-ok <job...>', 'begin when these jobs have succeeded', [])
    .option('--after-any <job...>', 'begin when these jobs have ended', [])
    .option('--after-fail <job...>', 'begin when these jobs have failed', [])
    .option('--hold', 'start nothing until it is released', false);
}

function count(flags: string, description: string): Option {
  return new Option(flags, description);
}

/**
 * The jobs that are asked for.
 * @throws PlateauError `INVALID_REQUEST` with all problems of a document and their lines; `INVALID_FLAG`.
 */
export function readJobs(
  file: string | undefined,
  options: DocumentOptions,
): readonly [JobDocument, ...JobDocument[]] {
  if (file === undefined) return [jobOfOptions(options)];
  if (Object.keys(fieldsOf(options)).length > 0) {
    throw invalidFlag(`${file} describes the job: leave options that describe one out, but --name`);
  }
  const source = file === '-' ? 'stdin' : file;
  const [first, ...others] = readDocuments(textOf(file), JobDocument, { source });
  if (first === undefined) throw invalidFlag(`${source} holds no job`);
  if (options.name === undefined) return [first, ...others];
  if (others.length > 0) throw invalidFlag(`--name names one job, and ${source} holds several`);
  return [Object.assign(first, { name: options.name })];
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw invalidFlag(`the document ${file} cannot be read: ${errorMessage(error)}`);
  }
}

/** Written as a document and read as one, so that the same checks are made. */
function jobOfOptions(options: DocumentOptions): JobDocument {
  if (options.command === undefined) {
    throw invalidFlag('name a document, or - for standard input, or say --command');
  }
  const name = options.name ?? `job-${randomUUID().slice(0, 8)}`;
  const document = { backoffLimitPerIndex: 0, ...fieldsOf(options), name };
  const source = 'the command line';
  return readDocument(JSON.stringify(document), JobDocument, { source });
}

/** Fields of a document that options name. */
function fieldsOf(options: DocumentOptions): Readonly<Record<string, unknown>> {
  const { command, cpus, mem, disk, env, uris, user, timeout } = options;
  const template = present({
    command,
    cpus,
    memMiB: mem,
    diskMiB: disk,
    env: env.length === 0 ? undefined : Object.fromEntries(env.map(variable)),
    uris: listed(uris),
    user,
    activeDeadlineSeconds: timeout,
  });
  return present({
    indexes: options.array,
    parallelism: options.parallelism,
    backoffLimitPerIndex: options.retries,
    activeDeadlineSeconds: options.deadline,
    priority: options.priority,
    afterOk: listed(options.afterOk),
    afterAny: listed(options.afterAny),
    afterFail: listed(options.afterFail),
    suspend: options.hold ? true : undefined,
    template: Object.keys(template).length === 0 ? undefined : template,
  });
}

function listed(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function variable(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError(`--env ${text}: it must be NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function invalidFlag(message: string): PlateauError {
  return new PlateauError('INVALID_FLAG', message);
}
