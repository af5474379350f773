import { expect } from 'chai';
import { PlateauError, id } from '../../../core/base/index.js';
import { AGENT_INFO, FRAMEWORK_INFO, Harness, reported, running } from './harness.js';

describe('Master: registry', () => {
  it('knows agents and frameworks again after a restart, under a new master id', async () => {
    const { harness, scheduler, agent } = await running();
    const oldId = harness.master.info.id;
    const next = await harness.restarted();
    expect(next.master.info.id).not.to.equal(oldId);
    expect(scheduler.stream.isClosed).to.equal(true);
    expect(agent.isClosed).to.equal(true);
    const { cluster } = next.master;
    expect([...cluster.recoveredAgents.keys()]).to.deep.equal([agent.agentId]);
    expect(cluster.frameworks.get(id<'FrameworkId'>(scheduler.id))?.state).to.equal('recovered');
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect(again.reconcile('t1')).to.deep.equal([]);
    expect(again.reconcile('t1', agent.agentId)).to.deep.equal([]);
    const back = await next.reregister(agent.agentId, {
      tasks: [reported(scheduler, agent.agentId)],
    });
    expect(back.of('REREGISTERED')).to.have.length(1);
    expect(again.reconcile('t1')[0]?.state).to.equal('TASK_RUNNING');
    expect(next.counter('cpus_used')).to.equal(1);
    expect(again.stream.updates).to.have.length(1);
  });

  it('marks agents that do not come back in time unreachable', async () => {
    const { harness, scheduler, agent } = await running();
    const next = await harness.restarted();
    await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    await next.world.advance(599_000);
    expect(next.master.cluster.recoveredAgents.size).to.equal(1);
    await next.world.advance(2_000);
    expect([...next.master.cluster.unreachableAgents.keys()]).to.deep.equal([agent.agentId]);
    expect(next.counter('recovery_slave_removals')).to.equal(1);
    const third = await next.restarted();
    expect([...third.master.cluster.unreachableAgents.keys()]).to.deep.equal([agent.agentId]);
  });

  it('gives a recovered framework its whole failover timeout, then removes it', async () => {
    const { harness, scheduler, agent } = await running();
    const next = await harness.restarted();
    const back = await next.reregister(agent.agentId, {
      tasks: [reported(scheduler, agent.agentId)],
    });
    await next.live(59_000, [back]);
    expect(next.master.cluster.frameworks.size).to.equal(1);
    await next.live(2_000, [back]);
    expect(next.master.cluster.frameworks.size).to.equal(0);
    expect(back.of('SHUTDOWN_FRAMEWORK')).to.have.length(1);
    const third = await next.restarted();
    const refused = await third.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect(refused.stream.error).to.match(/removed/);
  });

  it('tells an agent that was marked gone to shut down', async () => {
    const { harness, scheduler, agent } = await running();
    const key = `registry/agents/${agent.agentId}`;
    const value = ((await harness.store.get(key))?.value ?? '').replace('ADMITTED', 'GONE');
    await harness.store.transact({ epoch: 1, puts: [{ key, value }] });
    const next = await harness.restarted();
    const back = await next.reregister(agent.agentId);
    expect(back.of('REFUSED')[0]?.refused?.shutdown).to.equal(true);
    expect(back.isClosed).to.equal(true);
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect(again.reconcile('t1', agent.agentId)[0]?.state).to.equal('TASK_GONE_BY_OPERATOR');
  });

  it('keeps weights', async () => {
    const harness = await Harness.started();
    const weight_infos = [{ role: 'web', weight: 2.5 }];
    const call = { type: 'UPDATE_WEIGHTS' as const, update_weights: { weight_infos } };
    expect(await harness.master.operatorCall(call)).to.deep.equal({ status: 200 });
    const next = await harness.restarted();
    expect(next.master.operatorCall({ type: 'GET_WEIGHTS' })).to.deep.equal({
      type: 'GET_WEIGHTS',
      get_weights: { weight_infos },
    });
  });

  it('stops a deposed master at its first write', async () => {
    const harness = await Harness.started();
    const one = await harness.subscribe();
    const next = await Harness.started({ medium: harness.medium, world: harness.world });
    const two = await harness.subscribe();
    expect(two.stream.types).to.deep.equal([]);
    expect(two.stream.isClosed).to.equal(true);
    expect(one.stream.isClosed).to.equal(true);
    const [error] = harness.fatal;
    expect(error).to.be.instanceOf(PlateauError).with.property('code', 'FENCED');
    expect(harness.master.isRecovered).to.equal(false);
    expect(one.call({ type: 'REVIVE' }).status).to.equal(503);
    expect(next.master.isRecovered).to.equal(true);
  });

  it('stops when a write fails, and never registers what is not recorded', async () => {
    const harness = await Harness.started();
    harness.store.failNextWrites(1);
    const agent = await harness.register();
    expect(agent.of('REGISTERED')).to.have.length(0);
    expect(harness.fatal).to.have.length(1);
    expect(harness.master.cluster.agents.size).to.equal(0);
  });

  it('forgets the oldest unreachable agents beyond their number, and those that are too old', async () => {
    const config = {
      registryMaxAgentCount: 1,
      registryMaxAgentAgeMs: 3_600_000,
      registryGcIntervalMs: 900_000,
    };
    const harness = await Harness.started({ config });
    const one = await harness.register();
    const [first] = [one.agentId];
    await harness.world.advance(76_000);
    const two = await harness.register({ ...AGENT_INFO, hostname: 'host-2' });
    await harness.world.advance(76_000);
    expect(harness.master.cluster.unreachableAgents.size).to.equal(2);
    await harness.world.advance(900_000);
    expect([...harness.master.cluster.unreachableAgents.keys()]).to.deep.equal([two.agentId]);
    expect((await harness.store.get(`registry/agents/${first}`))?.key).to.equal(undefined);
    await harness.world.advance(3_600_000);
    expect(harness.master.cluster.unreachableAgents.size).to.equal(0);
  });

  it('refuses a registry of a newer format', async () => {
    const harness = await Harness.started();
    const entry = await harness.store.get('registry/master');
    const value = (entry?.value ?? '').replace(/"format":\s*1/, '"format":99');
    await harness.store.transact({ epoch: 1, puts: [{ key: 'registry/master', value }] });
    harness.master.stop();
    const next = new Harness({ medium: harness.medium });
    let code = '';
    await next.master.start().catch((error: unknown) => {
      code = error instanceof PlateauError ? error.code : String(error);
    });
    expect(code).to.equal('WORK_DIR_FORMAT');
  });

  it('leaves no timer behind when it stops', async () => {
    const { harness, scheduler } = await running();
    scheduler.disconnect();
    harness.master.stop();
    expect(harness.world.clock.pendingTimers).to.equal(0);
  });
});
