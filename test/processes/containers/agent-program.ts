/**
 * Stands in for an agent that is killed: launches the commands given as arguments on the work
 * directory given first, and writes what it started as one line of JSON.
 */
import { SILENT_LOGGER, id } from '../../../core/base/index.js';
import { ProcessContainerizer } from '../../../core/containers/index.js';

const [, , workDir = '', ...commands] = process.argv;
const containerizer = new ProcessContainerizer({ workDir, log: SILENT_LOGGER });
await containerizer.recover([]);
const started = commands.map(async (value, index) => {
  const containerId = id<'ContainerId'>(`orphan-${index + 1}`);
  const sandbox = `${workDir}/executors/${containerId}/runs/${containerId}`;
  const spec = {
    containerId,
    sandbox,
    command: { value },
    environment: {},
    user: undefined,
    limits: {},
  };
  return { ...(await containerizer.launch(spec)), containerId };
});
process.stdout.write(`${JSON.stringify(await Promise.all(started))}\n`);
