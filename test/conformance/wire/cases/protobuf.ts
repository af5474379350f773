/** The same APIs with protobuf bodies. */
import { casesOf } from '../lib/case.js';
import {
  A_STRING,
  A_UUID,
  PRESENT,
  between,
  expectThat,
  expectValue,
  findIn,
  get,
  listAt,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { JSON_TYPE, PROTOBUF_TYPE, exchange } from '../lib/http.js';
import { commandTask } from '../lib/messages.js';
import { readProtobuf, writeProtobuf } from '../lib/protobuf.js';
import type { SchedulerOptions } from '../lib/scheduler.js';

const BOTH: SchedulerOptions = { sends: 'protobuf', receives: 'protobuf' };
const CONTENT_TYPE = 'headers.content-type';

async function subscribe(context: Context): Promise<void> {
  const scheduler = context.session(BOTH);
  const first = await scheduler.firstEvent();
  expectThat(
    scheduler.stream,
    { status: 200, [CONTENT_TYPE]: PROTOBUF_TYPE, 'headers.mesos-stream-id': A_STRING },
    'the answer',
  );
  expectThat(
    first,
    {
      type: 'SUBSCRIBED',
      'subscribed.heartbeat_interval_seconds': between(1, 60),
      'subscribed.master_info.id': A_STRING,
    },
    'the first record',
  );
  const heartbeat = await scheduler.next('HEARTBEAT', { timeoutMs: 4000 });
  expectValue(heartbeat, { type: 'HEARTBEAT' }, 'the heartbeat');
}

async function wholeTask(context: Context): Promise<void> {
  const scheduler = await context.scheduler(BOTH);
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  expectThat(offer, { 'allocation_info.role': scheduler.role }, 'the offer');
  const labels = { labels: [{ key: 'ü', value: '✓' }] };
  const command = {
    value: 'test "$A" = b',
    environment: { variables: [{ name: 'A', value: 'b' }] },
  };
  const id = context.unique('task');
  await scheduler.launch(offer, commandTask(id, offer, command, { labels }), 0);
  for (const state of ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']) {
    const expected = { state, source: 'SOURCE_EXECUTOR', uuid: A_UUID };
    expectThat(await scheduler.status(id), expected, state);
  }
  const task = await context.eventually('the last update is acknowledged', () =>
    context.task(id, 'completed_tasks'),
  );
  expectThat(task, { labels }, 'the task');
}

async function operatorCalls(context: Context): Promise<void> {
  const call = async (of: 'Master' | 'Agent', type: string): Promise<unknown> => {
    const answer = await exchange(of === 'Master' ? context.master : context.agent, {
      method: 'POST',
      path: '/api/v1',
      headers: { 'Content-Type': PROTOBUF_TYPE, Accept: PROTOBUF_TYPE },
      body: writeProtobuf(`${of}Call`, { type }),
    });
    expectThat(answer, { status: 200, [CONTENT_TYPE]: PROTOBUF_TYPE }, `${type} of the ${of}`);
    return readProtobuf(`${of}Response`, answer.body);
  };
  const healthy = { type: 'GET_HEALTH', get_health: { healthy: true } };
  expectValue(await call('Master', 'GET_HEALTH'), healthy, 'GET_HEALTH of the master');
  expectValue(await call('Agent', 'GET_HEALTH'), healthy, 'GET_HEALTH of the agent');
  const agents = listAt(await call('Master', 'GET_AGENTS'), 'get_agents.agents');
  const agent = findIn(agents, 'agent_info.id.value', context.agentId);
  expectThat(agent, { active: true }, 'the agent');
  const itself = get(await call('Agent', 'GET_AGENT'), 'get_agent.agent_info.id.value');
  expectValue(itself, context.agentId, 'GET_AGENT');
}

async function mixed(context: Context): Promise<void> {
  const one = await context.scheduler({ sends: 'json', receives: 'protobuf' });
  expectThat(one.stream, { [CONTENT_TYPE]: PROTOBUF_TYPE }, 'JSON in, protobuf out');
  await one.offer();
  const two = await context.scheduler({ sends: 'protobuf', receives: 'json' });
  expectThat(two.stream, { [CONTENT_TYPE]: JSON_TYPE }, 'protobuf in, JSON out');
  const both = 'application/x-protobuf, application/json;q=0.1';
  const three = await context.scheduler({ headers: { Accept: both } });
  expectThat(three.stream, { [CONTENT_TYPE]: JSON_TYPE }, 'either out');
  const answer = await exchange(context.master, {
    method: 'POST',
    path: '/api/v1',
    headers: { 'Content-Type': JSON_TYPE, Accept: PROTOBUF_TYPE },
    body: '{"type":"GET_VERSION"}',
  });
  expectThat(answer, { [CONTENT_TYPE]: PROTOBUF_TYPE }, 'GET_VERSION');
  const { get_version } = readProtobuf('MasterResponse', answer.body);
  expectThat(get_version, { 'version_info.version': PRESENT }, 'GET_VERSION');
}

export const cases = casesOf('protobuf', [
  ['PB-01', 'P0', 'a stream of protobuf records', subscribe],
  ['PB-03', 'P0', 'offer, launch, updates and acknowledgements', wholeTask],
  ['PB-04', 'P1', 'operator calls of master and agent', operatorCalls],
  ['PB-05', 'P1', 'what is sent and what is accepted are independent', mixed],
]);
