import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  type ExecutorInfo,
  type Offer,
  type OfferOperation,
  type Resource,
  type TaskInfo,
  fromJson,
  parseJson,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { repositoryFile } from '../../checks/reference.js';
import {
  AGENT_INFO,
  type FakeConnection,
  Harness,
  ROLE,
  type Scheduler,
  amounts,
  scalar,
  task,
} from './harness.js';

const RESOURCES = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];

function executor(extra: Partial<ExecutorInfo> = {}): ExecutorInfo {
  return {
    type: 'DEFAULT',
    executor_id: { value: 'pod' },
    resources: [...amounts(0.1, 32), scalar('disk', 10)],
    ...extra,
  };
}

function group(
  tasks: readonly TaskInfo[],
  info: ExecutorInfo = executor(),
  extra: Partial<OfferOperation> = {},
): OfferOperation {
  const launch_group = { executor: info, task_group: { tasks } };
  return { type: 'LAUNCH_GROUP', launch_group, ...extra };
}

function member(offer: Offer, id: string, extra: Partial<TaskInfo> = {}): TaskInfo {
  return task(offer, { task_id: { value: id }, ...extra });
}

function port(value: bigint): Resource {
  return { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: value, end: value }] } };
}

interface Place {
  readonly harness: Harness;
  readonly agent: FakeConnection;
  readonly scheduler: Scheduler;
  readonly offer: Offer;
}

async function place(): Promise<Place> {
  const harness = await Harness.started();
  const agent = await harness.register({ ...AGENT_INFO, resources: RESOURCES });
  const scheduler = await harness.subscribe();
  return { harness, agent, scheduler, offer: await scheduler.offer() };
}

async function running(): Promise<Place> {
  const here = await place();
  const { scheduler, offer } = here;
  scheduler.accept([offer], [group([member(offer, 'a'), member(offer, 'b')])], 3600);
  return here;
}

function usedCpus({ harness }: Place): number {
  const agent = at([...harness.master.cluster.agents.values()], 0);
  return agent.usedTotal.scalar('cpus') / 1000;
}

