/**
 * From a CommandInfo to what is executed: the program, its arguments, and the whole environment.
 * Nothing of the agent's own environment is in it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandInfo, EnvironmentVariable } from '../api/index.js';
import { LaunchError } from './launch-error.js';

/** Where programs are looked for when the task brings no PATH of its own. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The most that arguments and environment may take together, in bytes. The system itself takes 2
 * MiB at most by default, and 128 KiB of one text.
 */
export const MAX_COMMAND_BYTES = 1024 * 1024;

export interface CommandLine {
  /** Absolute path of the program. */
  readonly file: string;
  /** All arguments, the name of the program first. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandLineOptions {
  readonly command: CommandInfo;
  readonly environment: Readonly<Record<string, string>>;
  readonly sandbox: string;
}

/** @throws LaunchError of stage `command`, naming what is missing or not valid. */
export function buildCommandLine(options: CommandLineOptions): CommandLine {
  const { command, sandbox } = options;
  const environment = buildEnvironment(options);
  const value = command.value ?? '';
  if (value === '') throw new LaunchError('command', 'the command has no value to execute');
  const line =
    command.shell === false
      ? direct(command, value, { sandbox, searchPath: environment['PATH'] ?? DEFAULT_PATH })
      : { file: '/bin/sh', argv: ['sh', '-c', isSimple(value) ? `exec ${value}` : value] };
  checkTexts([line.file, ...line.argv, ...Object.entries(environment).flat()]);
  return { ...line, environment };
}

/**
 * Whether a text is a single simple command that is not the shell's own. Not every shell replaces
 * itself by such a command unasked; asked to, it saves a process for each task, and the end of the
 * task is that of the command. When in doubt the answer is no.
 */
function isSimple(value: string): boolean {
  if (/[;&|()`\n\r{}!]/.test(value)) return false;
  const name = /^[ \t]*([\w./][\w./-]*)(?:[ \t]|$)/.exec(value)?.[1];
  return name !== undefined && !SHELL_WORDS.has(name);
}

/** Reserved words and built-in commands of the shells that are found as `/bin/sh`. */
const SHELL_WORDS: ReadonlySet<string> = new Set(
  (
    'if then else elif fi case esac for while until do done in select function time coproc ' +
    '. : alias bg bind break builtin caller cd chdir command compgen complete compopt continue ' +
    'declare dirs disown echo enable eval exec exit export false fc fg getopts hash help history ' +
    'jobs kill let local logout mapfile newgrp popd print printf pushd pwd read readarray readonly ' +
    'return set setvar shift shopt source suspend test times trap true type typeset ulimit umask ' +
    'unalias unset wait whence'
  ).split(' '),
);

function buildEnvironment(options: CommandLineOptions): Readonly<Record<string, string>> {
  const variables = new Map([['PATH', DEFAULT_PATH], ...Object.entries(options.environment)]);
  for (const variable of options.command.environment?.variables ?? []) {
    variables.set(variable.name, valueOf(variable));
  }
  for (const name of variables.keys()) {
    if (name !== '' && !name.includes('=')) continue;
    throw new LaunchError('command', `'${name}' is not a name for an environment variable`);
  }
  return Object.fromEntries(variables);
}

/** The value of a variable. @throws LaunchError of stage `command` for a secret by reference. */
export function valueOf(variable: EnvironmentVariable): string {
  if (variable.type !== 'SECRET') return variable.value ?? '';
  const data = variable.secret?.value?.data;
  if (variable.secret?.type !== 'REFERENCE' && data !== undefined) {
    return Buffer.from(data, 'base64').toString('utf8');
  }
  const message = `environment variable '${variable.name}' refers to a secret by reference; this agent has no secret resolver: send a secret by value`;
  throw new LaunchError('command', message);
}

interface Search {
  readonly sandbox: string;
  readonly searchPath: string;
}

function direct(
  command: CommandInfo,
  value: string,
  search: Search,
): Omit<CommandLine, 'environment'> {
  const file = findProgram(value, search);
  const argv = command.arguments ?? [];
  return { file, argv: argv.length > 0 ? argv : [value] };
}

/** Finds a program as `execvp` would, with the task's PATH, from the sandbox. */
function findProgram(value: string, search: Search): string {
  const candidates = value.includes('/')
    ? [resolve(search.sandbox, value)]
    : search.searchPath.split(':').map((folder) => resolve(search.sandbox, folder, value));
  for (const candidate of candidates) {
    if (isExecutable(candidate)) return candidate;
  }
  const where = value.includes('/') ? '' : ` in PATH (${search.searchPath})`;
  throw new LaunchError('command', `'${value}' is not an executable file${where}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function checkTexts(texts: readonly string[]): void {
  let bytes = 0;
  for (const text of texts) {
    bytes += Buffer.byteLength(text) + 1;
    if (text.includes('\0')) {
      throw new LaunchError('command', 'the command or its environment contains a NUL character');
    }
  }
  if (bytes <= MAX_COMMAND_BYTES) return;
  const message = `command and environment take ${bytes} bytes; the limit is ${MAX_COMMAND_BYTES}: put large data into a file and fetch it by URI`;
  throw new LaunchError('command', message);
}
