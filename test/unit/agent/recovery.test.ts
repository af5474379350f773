import { expect } from 'chai';
import { AGENT, FRAMEWORK, Host, frameworkInfo, taskInfo } from './host.js';

describe('Agent recovery', () => {
  it('finds running tasks again, and the true end of those that ended meanwhile', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('runs'), taskInfo('ends'), taskInfo('fails')]);
    host.crash();
    await host.end('ends');
    await host.end('fails', { kind: 'exited', code: 7 });
    await host.start();
    expect(host.last('ends').state).to.equal('TASK_FINISHED');
    expect(host.last('fails').message).to.equal('Command exited with status 7');
    expect(host.states('runs')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    await host.end('runs');
    expect(host.last('runs').state).to.equal('TASK_FINISHED');
    expect(host.containers.size).to.equal(3);
  });

  it('kills again what was being killed, with the whole grace period', async () => {
    const host = new Host();
    await host.start();
    host.stubborn.add('t1');
    await host.run([taskInfo('t1')]);
    await host.kill('t1', 5000);
    await host.restart();
    await host.advance(5010);
    expect(host.signals.map(({ signal }) => signal)).to.deep.equal([
      'SIGTERM',
      'SIGTERM',
      'SIGKILL',
    ]);
    expect(host.last('t1').state).to.equal('TASK_KILLED');
  });

  it('reports TASK_KILLED when the kill took effect while the agent was away', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    host.stubborn.add('t1');
    await host.kill('t1');
    host.crash();
    await host.end('t1', { kind: 'signaled', signal: 'SIGTERM' });
    await host.start();
    expect(host.last('t1').state).to.equal('TASK_KILLED');
  });

  it('goes on counting the completion time of a task', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1', { max_completion_time: { nanoseconds: 60_000_000_000n } })]);
    await host.advance(40_000);
    await host.restart();
    await host.advance(19_000);
    expect(host.states('t1')).to.have.length(2);
    await host.advance(1100);
    expect(host.last('t1').reason).to.equal('REASON_MAX_COMPLETION_TIME_REACHED');
  });

  it('fails a task that was on record but never launched, and does not launch it', async () => {
    const host = new Host();
    await host.start();
    host.onTransaction = () => host.crash(1);
    await host.run([taskInfo('t1')]);
    host.onTransaction = undefined;
    expect(host.keys('tasks/')).to.have.length(1);
    await host.start();
    expect(host.containers.size).to.equal(0);
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_FAILED']);
    expect(host.last('t1')).to.include({
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
  });

  it('does not know a task that was not on record, and says so', async () => {
    const host = new Host();
    await host.start();
    host.onTransaction = () => host.crash(0);
    await host.run([taskInfo('t1')]);
    host.onTransaction = undefined;
    host.unknownTasks = ['t1'];
    await host.start();
    expect(host.states('t1')).to.deep.equal(['TASK_LOST']);
    expect(host.containers.size).to.equal(0);
  });

  it('takes nothing for running after a reboot, and keeps its id', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    host.bootId = 'boot-2';
    // A process with the old pid and start time runs, but it is another one.
    await host.restart();
    expect(host.agent.agentId).to.equal(AGENT);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
    await host.restart();
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED']);
  });

  it('comes back as a new agent after a reboot with other resources', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    host.bootId = 'boot-2';
    const resources = host.config.resources.slice(0, 1);
    host.config = { ...host.config, resources };
    await host.restart();
    expect(host.messages('REGISTER')).to.have.length(2);
    expect(host.keys().map((key) => key.split('/')[0])).to.deep.equal(['agent', 'sandboxes']);
  });

  it('refuses other resources while tasks run, unless they are more and that is allowed', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    const more = host.config.resources.map((resource) => ({
      ...resource,
      scalar: { value: 9999 },
    }));
    host.config = { ...host.config, resources: more };
    expect(await host.restart().catch((error: unknown) => error)).to.include({
      code: 'INVALID_FLAG',
    });
    host.config = { ...host.config, reconfigurationPolicy: 'additive' };
    await host.restart();
    expect(host.agent.isRegistered).to.equal(true);
    host.config = { ...host.config, reconfigurationPolicy: 'equal' };
    await host.restart();
    expect(host.agent.isRegistered).to.equal(true);
  });

  it('stays in its fault domain while tasks run, or gets one where more is allowed', async () => {
    const domain = (zone: string) => ({
      fault_domain: { region: { name: 'eu' }, zone: { name: zone } },
    });
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    const failure = (): Promise<unknown> => host.restart().catch((error: unknown) => error);
    host.config = { ...host.config, domain: domain('rack1') };
    expect(String(await failure())).to.match(/the fault domain changed/);
    host.config = { ...host.config, reconfigurationPolicy: 'additive' };
    await host.restart();
    expect(host.messages('REREGISTER').at(-1)?.reregister?.agent_info.domain).to.deep.equal(
      domain('rack1'),
    );
    for (const other of [domain('rack2'), undefined]) {
      host.config = { ...host.config, domain: other };
      // oxlint-disable-next-line no-await-in-loop -- one start after the other
      expect(String(await failure())).to.match(/the fault domain changed/);
    }
    host.config = { ...host.config, domain: domain('rack1') };
    await host.restart();
    await host.end('t1');
    host.config = { ...host.config, domain: domain('rack2') };
    await host.restart();
    expect(host.agent).to.include({ agentId: AGENT, isRegistered: true });
  });

  it('takes any resources when nothing runs, and keeps its id', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    host.config = { ...host.config, resources: host.config.resources.slice(0, 1) };
    await host.restart();
    expect(host.agent).to.include({ agentId: AGENT, isRegistered: true });
    expect(host.last('t1').state).to.equal('TASK_FINISHED');
  });

  it('never connects when it is to clean up, and lets tasks be ended under any make-up', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    const whole = host.config;
    host.config = { ...whole, recover: 'cleanup', resources: whole.resources.slice(0, 1) };
    await host.restart();
    expect(host.agent.isRegistered).to.equal(false);
    const closing = host.agent.close('end-all');
    await host.advance(3100);
    await closing;
    host.config = whole;
    await host.start();
    expect(host.last('t1').state).to.equal('TASK_KILLED');
  });

  it('refuses a checkpoint of another format', async () => {
    const host = new Host();
    await host.start();
    const record = host.medium.get('agent')?.value ?? '';
    const write = (value: string): void => host.medium.apply({ puts: [{ key: 'agent', value }] });
    write(record.replace('"format":2', '"format":3'));
    expect(await host.restart().catch((error: unknown) => error)).to.include({
      code: 'WORK_DIR_FORMAT',
    });
    write('garbage');
    expect(await host.restart().catch((error: unknown) => error)).to.include({
      code: 'WORK_DIR_FORMAT',
    });
  });

  it('stops when the store fails, and acts on nothing that is not durable', async () => {
    const host = new Host();
    await host.start();
    host.failNextWrite();
    await host.run([taskInfo('t1')]);
    expect(host.containers.size).to.equal(0);
    expect(host.statuses('t1')).to.deep.equal([]);
    expect(host.fatal.map(({ code }) => code)).to.deep.equal(['STORE_FAILED']);
    expect(host.world.clock.pendingTimers).to.equal(0);
  });

  it('leaves tasks running on an orderly close, and finds them again', async () => {
    const host = new Host();
    await host.start();
    await host.run([taskInfo('t1')]);
    await host.agent.close('leave-running');
    expect(host.closes).to.deep.equal(['leave-running']);
    expect(host.world.clock.pendingTimers).to.equal(0);
    expect(host.messages('UNREGISTER')).to.deep.equal([]);
    await host.start();
    await host.end('t1');
    expect(host.last('t1').state).to.equal('TASK_FINISHED');
  });

  it('ends everything, tells the master, and leaves on the other close', async () => {
    const host = new Host();
    await host.start();
    host.stubborn.add('t2');
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    const closing = host.agent.close('end-all');
    await host.advance(3100);
    await closing;
    expect(host.last('t1').state).to.equal('TASK_KILLED');
    expect(host.last('t2').state).to.equal('TASK_KILLED');
    expect(host.received.at(-1)?.type).to.equal('UNREGISTER');
    expect(host.closes).to.deep.equal(['end-all']);
    expect(host.world.clock.pendingTimers).to.equal(0);
  });

  it('ends all of a framework that was removed, without a word', async () => {
    const host = new Host({ isAcknowledging: false });
    await host.start();
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    await host.end('t2');
    await host.tell({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: FRAMEWORK } },
    });
    const before = host.received.length;
    await host.advance(100_000);
    expect(host.received.slice(before).filter(({ type }) => type === 'STATUS_UPDATE')).to.be.empty;
    expect(host.containersOf('t1')[0]?.end).to.not.equal(undefined);
    expect(host.agent.state.frameworks.size).to.equal(0);
    expect(host.keys().map((key) => key.split('/')[0])).to.deep.equal([
      'agent',
      'sandboxes',
      'sandboxes',
    ]);
  });
});

