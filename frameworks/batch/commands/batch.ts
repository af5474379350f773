/** `plateau batch …`: the batch scheduler, and jobs on it. */
// oxlint-disable-next-line import/no-unassigned-import -- before other modules make the heap grow
import '../heap.js';
import type { Command } from 'commander';
import { addServeFlags, serveFramework } from '../../../sdk/hosting/index.js';
import { Batch } from '../framework.js';
import { JobRoutes } from '../routes.js';
import { defineJobs } from './jobs.js';
import { defineLogs } from './logs.js';
import { defineRun } from './run.js';

/** Where the scheduler keeps its state unless it is told otherwise. */
const STATE = { store: 'lmdb:./plateau-batch' };

export function define(command: Command): void {
  const serve = command
    .command('serve')
    .description('run the batch scheduler until it is told to end; tasks go on');
  addServeFlags(serve, STATE);
  serve.action(() =>
    serveFramework(serve, () => ({ theClass: Batch, routes: [JobRoutes] }), STATE),
  );
  defineRun(command);
  defineJobs(command);
  defineLogs(command);
}
