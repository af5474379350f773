/** RECONCILE, with tasks and without, for frameworks with PARTITION_AWARE and without. */
import { casesOf } from '../lib/case.js';
import { ABSENT, A_NUMBER, expectThat, get } from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { commandTask } from '../lib/messages.js';
import type { Scheduler } from '../lib/scheduler.js';

const PLAIN = {};
const AWARE = { capabilities: ['MULTI_ROLE', 'PARTITION_AWARE'] };

interface Running {
  readonly scheduler: Scheduler;
  readonly agent_id: unknown;
  readonly ids: readonly string[];
}

async function runTasks(context: Context, count: number): Promise<Running> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.5, mem: 128 });
  const ids = Array.from({ length: count }, () => context.unique('task'));
  const tasks = ids.map((id) => commandTask(id, offer, 'sleep 300'));
  await scheduler.launch(offer, tasks, 3600);
  for (const id of ids) await scheduler.until(id, 'TASK_RUNNING');
  await scheduler.settle();
  return { scheduler, agent_id: get(offer, 'agent_id'), ids };
}

async function expectAnswer(
  scheduler: Scheduler,
  id: string,
  expected: Readonly<Record<string, unknown>>,
): Promise<void> {
  expectThat(
    await scheduler.status(id),
    {
      source: 'SOURCE_MASTER',
      reason: 'REASON_RECONCILIATION',
      uuid: ABSENT,
      timestamp: A_NUMBER,
      ...expected,
    },
    'the answer',
  );
}

async function implicit(context: Context): Promise<void> {
  const { scheduler, agent_id, ids } = await runTasks(context, 3);
  await scheduler.reconcile();
  for (const id of ids) await expectAnswer(scheduler, id, { state: 'TASK_RUNNING', agent_id });
  await scheduler.none('UPDATE', 2000, 'a further update');
}

async function explicit(context: Context): Promise<void> {
  const { scheduler, agent_id, ids } = await runTasks(context, 1);
  const [id = ''] = ids;
  for (const more of [{}, { agent_id }]) {
    await scheduler.reconcile([{ task_id: { value: id }, ...more }]);
    await expectAnswer(scheduler, id, { state: 'TASK_RUNNING' });
  }
  await scheduler.none('UPDATE', 2000, 'a further update');
}

async function unknownTask(context: Context): Promise<void> {
  for (const [options, state] of [
    [PLAIN, 'TASK_LOST'],
    [AWARE, 'TASK_UNKNOWN'],
  ] as const) {
    const scheduler = await context.scheduler(options);
    const id = context.unique('ghost');
    for (const more of [{}, { agent_id: { value: 'unknown-agent' } }]) {
      await scheduler.reconcile([{ task_id: { value: id }, ...more }]);
      await expectAnswer(scheduler, id, { state });
    }
  }
}

async function unknownOnAgent(context: Context): Promise<void> {
  const agent_id = { value: context.agentId };
  for (const [options, state] of [
    [PLAIN, 'TASK_LOST'],
    [AWARE, 'TASK_GONE'],
  ] as const) {
    const scheduler = await context.scheduler(options);
    const id = context.unique('ghost');
    await scheduler.reconcile([{ task_id: { value: id }, agent_id }]);
    await expectAnswer(scheduler, id, { state, agent_id });
  }
}

async function nothingToTell(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  await scheduler.reconcile();
  await scheduler.none('UPDATE', 2500, 'an update');
}

export const cases = casesOf('reconcile', [
  ['RE-01', 'P0', 'implicit: an update for each task of the framework', implicit],
  ['RE-02', 'P0', 'explicit: the latest state of a task', explicit],
  ['RE-03', 'P0', 'an unknown task is TASK_LOST, or TASK_UNKNOWN', unknownTask],
  ['RE-04', 'P0', 'an unknown task on a known agent is TASK_LOST, or TASK_GONE', unknownOnAgent],
  ['RE-06', 'P1', 'implicit without tasks: no answer', nothingToTell],
]);
