/** What handlers hold in their hands. */
import { PlateauError, type World, errorMessage } from '../../core/base/index.js';
import type { CoreReport } from './effects.js';
import type { ExecutorSettings } from './environment.js';
import type { ExecutorContext, ExecutorTask } from './handlers.js';
import { coreReport, toBase64 } from './reports.js';

/** What a context reaches of the runtime. */
export interface ContextSource {
  readonly settings: ExecutorSettings;
  readonly world: World;
  /** What updates are about that name no task. */
  readonly ownTaskIds: readonly string[];
  readonly agentId: () => string | undefined;
  readonly isConnected: () => boolean;
  readonly tasks: () => readonly ExecutorTask[];
  readonly update: (taskIds: readonly string[], report: CoreReport) => Promise<void>;
  /** Takes base64. */
  readonly message: (data: string) => Promise<void>;
}

export function contextFor(source: ContextSource): ExecutorContext {
  const { settings, world, ownTaskIds } = source;
  const update: ExecutorContext['update'] = async ({ task, ...report }) => {
    const own = ownTaskIds.length > 1 ? liveOf(ownTaskIds, source.tasks()) : ownTaskIds;
    const taskIds = task === undefined ? own : [typeof task === 'string' ? task : task.id];
    if (taskIds.length === 0) {
      throw new PlateauError('INVALID_DECISION', 'The update names no task that runs: set `task`.');
    }
    await source.update(taskIds, coreReport(report));
  };
  const message: ExecutorContext['message'] = async (data) => source.message(toBase64(data));
  return {
    frameworkId: settings.frameworkId,
    executorId: settings.executorId,
    sandbox: settings.sandbox,
    clock: world.clock,
    random: world.random,
    ids: world.ids,
    log: world.log,
    get agentId() {
      return source.agentId();
    },
    get isConnected() {
      return source.isConnected();
    },
    get tasks() {
      return source.tasks();
    },
    update: (report) => logged(update(report), 'an update was not told', world),
    message: (data) => logged(message(data), 'a message was not sent', world),
  };
}

/** There is no need to wait for it: a rejection that nobody sees must not end the process, and all tasks with it. */
function logged(done: Promise<void>, what: string, { log }: World): Promise<void> {
  done.catch((error: unknown) => log.warn(what, { reason: errorMessage(error) }));
  return done;
}

function liveOf(taskIds: readonly string[], tasks: readonly ExecutorTask[]): readonly string[] {
  return taskIds.filter((taskId) => tasks.some(({ id }) => id === taskId));
}
