/** Options that subcommands of `plateau cron` share, and how they find the scheduler. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_MASTERS, findFramework } from '../../../sdk/hosting/index.js';
import { CronClient } from '../client.js';

export interface CronOptions {
  /** Of the admin interface of the scheduler. */
  readonly cron?: string;
  readonly master: string;
  readonly json: boolean;
}

/** Adds `--cron`, `--master` and `--json`. */
export function addCronOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--cron <url>',
        'address of the cron scheduler (default: the master is asked for it)',
      ).env('PLATEAU_CRON'),
    )
    .addOption(
      new Option('--master <url>', 'address of the master; several separated by commas')
        .env('PLATEAU_MASTER')
        .default(DEFAULT_MASTERS),
    )
    .option('--json', 'print JSON', false);
}

/**
 * A client for the scheduler.
 * @throws PlateauError `NOT_FOUND` when the master knows none.
 */
export async function cronClient({ cron, master }: CronOptions): Promise<CronClient> {
  if (cron !== undefined) return new CronClient(cron);
  const { url } = await findFramework({ name: 'cron', masters: master, option: '--cron' });
  return new CronClient(url);
}

/** Reads a whole number of an option. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** A time without its milliseconds; nothing for none. */
export function timeText(iso: string | undefined): string | undefined {
  return iso?.replace(/\.\d+Z$/, 'Z');
}
