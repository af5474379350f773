/** `plateau framework`: a framework class as a process, and looks at its state and its troubles. */
import type { Command } from 'commander';
import { loadFramework } from '../load-framework.js';
import { addCheck } from './check.js';
import type { DevHost } from '../dev/host.js';
import { addDev } from './dev.js';
import { addDoctor } from './doctor.js';
import { addServeFlags, serveFramework } from '../serve.js';

export function define(command: Command, host: DevHost): void {
  const run = command
    .command('run')
    .description('run a framework until it is told to end; its tasks go on')
    .argument(
      '<module>',
      'JavaScript module that exports a class with @Framework; #Name picks one',
    );
  addServeFlags(run);
  run.action((module: string) => serveFramework(run, () => loadFramework(module)));
  addDev(command, host);
  addCheck(command);
  addDoctor(command);
}
