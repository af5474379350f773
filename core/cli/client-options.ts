/** Options of the subcommands that talk to a cluster. */
import { type Command, Option } from 'commander';
import { type World, systemWorld } from '../base/index.js';
import { OperatorClient } from '../client/index.js';

/** Where the master is when nobody says. */
export const DEFAULT_MASTER = 'http://127.0.0.1:5050';

export interface ClientOptions {
  readonly master: string;
  readonly json: boolean;
}

/** Adds `--master` and `--json`. */
export function addClientOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--master <url>', 'address of the master; several separated by commas')
        .env('PLATEAU_MASTER')
        .default(DEFAULT_MASTER),
    )
    .option('--json', 'print JSON', false);
}

/** The world of a command that runs for a moment. */
export function commandWorld(): World {
  return systemWorld();
}

/** A client for the master that the options name. */
export function operatorClient(options: ClientOptions): OperatorClient {
  return new OperatorClient({ address: options.master });
}
