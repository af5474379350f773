/** A framework as the process of a subcommand: its flags, its log, its end. */
import type { Command } from 'commander';
import { PlateauError, systemWorld } from '../../core/base/index.js';
import {
  type AdjustableLogger,
  type FlagRow,
  type Flags,
  addFlags,
  collectWhenIdle,
  createLogger,
  parseLogLevel,
  readFlags,
} from '../../core/command/index.js';
import type { FrameworkClass, Provided } from '../framework/index.js';
import { FRAMEWORK_FLAGS } from './flags.js';
import { readOverrides } from './overrides.js';
import { runFramework } from './run-framework.js';
import { untilEnded } from './signals.js';

/** The framework of a subcommand. */
export interface Served {
  readonly theClass: FrameworkClass;
  /** Classes with `@Admin` beside its own. */
  readonly routes: readonly object[];
  readonly provide?: readonly Provided[];
}

export interface ServeOptions {
  /** Where the state is kept unless the flag says otherwise. */
  readonly store?: string;
}

/** Adds the flags of `plateau framework run` to a subcommand, and `--option`. */
export function addServeFlags(command: Command, options: ServeOptions = {}): void {
  command.option(
    '--option <name=value>',
    'replaces an option of @Framework, such as name=web or failoverTimeout=2h; may be repeated',
    (text: string, before: readonly string[]) => [...before, text],
    [],
  );
  addFlags(command, rowsOf(options));
}

/** Runs a framework as the flags say until it has ended. */
export async function serveFramework(
  command: Command,
  load: () => Served | Promise<Served>,
  options: ServeOptions = {},
): Promise<void> {
  const flags = readFlags(command, rowsOf(options));
  const { option } = command.opts<{ readonly option: readonly string[] }>();
  const overrides = readOverrides(option);
  const log = await loggerOf(flags);
  const world = systemWorld(log);
  const { theClass, routes, provide } = await load();
  const running = await runFramework(theClass, {
    world,
    masters: flags.required('master'),
    store: flags.required('store'),
    lease: flags.text('lease'),
    standby: flags.boolean('standby'),
    record: flags.text('record'),
    overrides,
    provide,
    admin: flags.boolean('admin') && {
      host: flags.required('admin_host'),
      port: portOf(flags),
      insecureBind: flags.boolean('insecure_bind'),
      routes,
    },
  });
  const collection = collectWhenIdle(world.clock);
  const asked = await untilEnded(running).finally(() => collection.dispose());
  log.info('the framework has ended', {
    framework: running.name,
    asked: asked ?? 'by itself',
  });
}

function rowsOf({ store }: ServeOptions): readonly FlagRow[] {
  if (store === undefined) return FRAMEWORK_FLAGS;
  return FRAMEWORK_FLAGS.map((row) => (row.name === 'store' ? { ...row, default: store } : row));
}

function loggerOf(flags: Flags): Promise<AdjustableLogger> {
  const format = flags.text('log_format') ?? (process.stderr.isTTY ? 'text' : 'json');
  return createLogger({
    name: 'framework',
    level: parseLogLevel(flags.required('logging_level')) ?? 'info',
    format: format === 'json' ? 'json' : 'text',
  });
}

function portOf(flags: Flags): number {
  const port = flags.number('admin_port');
  if (port <= 65_535) return port;
  throw new PlateauError('INVALID_FLAG', '--admin_port: it must be at most 65535', {
    context: { flag: 'admin_port' },
  });
}
