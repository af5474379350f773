/** Containers of type DOCKER with the engine of the tests: what any engine does, and what it fails to do. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { nameOf } from '../../../core/containers/index.js';
import { dockerCases, isRunning, probed } from './docker-cases.js';
import { DockerHost, StandIn } from './docker-support.js';
import { Host, eventually } from './support.js';

describe('Containers of type DOCKER', function () {
  this.timeout(30_000);
  let engine: StandIn;
  before(() => (engine = new StandIn()));
  after(() => engine.dispose());

  dockerCases(() => engine);

  describe('beside plain processes', () => {
    it('are refused by an agent without an engine, which says what is missing', async () => {
      const host = await Host.start();
      const container = { type: 'DOCKER', docker: { image: 'x' } } as const;
      const { stage, message } = await host.refused({ value: 'true' }, { container });
      expect(stage).to.equal('command');
      expect(message).to.contain('--containerizers=mesos,docker');
      await host.dispose();
    });

    it('leave those to the launcher', async () => {
      const host = new DockerHost(engine);
      await host.containerizer.recover([]);
      const spec = { ...host.spec('echo $0 > plain; exit 2'), container: undefined };
      expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 2 });
      expect(engine.calls('run').flat()).to.not.include(`--name=${nameOf(spec.containerId)}`);
      await host.dispose();
    });
  });

  describe('of an engine with troubles', () => {
    let host: DockerHost;
    beforeEach(async () => {
      host = new DockerHost(engine, { timeoutMs: 500 });
      await host.containerizer.recover([]);
    });
    afterEach(async () => {
      engine.misbehave('hang');
      engine.misbehave('fail');
      await host.dispose();
    });

    it('fail with its complaint', async () => {
      engine.misbehave('fail', 'run');
      const { message } = await host.refused(host.spec('true'));
      expect(message).to.equal(
        'the container engine could not start it: docker: Error response from daemon: no space left on device.',
      );
      expect(host.names()).to.deep.equal([]);
    });

    it('fail in time when it does not answer about an image', async () => {
      engine.misbehave('hang', 'image');
      const { stage, message } = await host.refused(host.spec('true'));
      expect(stage).to.equal('fetch');
      expect(message).to.contain('did not answer within 1 s');
    });

    it('can be killed while an image is being pulled', async () => {
      engine.misbehave('hang', 'pull');
      const spec = host.spec('true', { image: 'large:1' });
      const launch = host.containerizer.launch(spec);
      await eventually(
        () => host.containerizer.pending()[0]?.operation === 'docker::pull' || undefined,
      );
      host.containerizer.signal(spec.containerId, 'SIGTERM');
      expect(await launch).to.deep.include({ kind: 'failed' });
      expect(engine.calls('run').flat()).to.not.include(`--name=${nameOf(spec.containerId)}`);
    });

    it('are killed by other means when it does not', async () => {
      const spec = host.spec('sleep 100');
      await host.launch(spec);
      engine.misbehave('fail', 'kill');
      host.containerizer.signal(spec.containerId, 'SIGKILL');
      // Control groups tell real containers from others; the client is what is left to end.
      expect((await host.end(spec.containerId)).kind).to.equal('lost');
      expect(isRunning(host, spec)).to.equal(false);
      expect(host.complaints.join()).to.contain('a container was not killed; trying again');
    });

    it('are recovered when it does not answer, and their orphans ended later', async () => {
      const spec = host.spec('sleep 100');
      const { pid, startTime } = await host.launch(spec);
      const { containerId, container } = spec;
      await host.containerizer.close('leave-running');
      engine.misbehave('hang', 'ps');
      const process = { pid, startTime };
      const fates = await host.restart([{ containerId, container, process }]);
      expect(fates.get(containerId)).to.deep.equal({ kind: 'running', pid, startTime });
      expect(host.complaints.join()).to.contain('the container engine does not answer');
      engine.misbehave('hang');
      host.containerizer.signal(containerId, 'SIGKILL');
      expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 137 });
    });

    it('fail when there is none, saying how to name one', async () => {
      await host.containerizer.close('end-all');
      await host.restart([], { program: 'no-such-engine' });
      const { message } = await host.refused(host.spec('true'));
      expect(message).to.contain("'no-such-engine', is not an executable file");
      expect(message).to.contain('--docker');
    });
  });

  describe('and what the engine is asked for', () => {
    let host: DockerHost;
    beforeEach(async () => {
      host = new DockerHost(engine);
      await host.containerizer.recover([]);
    });
    afterEach(() => host.dispose());

    it('tells an end by memory from others', async () => {
      const end = await host.run(host.spec('exit 137', { image: 'oom:1' }));
      expect(end).to.deep.equal({ kind: 'exited', code: 137, isOutOfMemory: true });
      const good = await host.run(host.spec('exit 0', { image: 'oom:1' }));
      expect(good).to.deep.equal({ kind: 'exited', code: 0 });
    });

    it('pulls an image that is missing, and always when it is told to', async () => {
      const image = `app:${process.pid}-${Date.now()}`;
      const pulls = (): number => engine.calls('pull').filter(([, name]) => name === image).length;
      for (const [force_pull_image, count] of [
        [false, 1],
        [false, 1],
        [true, 2],
      ] as const) {
        await host.run(host.spec('true', { image, force_pull_image }));
        expect(pulls()).to.equal(count);
      }
    });

    it('sends the signal by which an image wants to be stopped', async () => {
      const parameters = [{ key: 'stop-signal', value: 'SIGUSR1' }];
      const script = "trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done";
      const spec = host.spec(script, { parameters });
      await host.launch(spec);
      await host.written(spec, 'stdout');
      host.containerizer.signal(spec.containerId, 'SIGTERM');
      expect(await host.end(spec.containerId)).to.deep.equal({ kind: 'exited', code: 9 });
    });

    it('has a secret in no command line, and in no file once the container runs', async () => {
      const data = Buffer.from('s3cret').toString('base64');
      const secret = { type: 'VALUE', value: { data } } as const;
      const variables = [{ name: 'HIDDEN', type: 'SECRET', secret }] as const;
      const spec = host.spec({ value: 'echo $HIDDEN', environment: { variables } });
      await host.run(spec);
      expect(host.text(spec, 'stdout')).to.equal('s3cret\n');
      expect(JSON.stringify(engine.calls('run'))).to.not.contain('s3cret');
      expect(readdirSync(join(host.workDir, 'docker', 'secrets'))).to.deep.equal([]);
    });

    it('removes ended containers when their time has come, also after a restart', async () => {
      await host.run(host.spec('true'));
      expect(host.names()).to.have.length(1);
      await host.containerizer.close('leave-running');
      await host.restart([], { removeDelayMs: 0 });
      await eventually(() => (host.names().length === 0 ? true : undefined));
      await host.run(host.spec('true'));
      await eventually(() => (host.names().length === 0 ? true : undefined));
    });

    it('leaves orphans alone where it is told to', async () => {
      const spec = host.spec('sleep 100');
      await host.launch(spec);
      await host.containerizer.close('leave-running');
      await host.restart([], { killsOrphans: false });
      expect(host.names()).to.deep.equal([nameOf(spec.containerId)]);
    });

    it('leaves containers of another agent alone', async () => {
      const other = new DockerHost(engine);
      await other.containerizer.recover([]);
      const spec = other.spec('sleep 100');
      await other.launch(spec);
      await host.containerizer.close('leave-running');
      await host.restart([]);
      expect(isRunning(other, spec)).to.equal(true);
      await other.dispose();
    });

    it('gives the credentials to its clients alone, in a folder that is closed', async () => {
      await host.containerizer.close('end-all');
      await host.restart([], { config: '{"auths":{"x":{"auth":"abc"}}}' });
      const spec = host.spec('echo "[$DOCKER_CONFIG]"');
      await host.run(spec);
      expect(host.text(spec, 'stdout')).to.equal('[]\n');
      expect(readdirSync(join(host.workDir, 'docker', 'config'))).to.deep.equal(['config.json']);
    });

    it('cannot run a check in a container that has ended', async () => {
      const spec = host.spec('sleep 100');
      await host.launch(spec);
      const outcome = await probed(host, spec, { value: '' });
      expect(outcome).to.deep.equal({
        kind: 'failed',
        message: 'the command has no value to execute',
      });
    });
  });
});