describe('Master: task groups', () => {
  it('are sent in one message, with the executor charged once', async () => {
    const here = await running();
    const { agent, scheduler } = here;
    expect(scheduler.stream.updates).to.deep.equal([]);
    const runs = agent.of('RUN_TASKS').map(({ run_tasks: run }) => run);
    expect(runs).to.have.length(1);
    expect(runs[0]).to.include({ group: true, launch_executor: true });
    expect(runs[0]?.tasks?.map((one) => one.task_id.value)).to.deep.equal(['a', 'b']);
    for (const one of runs[0]?.tasks ?? []) {
      expect(one.executor).to.deep.equal(runs[0]?.executor_info);
    }
    expect(runs[0]?.executor_info?.framework_id?.value).to.equal(scheduler.id);
    expect(runs[0]?.executor_info?.resources?.[0]?.allocation_info?.role).to.equal(ROLE);
    expect(usedCpus(here)).to.equal(2.1);
  });

  it('charge nothing for an executor that is on the agent, and tell the agent so', async () => {
    const here = await running();
    const { agent, harness, scheduler } = here;
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(1000);
    const next = await scheduler.offer();
    scheduler.accept([next], [group([member(next, 'c')])]);
    expect(usedCpus(here)).to.equal(3.1);
    expect(agent.of('RUN_TASKS')[1]?.run_tasks).to.include({ launch_executor: false });
  });

  it('give back what the executor held when it has ended', async () => {
    const here = await running();
    const { agent, harness, scheduler } = here;
    for (const taskId of ['a', 'b']) {
      const status = { task_id: { value: taskId }, state: 'TASK_FINISHED' as const, uuid: taskId };
      harness.update(agent, scheduler, status);
    }
    expect(usedCpus(here)).to.equal(0.1);
    harness.agentMessage(agent, {
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: scheduler.id },
        executor_id: { value: 'pod' },
        status: 0,
      },
    });
    expect(usedCpus(here)).to.equal(0);
  });

  it('are told when their agent is lost', async () => {
    const here = await running();
    const { harness, scheduler } = here;
    await harness.world.advance(80_000);
    const lost = scheduler.stream.updates.map(({ state, task_id: { value } }) => [value, state]);
    expect(lost).to.deep.equal([
      ['a', 'TASK_UNREACHABLE'],
      ['b', 'TASK_UNREACHABLE'],
    ]);
    expect(at(scheduler.reconcile('a'), 0).state).to.equal('TASK_UNREACHABLE');
  });

  it('are known with their executor to a new master', async () => {
    const here = await running();
    const { agent, scheduler } = here;
    const [run] = agent.of('RUN_TASKS');
    const { executor_info: info, tasks = [] } = run?.run_tasks ?? {};
    const later = await here.harness.restarted();
    const back = await later.reregister(agent.agentId, {
      frameworks: [{ ...at([...later.master.cluster.frameworks.values()], 0).info }],
      executors:
        info === undefined ? [] : [{ framework_id: { value: scheduler.id }, executor_info: info }],
      tasks: tasks.map((one) => ({
        name: one.name,
        task_id: one.task_id,
        framework_id: { value: scheduler.id },
        executor_id: { value: 'pod' },
        agent_id: one.agent_id,
        state: 'TASK_RUNNING',
        resources: one.resources,
      })),
    });
    expect(back.isClosed).to.equal(false);
    expect(usedCpus({ ...here, harness: later })).to.equal(2.1);
  });

  it('pass a KILL of one task on', async () => {
    const { agent, scheduler } = await running();
    scheduler.call({ type: 'KILL', kill: { task_id: { value: 'a' } } });
    const kills = agent.of('KILL_TASK').map(({ kill_task: kill }) => kill?.task_id.value);
    expect(kills).to.deep.equal(['a']);
  });

  it('may have custom executors, and limits without shared cgroups', async () => {
    const { agent, scheduler, offer } = await place();
    const own = executor({ type: 'CUSTOM', command: { value: './run' } });
    const alone = {
      container: { type: 'MESOS' as const, linux_info: { share_cgroups: false } },
      limits: { cpus: { value: Number.POSITIVE_INFINITY } },
    };
    scheduler.accept([offer], [group([member(offer, 'a', alone)], own)]);
    expect(agent.launched).to.have.length(1);
    expect(scheduler.stream.updates).to.deep.equal([]);
  });
});

const UNSHARED = { type: 'MESOS' as const, linux_info: { share_cgroups: false } };