const RANK: readonly string[] = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'];

/** What happened to a task on the host, in the states that may truthfully be reported for it. */
const TRUTH: Readonly<Record<string, readonly string[]>> = {
  finishes: ['TASK_FINISHED'],
  fails: ['TASK_FAILED'],
  killed: ['TASK_KILLED'],
};

/** As a master does: it sends no kill for a task of which it knows a terminal state. */
async function killIfAlive(host: Host): Promise<void> {
  if (!host.hasEnded('killed')) await host.kill('killed');
}

/** Lives through the lives of three tasks, with a kill -9 at one transaction. */
async function liveThrough(
  crashAt: number,
  { kept, launchDelayMs }: { readonly kept: number; readonly launchDelayMs: number },
): Promise<Host | undefined> {
  const host = new Host({ seed: `crash-${crashAt}-${kept}` });
  host.launchDelayMs = launchDelayMs;
  host.commitMs = 5;
  await host.start();
  await host.advance(100);
  host.unknownTasks = Object.keys(TRUTH);
  let hasCrashed = false;
  host.onTransaction = (number) => {
    if (number !== crashAt) return;
    hasCrashed = true;
    host.crash(kept);
  };
  const goOn = async (): Promise<void> => {
    await host.advance(200);
    if (hasCrashed && crashAt > 0) {
      crashAt = 0;
      host.crash();
      await host.start();
      await host.advance(2000);
    }
  };
  await host.run(
    Object.keys(TRUTH).map((taskId) => taskInfo(taskId)),
    frameworkInfo(['PARTITION_AWARE', 'TASK_KILLING_STATE']),
  );
  await goOn();
  await host.end('finishes');
  await goOn();
  await killIfAlive(host);
  await goOn();
  await killIfAlive(host);
  await host.end('fails', { kind: 'exited', code: 1 });
  await goOn();
  await host.advance(60_000);
  await goOn();
  await host.advance(60_000);
  return hasCrashed ? host : undefined;
}

