import { expect } from 'chai';
import type { MasterCallType, MasterResponse } from '../../../core/api/index.js';
import { ROLE, type Harness, running } from './harness.js';

function read(harness: Harness, type: MasterCallType): MasterResponse {
  const answer = harness.master.operatorCall({ type });
  if (answer instanceof Promise) throw new Error(`${type} is answered later`);
  if ('status' in answer) throw new Error(`${type}: ${answer.status}`);
  return answer;
}

describe('Master: operator calls', () => {
  it('describe the cluster', async () => {
    const { harness, scheduler, agent } = await running();
    const state = read(harness, 'GET_STATE').get_state;
    expect(state?.get_tasks?.tasks?.map((one) => one.state)).to.deep.equal(['TASK_RUNNING']);
    const [one] = state?.get_agents?.agents ?? [];
    expect(one).to.include({ active: true, version: '1.11.0', pid: 'slave(1)@10.0.0.7:5051' });
    expect(one?.agent_info.id?.value).to.equal(agent.agentId);
    expect(one?.total_resources?.[0]).to.include({ name: 'cpus', role: '*' });
    expect(one?.allocated_resources?.[0]?.scalar?.value).to.equal(1);
    const [framework] = state?.get_frameworks?.frameworks ?? [];
    expect(framework).to.include({ active: true, connected: true, recovered: false });
    expect(framework?.framework_info.id?.value).to.equal(scheduler.id);
    const roles = read(harness, 'GET_ROLES').get_roles?.roles;
    expect(roles?.map(({ name, weight }) => [name, weight])).to.deep.equal([[ROLE, 1]]);
    expect(roles?.[0]?.resources?.find(({ name }) => name === 'cpus')?.scalar?.value).to.equal(1);
    expect(read(harness, 'GET_HEALTH')).to.deep.equal({
      type: 'GET_HEALTH',
      get_health: { healthy: true },
    });
    expect(read(harness, 'GET_MASTER').get_master?.master_info).to.deep.equal(harness.master.info);
    expect(read(harness, 'GET_OPERATIONS').get_operations).to.deep.equal({});
    expect(read(harness, 'GET_VERSION').get_version?.version_info.version).to.equal('1.11.0');
  });

  it('count', async () => {
    const { harness } = await running();
    const metrics = read(harness, 'GET_METRICS').get_metrics?.metrics ?? [];
    const values = new Map(metrics.map(({ name, value }) => [name, value]));
    for (const [name, value] of Object.entries({
      'master/elected': 1,
      'master/slaves_active': 1,
      'master/frameworks_active': 1,
      'master/tasks_running': 1,
      'master/cpus_total': 4,
      'master/cpus_used': 1,
      'master/cpus_percent': 0.25,
      'master/valid_status_updates': 1,
    })) {
      expect(values.get(name), name).to.equal(value);
    }
  });

  it('tear a framework down, and refuse an unknown one', async () => {
    const { harness, scheduler } = await running();
    const call = (value: string) =>
      harness.master.operatorCall({ type: 'TEARDOWN', teardown: { framework_id: { value } } });
    expect(call('nobody')).to.include({ status: 400 });
    expect(call(scheduler.id)).to.deep.equal({ status: 200 });
    expect(scheduler.stream.isClosed).to.equal(true);
    const tasks = read(harness, 'GET_TASKS').get_tasks;
    expect(tasks?.completed_tasks?.map((one) => one.state)).to.deep.equal(['TASK_KILLED']);
    const completed = read(harness, 'GET_FRAMEWORKS').get_frameworks?.completed_frameworks;
    expect(completed?.[0]).to.include({ active: false });
    expect(completed?.[0]?.unregistered_time?.nanoseconds).to.be.a('bigint');
  });

  it('refuse weights that are not valid, all or nothing', async () => {
    const { harness } = await running();
    const set = (weight_infos: { role: string; weight: number }[]) =>
      harness.master.operatorCall({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });
    for (const bad of [
      { role: 'a', weight: 0 },
      { role: 'a', weight: -1 },
      { role: 'a', weight: Number.NaN },
      { role: 'bad role', weight: 1 },
      { role: 'x'.repeat(500), weight: 1 },
      { role: '\ud800', weight: 1 },
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await set([{ role: 'b', weight: 2 }, bad]);
      expect(answer, JSON.stringify(bad)).to.include({ status: 400 });
    }
    expect(read(harness, 'GET_WEIGHTS').get_weights).to.equal(undefined);
  });

  it('answer 501 to what is not supported', async () => {
    const { harness } = await running();
    for (const type of ['SET_LOGGING_LEVEL', 'UNKNOWN', 'GET_LOGGING_LEVEL'] as const) {
      expect(harness.master.operatorCall({ type })).to.include({ status: 501 });
    }
  });

  it('explain why a framework gets nothing', async () => {
    const { harness, scheduler } = await running();
    scheduler.call({ type: 'SUPPRESS' });
    expect(harness.master.why(scheduler.id)).to.deep.include({
      state: 'active',
      suppressedRoles: [ROLE],
      tasks: 1,
    });
    expect(
      harness.master.why(scheduler.id)?.allocation?.roles.map(({ role }) => role),
    ).to.deep.equal([ROLE]);
    expect(harness.master.why('nobody')).to.equal(undefined);
  });
});
