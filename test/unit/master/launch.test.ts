import { expect } from 'chai';
import type { ExecutorInfo, TaskInfo } from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { Harness, ROLE, amounts, running, scalar, task } from './harness.js';

const EXECUTOR: ExecutorInfo = {
  executor_id: { value: 'e1' },
  command: { value: './run' },
  resources: amounts(0.5, 32),
};

async function offered() {
  const harness = await Harness.started();
  const agent = await harness.register();
  const scheduler = await harness.subscribe();
  const offer = await scheduler.offer();
  return { harness, agent, scheduler, offer };
}

const custom = (name: string, extra: Partial<TaskInfo> = {}): Partial<TaskInfo> => ({
  task_id: { value: name },
  command: undefined,
  executor: EXECUTOR,
  ...extra,
});

describe('Master: launching', () => {
  it('charges the task, sends it with its allocation role, and offers the rest', async () => {
    const { harness, agent, scheduler, offer } = await offered();
    const health = { command: { value: 'true' } };
    const accept = {
      offer_ids: [offer.id],
      operations: [
        {
          type: 'LAUNCH' as const,
          launch: { task_infos: [task(offer, { health_check: health })] },
        },
      ],
      filters: { refuse_seconds: 0 },
    };
    expect(scheduler.call({ type: 'ACCEPT', accept })).to.deep.equal({ status: 202 });
    const [sent] = agent.of('RUN_TASKS');
    expect(sent?.run_tasks?.framework_info.id?.value).to.equal(scheduler.id);
    expect(sent?.run_tasks?.executor_info).to.equal(undefined);
    const [info] = agent.launched;
    expect(info?.resources?.map((one) => one.allocation_info?.role)).to.deep.equal([ROLE, ROLE]);
    expect(info?.health_check?.type).to.equal('COMMAND');
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    const record = framework?.tasks.get(id<'TaskId'>('t1'));
    expect(record?.message.state).to.equal('TASK_STAGING');
    expect(record?.message.executor_id).to.equal(undefined);
    expect(harness.counter('cpus_used')).to.equal(1);
    expect(harness.counter('tasks_staging')).to.equal(1);
    await harness.world.advance(2000);
    const rest = scheduler.stream.offers.at(-1)?.resources;
    expect(rest?.find((one) => one.name === 'cpus')?.scalar?.value).to.equal(3);
    expect(harness.observed.map(({ kind }) => kind)).to.include('task-added');
  });

  it('groups consecutive tasks by executor and charges an executor once', async () => {
    const { harness, agent, scheduler, offer } = await offered();
    const small = { resources: amounts(0.5, 32) };
    scheduler.launch(
      offer,
      task(offer, { ...small, task_id: { value: 'a' } }),
      task(offer, { ...small, task_id: { value: 'b' } }),
      task(offer, custom('c', small)),
      task(offer, custom('d', small)),
      task(offer, { ...small, task_id: { value: 'f' } }),
    );
    expect(scheduler.stream.updates).to.deep.equal([]);
    const batches = agent
      .of('RUN_TASKS')
      .map((one) => one.run_tasks?.tasks?.map(({ task_id: taskId }) => taskId.value).join(''));
    expect(batches).to.deep.equal(['ab', 'cd', 'f']);
    const executor = agent.of('RUN_TASKS')[1]?.run_tasks?.executor_info;
    expect(executor?.framework_id?.value).to.equal(scheduler.id);
    expect(harness.counter('cpus_used')).to.equal(3);
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(2000);
    expect(scheduler.stream.offers.at(-1)?.executor_ids).to.deep.equal([{ value: 'e1' }]);
    harness.agentMessage(agent, {
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: scheduler.id },
        executor_id: { value: 'e1' },
        status: 256,
      },
    });
    expect(scheduler.stream.of('FAILURE')[0]?.failure).to.deep.equal({
      agent_id: { value: agent.agentId },
      executor_id: { value: 'e1' },
      status: 256,
    });
    expect(harness.counter('cpus_used')).to.equal(2.5);
  });

  it('refuses one bad task and launches the others', async () => {
    const { agent, scheduler, offer } = await offered();
    scheduler.launch(
      offer,
      task(offer),
      task(offer, { task_id: { value: 'big' }, resources: amounts(100, 1) }),
      task(offer, { task_id: { value: 't3' } }),
    );
    expect(agent.launched.map((one) => one.task_id.value)).to.deep.equal(['t1', 't3']);
    expect(scheduler.stream.updates.map((one) => one.task_id.value)).to.deep.equal(['big']);
  });

  const problems: readonly (readonly [string, Partial<TaskInfo>, RegExp])[] = [
    ['a malformed id', { task_id: { value: 'a/b' } }, /task_id/],
    ['another agent', { agent_id: { value: 'x' } }, /wrong agent/],
    ['a negative grace', { kill_policy: { grace_period: { nanoseconds: -1n } } }, /kill_policy/],
    ['a negative time', { max_completion_time: { nanoseconds: -1n } }, /max_completion_time/],
    ['a check without payload', { check: { type: 'TCP' } }, /check/],
    ['a health check without payload', { health_check: { type: 'TCP' } }, /health_check/],
    ['no resources', { resources: [] }, /no resources/],
    ['a negative amount', { resources: amounts(-1, 1) }, /invalid resources/],
    [
      'another role',
      { resources: amounts(1, 1, { allocation_info: { role: 'b' } }) },
      /allocated to role/,
    ],
    [
      'an environment variable without value',
      { command: { value: 'x', environment: { variables: [{ name: 'A' }] } } },
      /'A'/,
    ],
    ['a limit below the request', { limits: { cpus: { value: 0.5 } } }, /limits/],
    [
      'a limit without request',
      { resources: [scalar('mem', 1)], limits: { cpus: { value: 1 } } },
      /request of 'cpus'/,
    ],
    ['a limit that is no number', { limits: { cpus: { value: Number.NaN } } }, /below the request/],
    [
      'cgroups of its own',
      { container: { type: 'MESOS', linux_info: { share_cgroups: false } } },
      /share_cgroups.*in a group only/,
    ],
    ['a limit of disk', { limits: { disk: { value: 1 } } }, /limits/],
    ['neither command nor executor', { command: undefined }, /exactly one/],
    ['both', { executor: EXECUTOR }, /exactly one/],
    [
      'an executor without command',
      custom('t1', { executor: { ...EXECUTOR, command: undefined } }),
      /command/,
    ],
    ['a default executor', custom('t1', { executor: { ...EXECUTOR, type: 'DEFAULT' } }), /CUSTOM/],
    [
      'an executor of another framework',
      custom('t1', { executor: { ...EXECUTOR, framework_id: { value: 'x' } } }),
      /framework_id/,
    ],
    ['more than was offered', { resources: [...amounts(1, 1), scalar('gold', 1)] }, /available/],
  ];
  it('refuses limits where the agent cannot keep them', async () => {
    const harness = await Harness.started();
    await harness.register(undefined, undefined, [{ type: 'MULTI_ROLE' }]);
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    scheduler.launch(offer, task(offer, { limits: { cpus: { value: 2 } } }));
    expect(scheduler.stream.updates[0]?.message).to.match(/cannot keep them/);
  });

  for (const [name, change, message] of problems) {
    it(`refuses a task with ${name}`, async () => {
      const { agent, scheduler, offer, harness } = await offered();
      scheduler.launch(offer, task(offer, change));
      const [update] = scheduler.stream.updates;
      expect(update).to.include({
        state: 'TASK_ERROR',
        reason: 'REASON_TASK_INVALID',
        source: 'SOURCE_MASTER',
      });
      expect([update?.uuid, update?.executor_id]).to.deep.equal([undefined, undefined]);
      expect(update?.message).to.match(message);
      expect(agent.launched).to.have.length(0);
      expect(harness.counter('cpus_used')).to.equal(0);
    });
  }

  it('reports the first problem in the order of Mesos', async () => {
    const { scheduler, offer } = await offered();
    const all: Partial<TaskInfo> = {
      agent_id: { value: 'x' },
      kill_policy: { grace_period: { nanoseconds: -1n } },
      check: { type: 'TCP' },
      health_check: { type: 'TCP' },
      resources: [],
      command: undefined,
    };
    const order: readonly (keyof TaskInfo)[] = [
      'agent_id',
      'kill_policy',
      'check',
      'health_check',
      'resources',
      'command',
    ];
    const expected = [
      /agent/,
      /kill_policy/,
      /'check/,
      /health_check/,
      /no resources/,
      /exactly one/,
    ];
    const tasks = order.map((_, index) => {
      const fixed = order.slice(0, index);
      const bad = Object.fromEntries(
        Object.entries(all).filter(([field]) => !fixed.some((one) => one === field)),
      );
      return task(offer, { ...bad, task_id: { value: `t${index}` } });
    });
    scheduler.launch(offer, ...tasks);
    scheduler.stream.updates.forEach((update, index) => {
      expect(update.message, String(order[index])).to.match(expected[index] ?? /never/);
    });
    expect(scheduler.stream.updates).to.have.length(order.length);
  });

  it('refuses the id of an active task', async () => {
    const { harness, scheduler } = await running();
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(2000);
    const offer = scheduler.stream.offers.at(-1);
    if (offer === undefined) throw new Error('an offer is needed');
    scheduler.launch(offer, task(offer));
    expect(scheduler.stream.updates.at(-1)?.message).to.match(/duplicate/);
  });

  it('refuses another executor under the id of one that runs', async () => {
    const { scheduler, offer, agent } = await offered();
    const other = { ...EXECUTOR, name: 'other' };
    scheduler.launch(
      offer,
      task(offer, custom('a')),
      task(offer, custom('b', { executor: other })),
      task(offer, custom('c')),
    );
    expect(scheduler.stream.updates.map((one) => one.task_id.value)).to.deep.equal(['b']);
    expect(agent.launched).to.have.length(2);
  });

  it('refuses the tasks of a LAUNCH with an id', async () => {
    const { scheduler, offer } = await offered();
    const launch = { task_infos: [task(offer)] };
    scheduler.accept([offer], [{ type: 'LAUNCH', id: { value: 'op' }, launch }]);
    expect(scheduler.stream.updates[0]?.state).to.equal('TASK_ERROR');
  });
});
