/** What any engine has to do for tasks, be it that of the tests or one of this machine. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import type {
  ContainerSpec,
  KnownContainer,
  LaunchOutcome,
  ProbeOutcome,
} from '../../../core/agent/index.js';
import type { CommandInfo } from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { nameOf } from '../../../core/containers/index.js';
import { DockerHost, type TestEngine } from './docker-support.js';
import { eventually, gone } from './support.js';

/** Defines the cases; `engine` is asked for when they run. */
export function dockerCases(engine: () => TestEngine): void {
  let host: DockerHost;
  beforeEach(async () => {
    host = new DockerHost(engine());
    await host.containerizer.recover([]);
  });
  afterEach(() => host.dispose());

  it('runs a command in the shell of the image, its output in the sandbox', async () => {
    const spec = host.spec('echo out; echo err >&2; exit 3');
    expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 3 });
    expect(host.text(spec, 'stdout')).to.equal('out\n');
    expect(host.text(spec, 'stderr')).to.equal('err\n');
  });

  it('hands value and arguments over as they are', async () => {
    const command = { shell: false, value: '/bin/echo', arguments: ['a  b', '$HOME', '--rm', ';'] };
    const spec = host.spec(command);
    expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 0 });
    expect(host.text(spec, 'stdout')).to.equal('a  b $HOME --rm ;\n');
  });

  it('shows the task its own environment, secrets included, and nothing of the host', async () => {
    const secret = {
      type: 'VALUE',
      value: { data: Buffer.from('s3cret').toString('base64') },
    } as const;
    const spec = host.spec({
      value: 'env',
      environment: {
        variables: [
          { name: 'PLAIN', value: 'two\nlines' },
          { name: 'HIDDEN', type: 'SECRET', secret },
        ],
      },
    });
    await host.run(spec);
    const text = host.text(spec, 'stdout');
    expect(text).to.contain('MESOS_SANDBOX=/mnt/mesos/sandbox\n');
    expect(text).to.contain(`MESOS_CONTAINER_NAME=${nameOf(spec.containerId)}\n`);
    expect(text).to.contain('PLAIN=two\nlines\n').and.to.contain('HIDDEN=s3cret\n');
    expect(text).to.not.contain('/nowhere');
  });

  it('tells why the engine could not start it, and leaves nothing of it', async () => {
    const spec = host.spec({ shell: false, value: '/bin/no-such-program' });
    const { stage, message } = await host.refused(spec);
    expect(stage).to.equal('command');
    expect(message).to.contain('no-such-program');
    expect(host.names()).to.deep.equal([]);
  });

  it('tells that an image cannot be had', async () => {
    const { stage, message } = await host.refused(
      host.spec('true', { image: 'localhost:1/nosuch:1' }),
    );
    expect(stage).to.equal('fetch');
    expect(message).to.match(/^'docker pull' failed: .*nosuch/s);
    expect(host.names()).to.deep.equal([]);
  });

  it('asks a container to stop, and lets it', async () => {
    const script = "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.1; done";
    const spec = host.spec(script);
    await host.launch(spec);
    await host.written(spec, 'stdout');
    host.containerizer.signal(spec.containerId, 'SIGTERM');
    expect(await host.end(spec.containerId)).to.deep.equal({ kind: 'exited', code: 4 });
    expect(host.text(spec, 'stdout')).to.equal('up\nbye\n');
  });

  it('kills one that does not care', async () => {
    const spec = host.spec("trap '' TERM; echo up; while :; do sleep 0.1; done");
    await host.launch(spec);
    await host.written(spec, 'stdout');
    host.containerizer.signal(spec.containerId, 'SIGTERM');
    host.containerizer.signal(spec.containerId, 'SIGKILL');
    expect(await host.end(spec.containerId)).to.deep.equal({ kind: 'exited', code: 137 });
    expect(host.told).to.deep.equal([spec.containerId]);
  });

  it('tells what the engine says of it, and that it has no network', async () => {
    const spec = host.spec('sleep 100', { network: 'NONE' });
    const { networkInfos, data = '' } = await host.launch(spec);
    expect(networkInfos).to.deep.equal([]);
    expect(Buffer.from(data, 'base64').toString()).to.contain(nameOf(spec.containerId));
    expect((await host.launch(host.spec('sleep 100'))).networkInfos).to.equal(undefined);
  });

  it('goes on after a restart of the agent, and hears of ends meanwhile', async () => {
    const [runs, ends] = [host.spec('echo up; sleep 100'), host.spec('sleep 0.3; exit 6')];
    const known: KnownContainer[] = [];
    for (const spec of [runs, ends]) known.push(knownOf(spec, await host.launch(spec)));
    await host.containerizer.close('leave-running');
    await gone(known[1]?.process?.pid ?? 0);
    const fates = await host.restart(known);
    expect(fates.get(runs.containerId)).to.include({
      kind: 'running',
      pid: known[0]?.process?.pid,
    });
    expect(fates.get(ends.containerId)).to.deep.equal({ kind: 'exited', code: 6 });
    host.containerizer.signal(runs.containerId, 'SIGKILL');
    expect(await host.end(runs.containerId)).to.deep.equal({ kind: 'exited', code: 137 });
  });

  it('ends containers of its own that nobody waits for when it starts', async () => {
    const spec = host.spec('sleep 100');
    await host.launch(spec);
    await host.containerizer.close('leave-running');
    const fates = await host.restart([]);
    expect(fates.size).to.equal(0);
    expect(host.names()).to.deep.equal([]);
  });

  it('ends a container whose client was killed, and says so', async () => {
    const spec = host.spec('sleep 100');
    const { pid } = await host.launch(spec);
    process.kill(-pid, 'SIGKILL');
    const end = await host.end(spec.containerId);
    expect(end).to.deep.equal({
      kind: 'lost',
      message: 'the client of the container engine died by SIGKILL, and the container was ended',
    });
    expect(isRunning(host, spec)).to.equal(false);
  });

  it('runs commands of checks inside', async () => {
    const spec = host.spec('sleep 100');
    await host.launch(spec);
    const probe = (command: CommandInfo): Promise<ProbeOutcome> => probed(host, spec, command);
    await eventually(() => (isRunning(host, spec) ? true : undefined));
    const variables = [{ name: 'WHICH', value: '4' }];
    expect(
      await probe({
        value: 'test "$MESOS_TASK_ID" = task && exit $WHICH',
        environment: { variables },
      }),
    ).to.deep.equal({ kind: 'exited', code: 4 });
    expect(await probe({ shell: false, value: '/bin/true' })).to.deep.equal({
      kind: 'exited',
      code: 0,
    });
  });

  it('runs the command of a session inside, and no other container', async () => {
    const spec = host.spec('sleep 100');
    const { pid, startTime } = await host.launch(spec);
    const inside = (more: Partial<ContainerSpec>): ContainerSpec => ({
      ...host.spec('echo $MESOS_TASK_ID; cat; exit 5'),
      container: undefined,
      sandbox: spec.sandbox,
      environmentFrom: { pid, startTime },
      ...more,
    });
    const session = inside({ hasPipes: true });
    await host.launch(session);
    const pipes = await host.containerizer.pipes(session.containerId);
    let text = '';
    const ended = new Promise<void>((resolve) =>
      pipes.read({
        data: (_stream, bytes) => (text += String.fromCharCode(...bytes)),
        end: resolve,
      }),
    );
    await pipes.write(Buffer.from('typed'));
    pipes.endInput();
    await ended;
    expect(text).to.equal('task\ntyped');
    expect(await host.end(session.containerId)).to.deep.equal({ kind: 'exited', code: 5 });
    const { message } = await host.refused(inside({}));
    expect(message).to.contain('only sessions can be launched');
  });

  it('fetches into the sandbox, and shows it inside', async () => {
    const uris = [{ value: join(host.workDir, 'docker', 'owner') }];
    const value = 'cat /mnt/mesos/sandbox/owner 2>/dev/null || cat owner';
    const spec = host.spec({ value, uris });
    expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 0 });
    expect(host.text(spec, 'stdout')).to.have.length(36);
  });

  it('tells what a container uses, rather than its client', async () => {
    const { pid, startTime } = await host.launch(host.spec('sleep 100; true'));
    const usage = host.containerizer.usage([{ pid, startTime }]).get(pid);
    // An engine that is not on this host, or has no control groups, shows no processes.
    if (usage !== undefined) expect(usage.processes).to.be.within(1, 2);
  });

  it('leaves no container when the agent ends its tasks', async () => {
    const { pid } = await host.launch(host.spec('sleep 100'));
    await host.containerizer.close('end-all');
    await gone(pid);
    expect(host.names()).to.deep.equal([]);
  });
}

function knownOf(spec: ContainerSpec, outcome: LaunchOutcome): KnownContainer {
  const { containerId, container } = spec;
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  const { pid, startTime } = outcome;
  return { containerId, container, process: { pid, startTime } };
}

/** Asks the engine itself. */
export function isRunning(host: DockerHost, { containerId }: ContainerSpec): boolean {
  try {
    const line = ['inspect', '--type=container', nameOf(containerId)];
    const text = execFileSync(host.engine.program, line, { stdio: 'pipe' }).toString();
    return /"Running": ?true/.test(text);
  } catch {
    return false;
  }
}

export function probed(
  host: DockerHost,
  { containerId, sandbox }: ContainerSpec,
  command: CommandInfo,
): Promise<ProbeOutcome> {
  const spec = { type: 'COMMAND', containerId: id<'ContainerId'>(containerId), sandbox } as const;
  return new Promise((done) => {
    const probe = { ...spec, command, user: undefined, logName: 'plateau-check.log' };
    host.containerizer.probe(probe, { begun: () => undefined, done });
  });
}