describe('Agent that is killed', () => {
  for (const kept of [0, Number.POSITIVE_INFINITY]) {
    for (const launchDelayMs of [0, 50, 250]) {
      const which = kept === 0 ? 'before' : 'right after';
      it(`loses no task and starts none twice when it dies ${which} any transaction, and launches take ${launchDelayMs} ms`, async () => {
        let crashes = 0;
        for (let crashAt = 2; crashAt < 60; crashAt++) {
          const host = await liveThrough(crashAt, { kept, launchDelayMs });
          if (host === undefined) break;
          crashes++;
          for (const taskId of Object.keys(TRUTH)) checkTask(host, taskId, `${taskId} @${crashAt}`);
          for (const prefix of ['tasks/', 'updates/', 'executors/', 'frameworks/']) {
            expect(host.keys(prefix), `records @${crashAt}`).to.deep.equal([]);
          }
        }
        expect(crashes).to.be.greaterThan(7);
      });
    }
  }
});

function checkTask(host: Host, taskId: string, label: string): void {
  const states = host.states(taskId);
  const terminal = states.filter((state) => !RANK.includes(state));
  const wasLaunched = host.containersOf(taskId).length > 0;
  expect(host.containersOf(taskId).length, label).to.be.at.most(1);
  expect(terminal, label).to.have.length(1);
  expect(states.at(-1), label).to.equal(terminal[0]);
  const ranks = states.slice(0, -1).map((state) => RANK.indexOf(state));
  expect(ranks, label).to.deep.equal(ranks.toSorted((one, other) => one - other));
  if (wasLaunched) expect(TRUTH[taskId], label).to.include(terminal[0]);
  else expect(['TASK_FAILED', 'TASK_LOST', 'TASK_DROPPED'], label).to.include(terminal[0]);
}
