import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { KnownContainer } from '../../../core/agent/index.js';
import { type ContainerId, id } from '../../../core/base/index.js';
import { Host, eventually, gone, isRunning } from './support.js';

interface Orphan {
  readonly containerId: ContainerId;
  readonly pid: number;
  readonly startTime: string;
}

const knownOf = (started: Orphan): KnownContainer => ({
  containerId: started.containerId,
  process: { pid: started.pid, startTime: started.startTime },
});

const waitFor = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.01; done`;

describe('Recovery of containers', () => {
  let host: Host;
  let agent: ChildProcess | undefined;
  beforeEach(async () => {
    host = await Host.prepare();
  });
  afterEach(async () => {
    agent?.kill('SIGKILL');
    await host.dispose();
  });

  /** Starts tasks through an agent in a process of its own. */
  async function startAgent(...commands: readonly string[]): Promise<readonly Orphan[]> {
    const program = fileURLToPath(new URL('agent-program.js', import.meta.url));
    agent = spawn(process.execPath, [program, host.workDir, ...commands], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stdout = agent.stdout;
    if (stdout === null) throw new Error('no output');
    const [line] = (await once(stdout, 'data')) as [Buffer];
    return JSON.parse(line.toString('utf8')) as Orphan[];
  }

  async function killAgent(): Promise<void> {
    const ended = agent === undefined ? undefined : once(agent, 'exit');
    agent?.kill('SIGKILL');
    await ended;
  }

  it('finds tasks running on, and truly ended, after the agent was killed', async () => {
    const started = await startAgent('sleep 100', `${waitFor('go')}; exit 9`, 'kill -9 $$');
    const [running, exited, killed] = started;
    if (running === undefined || exited === undefined || killed === undefined) throw new Error();
    const launcher = host.launcherPid();
    await killAgent();
    await writeFile(join(host.sandbox(exited.containerId), 'go'), '');
    await Promise.all([gone(exited.pid), gone(killed.pid)]);
    const fates = await host.restart(started.map(knownOf));
    expect(host.launcherPid()).to.equal(launcher);
    expect(fates.get(running.containerId)).to.include({ kind: 'running', pid: running.pid });
    expect(fates.get(exited.containerId)).to.deep.equal({ kind: 'exited', code: 9 });
    expect(fates.get(killed.containerId)).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
    host.containerizer.signal(running.containerId, 'SIGTERM');
    expect(await host.end(running.containerId)).to.include({ signal: 'SIGTERM' });
    expect(host.told).to.deep.equal([running.containerId]);
  });

  it('tells an end again until it is forgotten', async () => {
    await host.restart([]);
    const started = await host.launch('exit 5');
    await host.end(started.containerId);
    await host.containerizer.close('leave-running');
    const again = await host.restart([knownOf(started)]);
    expect(again.get(started.containerId)).to.deep.equal({ kind: 'exited', code: 5 });
    host.containerizer.forget(started.containerId);
    await host.containerizer.close('leave-running');
    const forgotten = await host.restart([knownOf(started)]);
    expect(forgotten.get(started.containerId)).to.include({ kind: 'lost' });
  });

  it('learns of a launch whose outcome the agent did not live to see', async () => {
    await host.restart([]);
    const started = await host.launch('sleep 100');
    await host.containerizer.close('leave-running');
    const known = [
      { containerId: started.containerId, process: undefined },
      { containerId: id<'ContainerId'>('never'), process: undefined },
    ];
    const fates = await host.restart(known);
    expect(fates.get(started.containerId)).to.include({ kind: 'running', pid: started.pid });
    expect(fates.get(id('never'))).to.include({ kind: 'lost' });
  });

  it('kills containers that the agent does not know, without telling of them', async () => {
    await host.restart([]);
    const stranger = await host.launch('sleep 100');
    const kept = await host.launch('sleep 100');
    await host.containerizer.close('leave-running');
    await host.restart([knownOf(kept)]);
    await gone(stranger.pid);
    expect(isRunning(kept.pid)).to.equal(true);
    expect(host.told).to.deep.equal([]);
  });

  it('kills what a dead launcher left, says that it is lost, and goes on with a new one', async () => {
    await host.restart([]);
    const started = await host.launch('sleep 100 >/dev/null 2>&1 & sleep 100 & wait');
    const launcher = host.launcherPid();
    process.kill(launcher, 'SIGKILL');
    const end = await host.end(started.containerId);
    expect(end).to.deep.equal({ kind: 'lost', message: 'the launcher died' });
    expect(isRunning(started.pid)).to.equal(false);
    expect(await host.output('echo again')).to.equal('again\n');
    expect(host.launcherPid()).not.to.equal(launcher);
    expect(host.told.filter((told) => told === started.containerId)).to.have.length(1);
  });

  it('ends every launch under way when the launcher dies', async () => {
    await host.restart([]);
    const launches = Array.from({ length: 50 }, () =>
      host.containerizer.launch(host.spec({ value: 'sleep 100' })),
    );
    await launches[0];
    process.kill(host.launcherPid(), 'SIGKILL');
    for (const outcome of await Promise.all(launches)) {
      if (outcome.kind === 'failed') expect(outcome.stage).to.equal('launcher');
    }
  });

  it('kills tasks when agent and launcher died together', async () => {
    const [first, second] = await startAgent('sleep 100', 'sleep 100');
    if (first === undefined || second === undefined) throw new Error();
    await killAgent();
    process.kill(host.launcherPid(), 'SIGKILL');
    // The agent remembers the first alone.
    const fates = await host.restart([knownOf(first)]);
    expect(fates.get(first.containerId)).to.include({ kind: 'lost' });
    expect([first.pid, second.pid].filter(isRunning)).to.deep.equal([]);
  });

  it('does not kill a process whose number was reused', async () => {
    const bystander = spawn('sleep', ['100'], { detached: true, stdio: 'ignore' });
    const { pid = 0 } = bystander;
    const known = { containerId: id<'ContainerId'>('old'), process: { pid, startTime: '1' } };
    const fates = await host.restart([known]);
    expect(fates.get(id('old'))).to.include({ kind: 'lost' });
    expect(isRunning(pid)).to.equal(true);
    bystander.kill('SIGKILL');
    await gone(pid);
  });

  it('keeps launcher and tasks when signals stop the group of the agent', async () => {
    await host.restart([]);
    const { pid } = await host.launch('sleep 100');
    const launcher = host.launcherPid();
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.kill(launcher, signal);
    expect(await host.output('echo alive')).to.equal('alive\n');
    expect([pid, launcher].filter(isRunning)).to.have.length(2);
  });

  it('ends launcher and tasks when the work directory is removed', async () => {
    const [task] = await startAgent('sleep 100');
    const launcher = host.launcherPid();
    await killAgent();
    await rm(host.workDir, { recursive: true });
    await gone(launcher);
    await gone(task?.pid ?? 0);
    expect(existsSync(host.workDir)).to.equal(false);
  });

  it('starts a launcher where a dead one left its socket', async () => {
    await host.restart([]);
    const launcher = host.launcherPid();
    await host.containerizer.close('leave-running');
    process.kill(launcher, 'SIGKILL');
    await gone(launcher);
    await host.restart([]);
    expect(await host.output('echo new')).to.equal('new\n');
    await eventually(() => (host.launcherPid() === launcher ? undefined : true));
  });
});
