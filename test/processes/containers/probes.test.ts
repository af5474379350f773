/** Probes of checks against real servers and real commands. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { CommandProbe, ProbeOutcome, ProbeSpec } from '../../../core/agent/index.js';
import type { Disposable } from '../../../core/base/index.js';
import { CHECK_LOG_LIMIT_BYTES, MAX_PROBE_ANSWER_BYTES } from '../../../core/containers/index.js';
import { UNTRUSTED } from './certificate.js';
import { Host, eventually, gone, isRunning } from './support.js';

interface Probe extends Disposable {
  readonly begun: Promise<void>;
  readonly outcome: Promise<ProbeOutcome>;
}

describe('Probes', () => {
  let host: Host;
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    host = await Host.start();
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    sockets.clear();
    servers.clear();
    await host.dispose();
  });

  function probe(spec: ProbeSpec): Probe {
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let running: Disposable | undefined;
    const outcome = new Promise<ProbeOutcome>((resolve) => {
      running = host.containerizer.probe(spec, { begun: () => begin(), done: resolve });
    });
    return { begun, outcome, dispose: () => running?.dispose() };
  }

  async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
    servers.add(server);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(0, address);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const http = (port: number, path = '/'): ProbeSpec => ({
    type: 'HTTP',
    scheme: 'http',
    address: '127.0.0.1',
    port,
    path,
  });

  async function freePort(): Promise<number> {
    const server = createServer();
    const port = await listen(server);
    servers.delete(server);
    server.close();
    await once(server, 'close');
    return port;
  }

  describe('over HTTP', () => {
    async function answering(answer: RequestListener, path?: string): Promise<ProbeOutcome> {
      const port = await listen(createHttpServer(answer));
      return probe(http(port, path)).outcome;
    }

    it('tell the status of the answer', async () => {
      for (const status of [200, 204, 404, 503]) {
        const outcome = await answering((_request, response) => response.writeHead(status).end());
        expect(outcome).to.deep.equal({ kind: 'answered', status });
      }
    });

    it('ask for the page that was named, on a connection of their own', async () => {
      const asked: unknown[] = [];
      const outcome = await answering((request, response) => {
        const { method, url, headers } = request;
        asked.push([method, url, headers.connection, headers.host]);
        response.end('ok');
      }, '/a b?c=ü\r\nx: y');
      expect(outcome).to.include({ status: 200 });
      expect(asked).to.have.length(1);
      const [[method, url, connection, hostName]] = asked as [string[]];
      expect([method, url, connection]).to.deep.equal([
        'GET',
        '/a%20b?c=%C3%BC%0D%0Ax:%20y',
        'close',
      ]);
      expect(hostName).to.match(/^127\.0\.0\.1:\d+$/);
    });

    it('follow no redirect', async () => {
      let asked = 0;
      const outcome = await answering((_request, response) => {
        asked++;
        response.writeHead(302, { location: '/elsewhere' }).end();
      });
      expect(outcome).to.deep.equal({ kind: 'answered', status: 302 });
      expect(asked).to.equal(1);
    });

    it('read no more of an answer than a bound, and let the connection go', async () => {
      let sent = 0;
      let isOpen = true;
      const outcome = await answering((_request, response) => {
        const chunk = Buffer.alloc(16 * 1024);
        const more = (): void => {
          for (let goesOn = isOpen; goesOn; sent += chunk.length) goesOn = response.write(chunk);
        };
        response.on('drain', more);
        response.on('close', () => {
          isOpen = false;
        });
        more();
      });
      expect(outcome).to.deep.equal({ kind: 'answered', status: 200 });
      await eventually(() => (isOpen ? undefined : true));
      expect(sent).to.be.above(MAX_PROBE_ANSWER_BYTES - 1);
    });

    it('fail when the answer breaks off, is no HTTP, or has endless headers', async () => {
      const broken = await answering((_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setImmediate(() => response.destroy());
      });
      expect(broken).to.have.property('kind', 'failed');
      for (const text of [
        'hello\r\n\r\n',
        `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      ]) {
        const port = await listen(createServer((socket) => void socket.end(text)));
        expect(await probe(http(port)).outcome, text.slice(0, 20)).to.have.property(
          'kind',
          'failed',
        );
      }
    });

    it('fail where nobody listens, and on a port that is none', async () => {
      expect(await probe(http(await freePort())).outcome).to.have.property('kind', 'failed');
      expect(await probe(http(70_000)).outcome).to.have.property('kind', 'failed');
    });

    it('trust any certificate', async () => {
      const server = createHttpsServer(UNTRUSTED, (_request, response) => response.end('ok'));
      const port = await listen(server);
      const outcome = await probe({ ...http(port), scheme: 'https' } as ProbeSpec).outcome;
      expect(outcome).to.deep.equal({ kind: 'answered', status: 200 });
      expect(await probe(http(port)).outcome).to.have.property('kind', 'failed');
    });

    it('reach servers on IPv6, on a host that has it', async () => {
      const server = createHttpServer((_request, response) => response.end('ok'));
      const port = await listen(server, '::1').catch(() => undefined);
      const outcome = await probe({ ...http(port ?? 1), address: '::1' } as ProbeSpec).outcome;
      if (port === undefined) expect(outcome).to.have.property('kind', 'failed');
      else expect(outcome).to.deep.equal({ kind: 'answered', status: 200 });
    });

    it('let go of a server that is silent when they are given up', async () => {
      const port = await listen(createServer());
      const silent = probe(http(port));
      await eventually(() => (sockets.size > 0 ? true : undefined));
      silent.dispose();
      for (const socket of sockets) socket.resume();
      await eventually(() => (sockets.size === 0 ? true : undefined));
    });
  });

  describe('over TCP', () => {
    const tcp = (port: number): ProbeSpec => ({ type: 'TCP', address: '127.0.0.1', port });

    it('tell whether somebody listens', async () => {
      let accepted = 0;
      const port = await listen(createServer(() => accepted++));
      expect(await probe(tcp(port)).outcome).to.deep.equal({ kind: 'connected' });
      await eventually(() => (accepted === 1 ? true : undefined));
      expect(await probe(tcp(await freePort())).outcome).to.have.property('kind', 'failed');
      expect(await probe(tcp(70_000)).outcome).to.have.property('kind', 'failed');
    });
  });

  describe('that are commands', () => {
    let sandbox: string;
    beforeEach(async () => {
      sandbox = join(host.workDir, 'sandbox');
      await mkdir(sandbox);
    });

    const command = (value: string, more: Partial<CommandProbe> = {}): ProbeSpec => ({
      type: 'COMMAND',
      sandbox,
      command: { value },
      user: undefined,
      logName: 'plateau-check.log',
      ...more,
    });
    const logged = (): string => readFileSync(join(sandbox, 'plateau-check.log'), 'utf8');
    const pidIn = (name: string): number | undefined => {
      const path = join(sandbox, name);
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      return text.endsWith('\n') ? Number(text) : undefined;
    };

    it('tell the exit status, or the signal', async () => {
      expect(await probe(command('exit 0')).outcome).to.deep.equal({ kind: 'exited', code: 0 });
      expect(await probe(command('exit 7')).outcome).to.deep.equal({ kind: 'exited', code: 7 });
      const killed = await probe(command('kill -9 $$')).outcome;
      expect(killed).to.deep.equal({ kind: 'failed', message: 'the command died by SIGKILL' });
    });

    it('run in the sandbox, with their environment alone, and add to a log of their own', async () => {
      const variables = [{ name: 'MINE', value: 'yes' }];
      const looks = command('', {
        command: { value: 'pwd; echo "to stderr" >&2; env | sort', environment: { variables } },
      });
      await probe(looks).outcome;
      await probe(command('echo second')).outcome;
      const lines = logged().trim().split('\n');
      expect(lines.slice(0, 2)).to.deep.equal([sandbox, 'to stderr']);
      expect(lines.at(-1)).to.equal('second');
      const names = lines.slice(2, -1).map((line) => line.split('=')[0]);
      expect(names).to.include.members(['MINE', 'PATH']);
      expect(new Set([...names, 'PWD', 'OLDPWD', 'SHLVL', '_']).size).to.equal(6);
      expect(readdirSync(sandbox)).to.deep.equal(['plateau-check.log']);
    });

    it('keep their log within its bound', async () => {
      await probe(command('head -c 1000000 /dev/zero; echo end')).outcome;
      expect(statSync(join(sandbox, 'plateau-check.log')).size).to.be.at.most(
        CHECK_LOG_LIMIT_BYTES,
      );
      expect(logged().endsWith('end\n')).to.equal(true);
    });

    it('fail when there is no such program, or something is in the place of the log', async () => {
      const absent = await probe(
        command('', { command: { shell: false, value: 'no-such-program' } }),
      ).outcome;
      expect(absent).to.have.property('kind', 'failed');
      await mkdir(join(sandbox, 'plateau-check.log'));
      expect(await probe(command('exit 0')).outcome).to.have.property('kind', 'failed');
    });

    it('are killed with all that they started when they are given up', async () => {
      const slow = probe(command('sleep 1000 & echo $! > child; echo $$ > own; wait'));
      await slow.begun;
      const child = await eventually(() => pidIn('child'));
      const own = await eventually(() => pidIn('own'));
      slow.dispose();
      await Promise.all([gone(child), gone(own)]);
    });

    it('leave nothing of those that are given up before they start', async () => {
      const many = Array.from({ length: 30 }, (_, index) => probe(command(`echo ${index}`)));
      for (const one of many) one.dispose();
      expect(await probe(command('exit 3')).outcome).to.deep.equal({ kind: 'exited', code: 3 });
    });

    it('run many at once', async () => {
      const many = Array.from({ length: 60 }, (_, index) => probe(command(`exit ${index}`)));
      const outcomes = await Promise.all(many.map(({ outcome }) => outcome));
      const codes = outcomes.map((outcome) => (outcome.kind === 'exited' ? outcome.code : -1));
      expect(codes).to.deep.equal(many.map((_, index) => index));
    });

    it('say nothing about the task when the launcher dies, and begin again afterwards', async () => {
      const slow = probe(command('echo $$ > own; exec sleep 1000'));
      const own = await eventually(() => pidIn('own'));
      process.kill(host.launcherPid(), 'SIGKILL');
      expect(await slow.outcome).to.deep.equal({ kind: 'unknown', message: 'the launcher died' });
      await gone(own);
      expect(await probe(command('exit 4')).outcome).to.deep.equal({ kind: 'exited', code: 4 });
    });

    it('do not outlive an agent that leaves', async () => {
      probe(command('echo $$ > own; exec sleep 1000'));
      const own = await eventually(() => pidIn('own'));
      await host.containerizer.close('leave-running');
      await gone(own);
      await host.restart([]);
      expect(await probe(command('exit 0')).outcome).to.deep.equal({ kind: 'exited', code: 0 });
    });

    it('do not outlive an agent that is killed', async () => {
      await host.containerizer.close('end-all');
      const program = fileURLToPath(new URL('probe-program.js', import.meta.url));
      const agent: ChildProcess = spawn(process.execPath, [program, host.workDir, sandbox], {
        stdio: 'ignore',
      });
      try {
        const own = await eventually(() => pidIn('own'));
        expect(isRunning(own)).to.equal(true);
        agent.kill('SIGKILL');
        await gone(own);
      } finally {
        agent.kill('SIGKILL');
      }
      await host.restart([]);
    });
  });
});
