/** The same cases with Podman or Docker of this machine, where one of them works. */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { at } from '../../../core/base/index.js';
import { nameOf } from '../../../core/containers/index.js';
import { dockerCases } from './docker-cases.js';
import { DockerHost, type TestEngine, realEngine } from './docker-support.js';

describe('Containers of a real engine', function () {
  this.timeout(60_000);
  let engine: TestEngine | undefined;

  before(function () {
    const found = realEngine();
    if (typeof found !== 'string') {
      engine = found;
      return;
    }
    process.stderr.write(`      not run, because no engine works here: ${found}\n`);
    this.skip();
  });

  after(() => engine?.dispose());

  function real(): TestEngine {
    if (engine === undefined) throw new Error('there is no engine');
    return engine;
  }

  dockerCases(real);

  describe('and what only those have', () => {
    let host: DockerHost;
    beforeEach(async () => {
      host = new DockerHost(real(), { hasCpuQuota: true });
      await host.containerizer.recover([]);
    });
    afterEach(() => host.dispose());

    it('are held to their memory and processor time', async () => {
      const spec = host.spec('sleep 100');
      await host.launch(spec);
      const line = ['inspect', '--type=container', nameOf(spec.containerId)];
      const text = execFileSync(real().program, line).toString();
      expect(text).to.match(/"Memory": ?67108864/);
      expect(text).to.match(/"CpuQuota": ?20000/);
      expect(text).to.match(/"CpuShares": ?204/);
    });

    it('end when they use more memory than they have', async () => {
      const spec = host.spec('x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done');
      const end = await host.run(spec);
      expect(end).to.include({ kind: 'exited' });
      expect(end).to.not.include({ code: 0 });
    });

    it('have an address of their own on a bridge, with ports of the host that lead to it', async () => {
      const serves = 'mkdir -p /www; echo hello > /www/index.html; httpd -f -p 8080 -h /www';
      const mapping = { host_port: 31_990, container_port: 8080 };
      const spec = host.spec(
        serves.replace('mkdir -p /www', '/bin/busybox mkdir -p /www'),
        { network: 'BRIDGE', port_mappings: [mapping] },
        { ports: [{ begin: 31_990n, end: 31_990n }] },
      );
      const { networkInfos = [] } = await host.launch(spec);
      const address = at(networkInfos, 0).ip_addresses?.[0]?.ip_address ?? '';
      expect(address).to.match(/^\d+\.\d+\.\d+\.\d+$/);
      const outcome = await new Promise((done) => {
        const probe = { type: 'HTTP', scheme: 'http', address, port: 8080, path: '/' } as const;
        const ask = (): unknown =>
          host.containerizer.probe(probe, {
            begun: () => undefined,
            done: (found) => (found.kind === 'failed' ? setTimeout(ask, 20) : done(found)),
          });
        ask();
      });
      expect(outcome).to.deep.equal({ kind: 'answered', status: 200 });
    });

    it('see volumes, and cannot write to read-only ones', async () => {
      const script =
        'echo kept > /data/file; touch /closed/file; test -e /closed/owner && cat /mnt/mesos/sandbox/below/file';
      const volumes = [
        { mode: 'RW', container_path: '/data', host_path: 'below' },
        { mode: 'RO', container_path: '/closed', host_path: `${host.workDir}/docker` },
      ] as const;
      const spec = host.spec(script, {}, { more: { volumes } });
      expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 0 });
      expect(host.text(spec, 'stdout')).to.equal('kept\n');
      expect(host.text(spec, 'stderr')).to.match(/read-only/i);
    });

    it('have a terminal when they ask for one', async () => {
      const spec = host.spec('test -t 0 && echo yes', {}, { more: { tty_info: {} } });
      expect(await host.run(spec)).to.deep.equal({ kind: 'exited', code: 0 });
      expect(host.text(spec, 'stdout')).to.contain('yes');
    });
  });
});
