/**
 * What an operator asks of a master outside of the v1 API: the teardown form that tools of Mesos use,
 * and our own `/plateau/v1/kill`.
 */
import { id } from '../base/index.js';
import { answerEmpty, answerText } from './answers.js';
import { readForm } from './form.js';
import { type MasterRouteContext, leadingMaster, withPrefix } from './master-context.js';
import type { Exchange, RouteTable } from './routes.js';
import type { ServedMaster } from './served-master.js';

/** Adds the routes. */
export function addMasterForms(routes: RouteTable, context: MasterRouteContext): void {
  routes.post(withPrefix('/teardown'), async (exchange) => {
    const master = leadingMaster(context, exchange);
    const form = master === undefined ? undefined : await readForm(exchange);
    if (master !== undefined && form !== undefined) await teardown(exchange, master, form);
  });
  routes.post(['/plateau/v1/kill'], async (exchange) => {
    const master = leadingMaster(context, exchange);
    const form = master === undefined ? undefined : await readForm(exchange);
    if (master !== undefined && form !== undefined) await kill(exchange, master, form);
  });
}

async function teardown(
  exchange: Exchange,
  master: ServedMaster,
  form: URLSearchParams,
): Promise<void> {
  const frameworkId = field(exchange, form, 'frameworkId');
  if (frameworkId === undefined) return;
  const framework_id = { value: frameworkId };
  const answer = await master.operatorCall({ type: 'TEARDOWN', teardown: { framework_id } });
  if ('status' in answer) answerText(exchange, answer.status, answer.message ?? '');
  else answerEmpty(exchange, 200);
}

/** Kills a task in the name of its framework, which learns of it by the status update. */
async function kill(
  exchange: Exchange,
  master: ServedMaster,
  form: URLSearchParams,
): Promise<void> {
  const frameworkId = field(exchange, form, 'framework');
  const taskId = frameworkId === undefined ? undefined : field(exchange, form, 'task');
  if (frameworkId === undefined || taskId === undefined) return;
  const framework = master.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  if (framework === undefined || !framework.tasks.has(id<'TaskId'>(taskId))) {
    answerText(exchange, 404, `There is no task ${taskId} of framework ${frameworkId}.`);
    return;
  }
  const { stream } = framework;
  if (stream === undefined) {
    const text = `Framework ${frameworkId} is not connected: its task could be started anew unseen.`;
    answerText(exchange, 409, `${text} Tear the framework down instead, or wait until it is back.`);
    return;
  }
  const answer = await master.schedulerCall(
    {
      type: 'KILL',
      framework_id: { value: frameworkId },
      kill: { task_id: { value: taskId } },
    },
    stream.id,
  );
  answerText(exchange, answer.status, answer.message ?? '');
}

/** A field that must be there; undefined: its absence was answered. */
function field(exchange: Exchange, form: URLSearchParams, name: string): string | undefined {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  answerText(exchange, 400, `Expecting the field '${name}' in the form.`);
  return undefined;
}
