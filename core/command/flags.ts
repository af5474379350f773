/**
 * Flags in the manner of Mesos: `--agent_ping_timeout=15secs`, with dashes as well as underscores,
 * and from the environment as `PLATEAU_AGENT_PING_TIMEOUT`. A table of rows describes the flags of a
 * program; parsing, help, the `/flags` page and the reference in docs all come from it.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PlateauError, assert } from '../base/index.js';
import { formatDuration, parseDuration } from '../api/index.js';

/** How the text of a flag is read. */
export type FlagKind = 'text' | 'integer' | 'number' | 'boolean' | 'duration' | 'size' | 'choice';

export interface FlagRow {
  /** With underscores, as Mesos names it. */
  readonly name: string;
  readonly kind: FlagKind;
  readonly help: string;
  /** As it would be typed; absent: unset. */
  readonly default?: string;
  /** Of kind `choice`: the values. */
  readonly choices?: readonly string[];
  /** Of numbers, and in milliseconds of durations: the smallest value that is accepted. Default 0. */
  readonly minimum?: number;
  /** A flag of Plateau that Mesos has not. */
  readonly ours?: boolean;
}

/** The values of a program's flags, read once and checked. */
export class Flags {
  readonly #rows: ReadonlyMap<string, FlagRow>;
  readonly #texts: ReadonlyMap<string, string>;

  constructor(rows: readonly FlagRow[], texts: ReadonlyMap<string, string>) {
    this.#rows = new Map(rows.map((row) => [row.name, row]));
    this.#texts = texts;
  }

  /** The text of a flag, or undefined where it has neither a value nor a default. */
  text(name: string): string | undefined {
    const row = this.#rows.get(name);
    assert(row, `no flag is called ${name}`);
    return this.#texts.get(name) ?? row.default;
  }

  /** The text of a flag that has a default or was checked to be given. */
  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) {
      throw new PlateauError('INVALID_FLAG', `--${name} is required`, { context: { flag: name } });
    }
    return text;
  }

  boolean(name: string): boolean {
    return this.text(name) === 'true';
  }

  number(name: string): number {
    return Number(this.required(name));
  }

  durationMs(name: string): number {
    return parseDuration(this.required(name));
  }

  bytes(name: string): number {
    return parseSize(this.required(name));
  }

  /** Every flag that has a value, as `/flags` shows them. */
  shown(): Readonly<Record<string, string>> {
    const entries = [...this.#rows.keys()]
      .map((name) => [name, this.text(name)] as const)
      .filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
    return Object.fromEntries(entries);
  }
}

/** The environment variable of a flag. */
export function flagVariable(name: string): string {
  return `PLATEAU_${name.toUpperCase()}`;
}

/** Adds the flags of a table to a command. */
export function addFlags(command: Command, rows: readonly FlagRow[]): void {
  for (const row of rows) {
    const dashed = row.name.replaceAll('_', '-');
    const value = row.kind === 'boolean' ? '[true|false]' : `<${placeholder(row)}>`;
    const description =
      row.default === undefined ? row.help : `${row.help} (default: ${row.default})`;
    const option = new Option(`--${dashed} ${value}`, description)
      .env(flagVariable(row.name))
      .argParser((text: string) => checkFlag(row, text));
    if (row.kind === 'boolean') option.preset('true');
    command.addOption(option);
    if (row.kind === 'boolean') command.addOption(new Option(`--no-${dashed}`).hideHelp());
  }
}

/**
 * Accepts flags that Mesos has and that mean nothing here, so that command lines and start-up scripts
 * go on working; `givenIgnoredFlags` tells which were used.
 */
export function addIgnoredFlags(command: Command, names: readonly string[]): void {
  for (const name of names) {
    const dashed = name.replaceAll('_', '-');
    command.addOption(new Option(`--${dashed} [value]`).env(flagVariable(name)).hideHelp());
    command.addOption(new Option(`--no-${dashed}`).hideHelp());
  }
}

/** Which of the ignored flags were given. */
export function givenIgnoredFlags(command: Command, names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    const source = command.getOptionValueSource(camelCase(name));
    return source === 'cli' || source === 'env';
  });
}

/** Reads the flags of a table from a parsed command. */
export function readFlags(command: Command, rows: readonly FlagRow[]): Flags {
  const options: Readonly<Record<string, unknown>> = command.opts();
  const texts = new Map<string, string>();
  for (const row of rows) {
    const value = options[camelCase(row.name)];
    const source = command.getOptionValueSource(camelCase(row.name));
    if (source === 'default' || value === undefined) continue;
    texts.set(row.name, typeof value === 'string' ? checkFlag(row, value) : `${value === true}`);
  }
  return new Flags(rows, texts);
}

/**
 * Lets flags be typed with underscores: `--work_dir=x` becomes `--work-dir=x`. Values, and what
 * follows `--`, stay as they are.
 */
export function dashFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, index) => {
    if (end >= 0 && index >= end) return argument;
    const match = /^--[A-Za-z][A-Za-z0-9_-]*(?==|$)/.exec(argument);
    if (match === null) return argument;
    return match[0].replaceAll('_', '-') + argument.slice(match[0].length);
  });
}

/** Reads a size such as `10MB`, `512KB`, `4096`; units are powers of 1024, as Mesos has them. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?$/i.exec(text.trim());
  if (match === null) {
    throw new PlateauError('INVALID_FLAG', `'${text}' is not a size such as 10MB or 512KB`);
  }
  const power = ['B', 'KB', 'MB', 'GB', 'TB'].indexOf((match[2] ?? 'B').toUpperCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

function checkFlag(row: FlagRow, text: string): string {
  switch (row.kind) {
    case 'integer':
    case 'number': {
      const value = Number(text);
      const isWhole = row.kind === 'number' || Number.isSafeInteger(value);
      if (text.trim() === '' || !Number.isFinite(value) || !isWhole || value < (row.minimum ?? 0)) {
        const wanted = row.kind === 'integer' ? 'a whole number' : 'a number';
        throw new InvalidArgumentError(`It must be ${wanted} of at least ${row.minimum ?? 0}.`);
      }
      return text;
    }
    case 'boolean':
      if (!['true', 'false', '1', '0'].includes(text)) {
        throw new InvalidArgumentError('It must be true or false.');
      }
      return text === '1' ? 'true' : text === '0' ? 'false' : text;
    case 'duration':
      return checkDuration(row, text);
    case 'size':
      return checkedBy(() => parseSize(text), text);
    case 'choice':
      if (!row.choices?.includes(text)) {
        throw new InvalidArgumentError(`It must be one of: ${row.choices?.join(', ')}.`);
      }
      return text;
    case 'text':
      return text;
  }
}

function checkedBy(parse: () => number, text: string): string {
  try {
    parse();
    return text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function checkDuration({ minimum = 0 }: FlagRow, text: string): string {
  checkedBy(() => parseDuration(text), text);
  if (parseDuration(text) >= minimum) return text;
  throw new InvalidArgumentError(
    minimum === 0 ? 'It must not be negative.' : `It must be at least ${formatDuration(minimum)}.`,
  );
}

function placeholder(row: FlagRow): string {
  if (row.kind === 'choice') return row.choices?.join('|') ?? 'value';
  return row.kind === 'text' ? 'value' : row.kind;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
