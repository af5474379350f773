/** `plateau framework run`: a framework class as a process. */
import type { Command } from 'commander';
import { loadFramework } from '../load-framework.js';
import { addServeFlags, serveFramework } from '../serve.js';

export function define(command: Command): void {
  const run = command
    .command('run')
    .description('run a framework until it is told to end; its tasks go on')
    .argument(
      '<module>',
      'JavaScript module that exports a class with @Framework; #Name picks one',
    );
  addServeFlags(run);
  run.action((module: string) => serveFramework(run, () => loadFramework(module)));
}
