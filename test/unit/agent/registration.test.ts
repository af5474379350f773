import { expect } from 'chai';
import { ADDRESS, AGENT, FRAMEWORK, Host, frameworkInfo, scalar, taskInfo } from './host.js';

describe('Agent registration', () => {
  it('registers without an id first, and makes its id durable', async () => {
    const host = new Host();
    await host.start();
    expect(host.received.map(({ type }) => type)).to.deep.equal(['REGISTER']);
    expect(host.received[0]?.register?.agent_info).to.include({ hostname: ADDRESS.hostname });
    expect(host.agent.agentId).to.equal(AGENT);
    expect(host.keys()).to.deep.equal(['agent']);
    expect(host.agent.isRegistered).to.equal(true);
  });

  it('re-registers under its id after a restart', async () => {
    const host = new Host();
    await host.start();
    await host.restart();
    const again = host.messages('REREGISTER')[0]?.reregister;
    expect(again?.agent_info.id?.value).to.equal(AGENT);
    expect(again?.capabilities).to.deep.include({ type: 'MULTI_ROLE' });
  });

  it('tries again with growing waits that never exceed the bound', async () => {
    const host = new Host();
    host.isMasterUp = false;
    await host.start();
    await host.advance(3_600_000);
    const waits = host.connects.slice(1).map((ms, index) => ms - (host.connects[index] ?? 0));
    expect(waits.length).to.be.within(60, 400);
    expect(Math.max(...waits)).to.be.within(30_000, 60_000);
    expect(waits[0]).to.be.below(1000);
    expect(waits[1]).to.be.below(2000);
  });

  it('introduces itself again when the master does not answer', async () => {
    const host = new Host({ isAdmitting: false });
    await host.start();
    await host.advance(20_000);
    expect(host.messages('REGISTER').length).to.be.within(3, 12);
  });

  it('answers pings, and connects anew when none comes for the ping timeout', async () => {
    const host = new Host();
    await host.start();
    for (let ping = 0; ping < 4; ping++) {
      await host.advance(74_000);
      await host.tell({ type: 'PING' });
    }
    expect(host.messages('PONG')).to.have.length(4);
    expect(host.connects).to.have.length(1);
    await host.advance(75_000 + 1000);
    expect(host.connects).to.have.length(2);
    expect(host.messages('REREGISTER')).to.have.length(1);
  });

  it('tells tasks, executors and frameworks when it re-registers', async () => {
    const host = new Host({ isAcknowledging: false });
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.disconnect();
    await host.advance(1000);
    const again = host.messages('REREGISTER')[0]?.reregister;
    expect(again?.frameworks).to.deep.equal([frameworkInfo()]);
    expect(again?.executors).to.deep.equal([]);
    expect(again?.tasks?.[0]).to.deep.include({
      state: 'TASK_RUNNING',
      status_update_state: 'TASK_STARTING',
      status_update_uuid: host.statuses('t1')[0]?.uuid,
    });
  });

  it('answers for tasks that only the master knows', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('here')]);
    host.unknownTasks = ['here', 'gone'];
    await host.disconnect();
    await host.advance(1000);
    expect(host.states('here')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    expect(host.last('gone')).to.include({
      state: 'TASK_DROPPED',
      reason: 'REASON_RECONCILIATION',
      source: 'SOURCE_AGENT',
    });
  });

  it('ends its tasks and gives up when the master has removed it', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.tell({ type: 'REFUSED', refused: { message: 'gone', shutdown: true } });
    await host.advance(100);
    expect(host.containersOf('t1')[0]?.end).to.deep.equal({ kind: 'signaled', signal: 'SIGTERM' });
    expect(host.fatal.map(({ code }) => code)).to.deep.equal(['CALL_REFUSED']);
    expect(host.world.clock.pendingTimers).to.equal(0);
  });

  it('tries again when it is refused for now', async () => {
    const host = new Host({ isAdmitting: false });
    await host.start();
    host.isAdmitting = true;
    await host.tell({ type: 'REFUSED', refused: { message: 'busy' } });
    await host.advance(4000);
    expect(host.agent.isRegistered).to.equal(true);
  });

  it('ignores messages of an older connection', async () => {
    const host = new Host();
    await host.start();
    const old = { send: () => {}, close: () => {} };
    host.agent.masterMessage(old, {
      type: 'RUN_TASKS',
      run_tasks: { framework_info: frameworkInfo(), tasks: [taskInfo('t1')] },
    });
    await host.settle();
    expect(host.containers.size).to.equal(0);
  });

  it('keeps reservations, tells them, and counts them into its resources', async () => {
    const host = new Host();
    await host.start();
    const { allocation_info: _role, ...cpus } = scalar('cpus', 1);
    const reserved = { ...cpus, reservations: [{ type: 'DYNAMIC' as const, role: 'web' }] };
    await host.tell({
      type: 'CHECKPOINT_RESOURCES',
      checkpoint_resources: { resources: [reserved] },
    });
    await host.restart();
    const again = host.messages('REREGISTER')[0]?.reregister;
    expect(again?.checkpointed_resources).to.deep.equal([reserved]);
    expect(host.agent.totalResources.reserved('web').scalar('cpus')).to.equal(1000);
    expect(host.agent.totalResources.scalar('cpus')).to.equal(4000);
  });

  it('refuses to start with less than what was reserved', async () => {
    const host = new Host({ config: { reconfigurationPolicy: 'additive' } });
    await host.start();
    const { allocation_info: _role, ...cpus } = scalar('cpus', 4);
    const reserved = { ...cpus, reservations: [{ type: 'DYNAMIC' as const, role: 'web' }] };
    await host.tell({
      type: 'CHECKPOINT_RESOURCES',
      checkpoint_resources: { resources: [reserved] },
    });
    host.config = { ...host.config, resources: [{ ...cpus, scalar: { value: 2 } }] };
    const error = await host.restart().catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'INVALID_FLAG' });
  });

  it('updates a framework and repeats what is outstanding', async () => {
    const host = new Host({ isAcknowledging: false });
    await host.start();
    await host.run([taskInfo('t1')]);
    const info = frameworkInfo([], { name: 'renamed' });
    await host.tell({ type: 'UPDATE_FRAMEWORK', update_framework: { framework_info: info } });
    expect(host.statuses('t1').map(({ state }) => state)).to.deep.equal([
      'TASK_STARTING',
      'TASK_STARTING',
    ]);
    await host.restart();
    expect([...host.agent.state.frameworks.values()][0]?.info.name).to.equal('renamed');
    expect([...host.agent.state.frameworks.keys()]).to.deep.equal([FRAMEWORK]);
  });
});
