/** `plateau cron …`: the cron scheduler, and jobs on it. */
import type { Command } from 'commander';
import { addServeFlags, serveFramework } from '../../../sdk/hosting/index.js';
import { CronRoutes } from '../api/cron-routes.js';
import { MetronomeApi } from '../api/metronome/metronome-api.js';
import { Cron } from '../framework.js';
import { defineJobs } from './jobs.js';
import { defineRuns } from './runs.js';

/** Where the scheduler keeps its state unless it is told otherwise. */
const STATE = { store: 'lmdb:./plateau-cron' };

export function define(command: Command): void {
  const serve = command
    .command('serve')
    .description('run the cron scheduler until it is told to end; tasks go on');
  addServeFlags(serve, STATE);
  serve.action(() =>
    serveFramework(serve, () => ({ theClass: Cron, routes: [CronRoutes, MetronomeApi] }), STATE),
  );
  defineJobs(command);
  defineRuns(command);
}
