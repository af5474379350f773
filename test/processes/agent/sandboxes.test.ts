/** What comes into the sandboxes of an agent, who may look at them, and when they go. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CommandInfoURI } from '../../../core/api/index.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually } from './scheduler.js';

describe('An agent that fetches URIs', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let files: string;
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/missing') === true) response.writeHead(404).end('no such thing');
    else response.end('#!/bin/sh\necho from the web\n');
  });
  let web = '';

  before(async () => {
    cluster = await TestCluster.start();
    files = join(cluster.folder, 'files');
    mkdirSync(files);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    server.closeAllConnections();
    server.close();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function makeFile(name: string, text: string): string {
    writeFileSync(join(files, name), text);
    return join(files, name);
  }

  async function fetches(
    uris: readonly CommandInfoURI[],
    value: string,
  ): Promise<{ readonly scheduler: TestScheduler; readonly sandbox: () => SandboxReader }> {
    const scheduler = await cluster.scheduler();
    await scheduler.run('fetches', { value, uris });
    return { scheduler, sandbox: () => SandboxReader.of(cluster, scheduler, 'fetches') };
  }

  async function refusalOf(uri: CommandInfoURI): Promise<string> {
    const { scheduler, sandbox } = await fetches([uri], 'touch started');
    const status = await scheduler.until('fetches', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
    expect(scheduler.states('fetches')).to.not.include('TASK_RUNNING');
    expect(sandbox().exists('started')).to.equal(false);
    return status.message ?? '';
  }

  it('brings files from the host and from the web, executable where that is asked for', async () => {
    const plain = makeFile('plain.txt', 'from the host');
    chmodSync(makeFile('tool', '#!/bin/sh\necho a tool\n'), 0o644);
    const { scheduler, sandbox } = await fetches(
      [
        { value: plain },
        { value: `file://${join(files, 'tool')}`, executable: true },
        { value: `${web}/path/script?version=1`, executable: true },
        { value: `${web}/data`, output_file: 'below/renamed' },
      ],
      './tool; ./script; cat plain.txt below/renamed; test ! -x plain.txt',
    );
    await scheduler.until('fetches', 'TASK_FINISHED');
    expect(sandbox().text('stdout')).to.equal(
      'a tool\nfrom the web\nfrom the host#!/bin/sh\necho from the web\n',
    );
  });

  it('unpacks archives, unless it is not to', async () => {
    const source = join(files, 'source');
    mkdirSync(join(source, 'inner'), { recursive: true });
    writeFileSync(join(source, 'inner', 'file'), 'unpacked');
    const archive = join(files, 'some.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', source, 'inner']);
    const uris = [{ value: archive }, { value: archive, extract: false, output_file: 'kept.tgz' }];
    const { scheduler, sandbox } = await fetches(uris, 'cat inner/file; tar -tzf kept.tgz');
    await scheduler.until('fetches', 'TASK_FINISHED');
    expect(sandbox().text('stdout')).to.equal('unpackedinner/\ninner/file\n');
  });

  it('refuses an archive that would write outside of the sandbox, naming its entry', async () => {
    makeFile('outside', 'planted');
    const archive = join(files, 'evil.tar.gz');
    const rename = 's,^,../../,';
    execFileSync('tar', ['-czPf', archive, '--transform', rename, '-C', files, 'outside']);
    const message = await refusalOf({ value: archive });
    expect(message).to.include("'../../outside'").and.include(archive);
    const planted = execFileSync('find', [cluster.workDir, '-name', 'outside']);
    expect(planted.toString()).to.equal('');
  });

  it('fails a task whose URI is not found, or leads nowhere', async () => {
    expect(await refusalOf({ value: `${web}/missing` }))
      .to.include('/missing')
      .and.include('404');
    await cluster.endSchedulers();
    const absent = join(files, 'absent');
    expect(await refusalOf({ value: absent })).to.include(absent);
    await cluster.endSchedulers();
    expect(await refusalOf({ value: 'ftp://127.0.0.1/x' })).to.include('ftp');
  });
});

describe('The files pages of an agent', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let sandbox: SandboxReader;

  before(async () => {
    cluster = await TestCluster.start();
    const scheduler = await cluster.scheduler();
    const value =
      'mkdir sub; printf 0123456789 > sub/digits; ln -s /etc/passwd secret; ln -s / root; ' +
      'ln -s sub/digits near; mkfifo pipe; echo out';
    await scheduler.run('writes', value);
    await scheduler.until('writes', 'TASK_FINISHED');
    sandbox = SandboxReader.of(cluster, scheduler, 'writes');
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function page(name: string, query: Readonly<Record<string, string>>): Promise<Answer> {
    const url = `${cluster.agent.url}/files/${name}?${new URLSearchParams(query).toString()}`;
    const response = await fetch(url);
    return { status: response.status, text: await response.text() };
  }

  interface Answer {
    readonly status: number;
    readonly text: string;
  }

  it('list a sandbox', async () => {
    const { status, text } = await page('browse', { path: sandbox.path });
    expect(status).to.equal(200);
    const entries = JSON.parse(text) as readonly Record<string, unknown>[];
    expect(entries.map(({ path }) => path)).to.deep.equal(
      ['near', 'pipe', 'root', 'secret', 'stderr', 'stdout', 'sub'].map(
        (name) => `${sandbox.path}/${name}`,
      ),
    );
    const stdout = entries.find(({ path }) => path === `${sandbox.path}/stdout`);
    expect(stdout).to.have.all.keys(['gid', 'mode', 'mtime', 'nlink', 'path', 'size', 'uid']);
    expect(stdout).to.deep.include({ mode: '-rw-r--r--', nlink: 1, size: 4 });
  });

  it('read part of a file, or tell its size', async () => {
    const path = `${sandbox.path}/sub/digits`;
    const part = await page('read', { path, offset: '3', length: '4' });
    expect(JSON.parse(part.text)).to.deep.equal({ data: '3456', offset: 3 });
    const size = await page('read', { path, offset: '-1' });
    expect(JSON.parse(size.text)).to.deep.equal({ data: '', offset: 10 });
    const beyond = await page('read', { path, offset: '20' });
    expect(JSON.parse(beyond.text)).to.deep.include({ data: '' });
  });

  it('download a file', async () => {
    const query = new URLSearchParams({ path: `${sandbox.path}/sub/digits` }).toString();
    const response = await fetch(`${cluster.agent.url}/files/download?${query}`);
    expect(await response.text()).to.equal('0123456789');
    expect(response.headers.get('content-disposition')).to.include('digits');
  });

  it('find the sandbox under the name of its latest run', async () => {
    const latest = sandbox.path.replace(/[^/]+$/, 'latest');
    const { text } = await page('read', { path: `${latest}/stdout`, offset: '0' });
    expect(JSON.parse(text)).to.deep.equal({ data: 'out\n', offset: 0 });
  });

  const names = ['browse', 'read', 'download'] as const;
  const outside: readonly (readonly [string, (path: string) => string])[] = [
    ['a path with ..', (path) => `${path}/../../../../../../../../meta`],
    ['a link to a file outside', (path) => `${path}/secret`],
    ['a link to a folder outside', (path) => `${path}/root/etc/passwd`],
    ['a link inside', (path) => `${path}/near`],
    ['a pipe', (path) => `${path}/pipe`],
    ['a file of the host', () => '/etc/passwd'],
    ['the checkpoint of the agent', (path) => path.replace(/\/slaves\/.*$/, '/meta')],
  ];
  for (const [what, pathOf] of outside) {
    it(`refuse ${what}, and say so`, async () => {
      for (const name of names) {
        const answer = await page(name, { path: pathOf(sandbox.path), offset: '0' });
        expect(answer.status, `${name}: ${answer.text}`).to.be.within(400, 404);
        expect(answer.text, name).to.match(/\S+ \S+/);
        expect(answer.text).to.not.include('root:');
      }
    });
  }
});

describe('An agent that removes old sandboxes', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({
      agentFlags: ['--gc_delay=1secs', '--disk_watch_interval=200ms', '--gc_disk_headroom=0'],
    });
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  afterEach(() => cluster.endSchedulers());

  it('removes those of ended tasks with the folders above, and none of a running task', async () => {
    const scheduler = await cluster.scheduler();
    await scheduler.run('runs', 'echo alive; while :; do sleep 0.05; done');
    await scheduler.until('runs', 'TASK_RUNNING');
    const kept = SandboxReader.of(cluster, scheduler, 'runs');
    await scheduler.run('ended', 'true');
    await scheduler.until('ended', 'TASK_FINISHED');
    const removed = SandboxReader.of(cluster, scheduler, 'ended');
    const executors = removed.path.replace(/\/ended\/runs\/.*$/, '');
    expect(removed.exists('stdout')).to.equal(true);
    await eventually('the sandbox is gone', () => !existsSync(join(executors, 'ended')));
    // The running task is older than the one whose sandbox is gone.
    expect(kept.text('stdout')).to.equal('alive\n');
    await scheduler.kill('runs');
    await scheduler.until('runs', 'TASK_KILLED');
    await eventually('nothing of the framework is left', () => !existsSync(executors));
  });

  it('counts the age of a sandbox from its end, over a restart of the agent', async () => {
    const scheduler = await cluster.scheduler();
    await scheduler.run('before', 'true');
    await scheduler.until('before', 'TASK_FINISHED');
    const sandbox = SandboxReader.of(cluster, scheduler, 'before');
    await cluster.restartAgent();
    await eventually('the sandbox is gone', () => !existsSync(sandbox.path));
  });
});
