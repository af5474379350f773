/** Stands in for an agent that is killed while it runs the command of a check, in the sandbox given second. */
import { SILENT_LOGGER } from '../../../core/base/index.js';
import { ProcessContainerizer } from '../../../core/containers/index.js';

const [, , workDir = '', sandbox = ''] = process.argv;
const containerizer = new ProcessContainerizer({ workDir, log: SILENT_LOGGER });
await containerizer.recover([]);
containerizer.probe(
  {
    type: 'COMMAND',
    sandbox,
    command: { value: 'echo $$ > own; exec sleep 1000' },
    user: undefined,
    logName: 'plateau-check.log',
  },
  { begun: () => undefined, done: () => undefined },
);
