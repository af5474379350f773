/**
 * A scheduler that will be killed: `scheduler-program.js <master> <folder> <task>...` launches these
 * tasks, each of which waits for the file `<folder>/<task>.go` and exits with 5, and acknowledges
 * nothing. Tells the id of its framework over the channel of the process.
 */
import { join } from 'node:path';
import { eventually } from './cluster.js';
import { LoadScheduler } from './load-scheduler.js';
import { scriptOf } from './truth.js';

const [, , masters = '', folder = '', ...taskIds] = process.argv;
const waiting = [...taskIds];

const scheduler = new LoadScheduler({
  masters,
  acknowledges: false,
  next: () => {
    const taskId = waiting.shift();
    if (taskId === undefined) return undefined;
    const work = `while [ ! -e ${join(folder, taskId)}.go ]; do sleep 0.05; done`;
    return { taskId, command: scriptOf({ folder, taskId, work, exit: 5 }) };
  },
});

// Nobody must be left when the test dies.
process.once('disconnect', () => process.exit(1));
scheduler.start();
await eventually('every task is known to start', () =>
  taskIds.every((taskId) => scheduler.latest(taskId) !== undefined),
);
process.send?.(scheduler.frameworkId ?? '');
