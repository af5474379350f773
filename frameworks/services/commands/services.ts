/** `plateau services …`: the services scheduler, and apps on it. */
import type { Command } from 'commander';
import { addServeFlags, readOverrides, serveFramework } from '../../../sdk/hosting/index.js';
import { DEFAULT_MASTERS } from '../../../sdk/hosting/index.js';
import { MarathonApi } from '../api/marathon-api.js';
import { Services, type ServicesOptions } from '../services.js';
import { defineApps } from './apps.js';
import { defineApply } from './apply.js';
import { defineDeployments } from './deployments.js';
import { defineTasks } from './tasks.js';

/** Where the scheduler keeps its state unless it is told otherwise. */
const STATE = { store: 'lmdb:./plateau-services' };

export function define(command: Command): void {
  const serve = command
    .command('serve')
    .description('run the services scheduler until it is told to end; apps go on');
  addServeFlags(serve, STATE);
  serve.action(() =>
    serveFramework(
      serve,
      () => ({ theClass: configured(optionsOf(serve)), routes: [MarathonApi] }),
      STATE,
    ),
  );
  defineApply(command);
  defineApps(command);
  defineDeployments(command);
  defineTasks(command);
}

/** What apps may ask for follows from the options of the framework. */
function optionsOf(serve: Command): Partial<ServicesOptions> {
  const { option, master } = serve.opts<{
    readonly option: readonly string[];
    readonly master?: string;
  }>();
  const { name, roles, gpus } = readOverrides(option);
  return {
    masters: master ?? DEFAULT_MASTERS,
    ...(typeof name === 'string' ? { name } : {}),
    ...(Array.isArray(roles) ? { roles: roles.map(String) } : {}),
    allowsGpus: gpus === true,
  };
}

/** The class whose objects have these options. */
function configured(options: Partial<ServicesOptions>): typeof Services {
  return class extends Services {
    constructor() {
      super(options);
    }
  };
}