/** What is wrong, with a good task beside the bad one. */
const CASES: readonly {
  readonly what: string;
  readonly bad?: Partial<TaskInfo>;
  readonly executor?: Partial<ExecutorInfo>;
  readonly extra?: Partial<OfferOperation>;
  readonly reason: RegExp;
}[] = [
  { what: 'two tasks of one id', bad: { task_id: { value: 'good' } }, reason: /two tasks of this/ },
  {
    what: 'a task of another agent',
    bad: { agent_id: { value: 'other' } },
    reason: /^Task 'bad' is invalid: Task uses the wrong agent/,
  },
  {
    what: 'a task without resources',
    bad: { resources: [] },
    reason: /^Task 'bad' is invalid: Task uses no resources/,
  },
  {
    what: 'a health check whose type is not set',
    bad: { health_check: { command: { value: 'true' } } },
    reason: /health_check.type/,
  },
  {
    what: 'another executor in a task',
    bad: { executor: executor({ executor_id: { value: 'other' } }) },
    reason: /differs from the executor of the group/,
  },
  {
    what: 'a network together with an HTTP check',
    bad: {
      container: { type: 'MESOS', network_infos: [{ name: 'net' }] },
      health_check: { type: 'HTTP', http: { port: 80 } },
    },
    reason: /network_infos/,
  },
  {
    what: 'a task for docker',
    bad: { container: { type: 'DOCKER', docker: { image: 'i' } } },
    reason: /must not be DOCKER/,
  },
  {
    what: 'limits within shared cgroups',
    bad: { limits: { cpus: { value: 2 } } },
    reason: /share_cgroups/,
  },
  {
    what: 'cgroups that only some share',
    bad: { container: UNSHARED },
    reason: /must be the same for all tasks/,
  },
  {
    what: 'one port for two tasks',
    bad: { resources: [...amounts(1, 128), port(31000n)] },
    reason: /^Task 'bad' uses more resources/,
  },
  {
    what: 'more than there is, together',
    bad: { resources: amounts(3, 128) },
    reason: /^Task 'bad' uses more resources/,
  },
  {
    what: 'an executor that does not fit',
    executor: { resources: [...amounts(4.1, 32), scalar('disk', 1)] },
    reason: /^The executor uses more resources/,
  },
  { what: 'an executor of no type', executor: { type: undefined }, reason: /type' must be set/ },
  { what: 'an executor of unknown type', executor: { type: 'UNKNOWN' }, reason: /is unknown/ },
  {
    what: 'a default executor with a command',
    executor: { command: { value: 'true' } },
    reason: /'ExecutorInfo.command' must not be set/,
  },
  {
    what: 'a default executor in a docker container',
    executor: { container: { type: 'DOCKER', docker: { image: 'i' } } },
    reason: /must be MESOS for the default/,
  },
  {
    what: 'a custom executor in a docker container',
    executor: {
      type: 'CUSTOM',
      command: { value: './run' },
      container: { type: 'DOCKER', docker: { image: 'i' } },
    },
    reason: /must not be DOCKER for a group/,
  },
  {
    what: 'an executor of another framework',
    executor: { framework_id: { value: 'other' } },
    reason: /wrong 'framework_id'/,
  },
  {
    what: 'an executor with too few cpus',
    executor: { resources: [...amounts(0.009, 32), scalar('disk', 1)] },
    reason: /0.009 cpus, less than 0.01/,
  },
  {
    what: 'an executor with too little memory',
    executor: { resources: [...amounts(0.1, 31), scalar('disk', 1)] },
    reason: /31 MiB of 'mem', less than 32/,
  },
  {
    what: 'an executor without disk',
    executor: { resources: amounts(0.1, 32) },
    reason: /has no 'disk'/,
  },
  { what: 'an id of the operation', extra: { id: { value: 'op' } }, reason: /must not have an op/ },
];

describe('The page on task groups', () => {
  it('shows a group that can be launched', async () => {
    const page = readFileSync(repositoryFile('docs/task-groups.md'), 'utf8');
    const [, text = ''] = /^```json\n([^]*?)^```$/m.exec(page) ?? [];
    const shown = fromJson('OfferOperation', parseJson(text));
    const { agent, scheduler, offer } = await place();
    const tasks = (shown.launch_group?.task_group.tasks ?? []).map((one) => ({
      ...one,
      agent_id: offer.agent_id,
    }));
    scheduler.accept([offer], [group(tasks, shown.launch_group?.executor)]);
    expect(scheduler.stream.updates).to.deep.equal([]);
    expect(agent.launched).to.have.length(2);
  });
});

describe('Master: task groups that are not valid', () => {
  for (const { what, bad, executor: other, extra, reason } of CASES) {
    it(`end as a whole: ${what}`, async () => {
      const { agent, scheduler, offer } = await place();
      const good = member(offer, 'good', { resources: [...amounts(1, 128), port(31000n)] });
      const tasks = [good, member(offer, 'bad', bad)];
      scheduler.accept([offer], [group(tasks, executor(other), extra)], 0);
      expect(agent.launched).to.deep.equal([]);
      const { updates } = scheduler.stream;
      expect(updates).to.have.length(2);
      for (const status of updates) {
        expect(status).to.include({
          state: 'TASK_ERROR',
          reason: 'REASON_TASK_GROUP_INVALID',
          source: 'SOURCE_MASTER',
        });
        expect(status.uuid).to.equal(undefined);
        expect(status.message).to.match(reason);
      }
    });
  }

  it('leave the executor that runs as it is', async () => {
    const here = await running();
    const { harness, scheduler } = here;
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(1000);
    const next = await scheduler.offer();
    const changed = executor({ name: 'changed' });
    scheduler.accept([next], [group([member(next, 'c')], changed)]);
    expect(at(scheduler.stream.updates, 0).message).to.match(/differs from that of executor 'pod'/);
    expect(usedCpus(here)).to.equal(2.1);
  });
});
