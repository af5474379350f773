/**
 * What an operator asks of a master outside of the v1 API: the teardown form that tools of Mesos use,
 * and our own `/plateau/v1/kill` and `/plateau/v1/why`.
 */
import { id } from '../base/index.js';
import { answerEmpty, answerJson, answerText } from './answers.js';
import { readForm } from './form.js';
import { type MasterRouteContext, leadingMaster, withPrefix } from './master-context.js';
import type { Exchange, RouteTable } from './routes.js';
import type { ServedMaster } from './served-master.js';

/** Adds the routes. */
export function addMasterForms(routes: RouteTable, context: MasterRouteContext): void {
  routes.post(withPrefix('/teardown'), async (exchange) => {
    const master = leadingMaster(context, exchange);
    const form = master === undefined ? undefined : await readForm(exchange);
    if (master !== undefined && form !== undefined) teardown(exchange, master, form);
  });
  routes.post(['/plateau/v1/kill'], async (exchange) => {
    const master = leadingMaster(context, exchange);
    const form = master === undefined ? undefined : await readForm(exchange);
    if (master !== undefined && form !== undefined) kill(exchange, master, form);
  });
  routes.page(['/plateau/v1/why'], async (exchange) => {
    const master = leadingMaster(context, exchange);
    if (master !== undefined) await answerWhy(exchange, master);
  });
}

function teardown(exchange: Exchange, master: ServedMaster, form: URLSearchParams): void {
  const frameworkId = field(exchange, form, 'frameworkId');
  if (frameworkId === undefined) return;
  const framework_id = { value: frameworkId };
  const answer = master.operatorCall({ type: 'TEARDOWN', teardown: { framework_id } });
  if ('status' in answer) answerText(exchange, answer.status, answer.message ?? '');
  else answerEmpty(exchange, 200);
}

/** Kills a task in the name of its framework, which learns of it by the status update. */
function kill(exchange: Exchange, master: ServedMaster, form: URLSearchParams): void {
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
  const answer = master.schedulerCall(
    {
      type: 'KILL',
      framework_id: { value: frameworkId },
      kill: { task_id: { value: taskId } },
    },
    stream.id,
  );
  answerText(exchange, answer.status, answer.message ?? '');
}

async function answerWhy(exchange: Exchange, master: ServedMaster): Promise<void> {
  const frameworkId = exchange.query.get('framework');
  if (frameworkId === null || frameworkId === '') {
    answerText(exchange, 400, 'Say which framework: /plateau/v1/why?framework=ID');
    return;
  }
  const explanation = master.why(frameworkId);
  if (explanation === undefined) {
    answerText(exchange, 404, `There is no framework ${frameworkId}: /frameworks lists them.`);
    return;
  }
  await answerJson(exchange, JSON.stringify(explanation));
}

/** A field that must be there; undefined: its absence was answered. */
function field(exchange: Exchange, form: URLSearchParams, name: string): string | undefined {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  answerText(exchange, 400, `Expecting the field '${name}' in the form.`);
  return undefined;
}
