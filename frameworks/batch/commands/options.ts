/** Options that subcommands of `plateau batch` share, and how they find the scheduler. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_MASTERS, findFramework } from '../../../sdk/hosting/index.js';
import { BatchClient } from '../client.js';

export interface BatchOptions {
  /** Of the admin interface of the scheduler. */
  readonly batch?: string;
  readonly master: string;
  readonly json: boolean;
}

/** Adds `--batch`, `--master` and `--json`. */
export function addBatchOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--batch <url>',
        'address of the batch scheduler (default: the master is asked for it)',
      ).env('PLATEAU_BATCH'),
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
export async function batchClient({ batch, master }: BatchOptions): Promise<BatchClient> {
  if (batch !== undefined) return new BatchClient(batch);
  const { url } = await findFramework({ name: 'batch', masters: master, option: '--batch' });
  return new BatchClient(url);
}

/** Reads a whole number of an option. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** Reads an amount of an option. */
export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number of at least 0.');
}
