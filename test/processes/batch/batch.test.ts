import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  type Ended,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
} from '../cli/command.js';

describe('plateau batch', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  const state = `--store=lmdb:${join(folder, 'state')}`;
  let up: Running;
  let scheduler: Running;
  let master = '';
  let admin = '';

  before(async () => {
    up = new Running([
      'up',
      '--agents=1',
      '--port=0',
      '--schedulers=none',
      `--work-dir=${join(folder, 'cluster')}`,
    ]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    await serve();
  });
  after(async () => {
    scheduler.child.kill('SIGTERM');
    await scheduler.ended;
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  async function serve(): Promise<void> {
    const fixed = ['batch', 'serve', '--log-format=json', `--master=${master}`, state];
    scheduler = new Running(fixed);
    admin = (await scheduler.says(/"address":"(http:[^"]+)\/","msg":"the admin/))[1] ?? '';
    await scheduler.says(/"msg":"subscribed"/);
  }

  function batch(...argv: readonly string[]): Promise<Ended> {
    return plateau(['batch', ...argv], { PLATEAU_MASTER: master });
  }

  async function json(...argv: readonly string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await batch(...argv, '--json');
    expect(stdout, stderr).to.not.equal('');
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('runs an array, with its output and the exit code of its result', async () => {
    const command = 'echo out $JOB_COMPLETION_INDEX of $JOB_COUNT; echo err >&2';
    const ended = await batch(
      'run',
      '--name=hello',
      `--command=${command}`,
      '--array=0-2,7',
      '--follow',
    );
    expect(ended.stdout.split('\n').filter(Boolean).toSorted()).to.deep.equal([
      '[0] out 0 of 4',
      '[1] out 1 of 4',
      '[2] out 2 of 4',
      '[7] out 7 of 4',
    ]);
    expect(ended.stderr)
      .to.match(/\[7\] err\n/)
      .and.match(/hello 4\/4/)
      .and.match(/hello SUCCEEDED/);
    expect(ended.code).to.equal(0);
    expect((await batch('logs', 'hello', '7')).stdout).to.equal('out 7 of 4\n');
    expect((await batch('logs', 'hello', '7', '--stderr')).stdout).to.equal('err\n');
    expect((await batch('wait', 'hello')).code).to.equal(0);
  });

  it('ends with the exit code of a single task, 124 after a deadline, 1 when indexes failed', async () => {
    expect((await batch('run', '--command=exit 7')).code).to.equal(7);
    expect((await batch('run', '--command=sleep 100', '--timeout=1')).code).to.equal(124);
    const failed = await batch(
      'run',
      '--name=mixed',
      '--command=[ $JOB_INDEX = 1 ]',
      '--array=0-2',
    );
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.match(/index 0, attempt 1: Command exited with status 1/);
    const view = await json('show', 'mixed');
    expect(view).to.include({ state: 'FAILED', reason: 'FailedIndexes', failed: 2 });
    const list = JSON.parse(
      (await batch('indexes', 'mixed', '--state=FAILED', '--json')).stdout,
    ) as {
      readonly index: number;
      readonly last: { readonly exitCode: number };
    }[];
    expect(list.map(({ index, last }) => [index, last.exitCode])).to.deep.equal([
      [0, 1],
      [2, 1],
    ]);
  });

  it('steers a job that is too big, says why it waits, and ends it', async () => {
    const file = join(folder, 'big.yaml');
    writeFileSync(file, 'name: big\ncompletions: 3\ntemplate: { command: "true", cpus: 5000 }\n');
    expect((await batch('submit', file)).stdout).to.equal('big\n');
    let text = '';
    while (!text.includes('too little of a resource is left')) {
      text = (await batch('show', 'big')).stdout;
    }
    expect(await json('throttle', 'big', '1', '--priority=5')).to.include({ priority: 5 });
    expect(await json('hold', 'big')).to.include({ state: 'HELD' });
    expect(await json('release', 'big')).to.include({ state: 'QUEUED' });
    expect(await json('cancel', 'big', '--indexes=2')).to.include({ cancelled: 1 });
    expect(await json('cancel', 'big')).to.include({ state: 'CANCELLED' });
    expect((await batch('list', '--state=CANCELLED')).stdout).to.match(/^NAME.*\nbig +CANCELLED/);
    expect(await json('rerun', 'big', '--indexes=1')).to.include({ cancelled: 2, state: 'QUEUED' });
    expect((await batch('cancel', 'big')).code).to.equal(0);
    expect((await batch('remove', 'big')).code).to.equal(0);
    expect((await batch('show', 'big')).stderr).to.match(/there is no job 'big'/);
  });

  it('cancels what it runs when it is interrupted', async () => {
    const fixed = ['batch', 'run', '--name=long', '--command=echo begun; sleep 1000', '--follow'];
    const run = new Running(fixed, { PLATEAU_MASTER: master });
    await run.says(/begun/);
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(stderr).to.match(/long CANCELLED/);
    expect(code).to.equal(130);
  });

  it('goes on with a job, and with whoever waits for it, when the scheduler is killed', async () => {
    const fixed = [
      'batch',
      'run',
      '--name=survivor',
      '--command=sleep 0.5',
      '--array=0-19',
      '--parallelism=4',
    ];
    const run = new Running(fixed, { PLATEAU_MASTER: master });
    let active = 0;
    while (active === 0)
      active = Number((await json('show', 'survivor').catch(() => ({ active: 0 })))['active']);
    scheduler.child.kill('SIGKILL');
    await scheduler.ended;
    await serve();
    const { code, stderr } = await run.ended;
    expect(stderr).to.match(/survivor SUCCEEDED/);
    expect(code).to.equal(0);
    expect(await json('show', 'survivor')).to.include({ succeeded: 20, failures: 0, replaced: 0 });
  });

  it('refuses bad documents with lines, and bad requests with paths, and keeps everything as it was', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'name: bad name\ntemplate:\n  command: x\n  cpus: many\ncompletions: 0\n');
    const bad = await batch('submit', file);
    expect(bad.code).to.equal(1);
    expect(bad.stderr)
      .to.match(/bad\.yaml:1:1: name: /)
      .and.match(/bad\.yaml:4:3: template\.cpus: /);
    expect(bad.stderr).to.match(/bad\.yaml:5:1: completions: /);
    const before = (await batch('list', '--json')).stdout;
    const post = (path: string, body?: unknown, method = 'POST'): Promise<Response> =>
      fetch(`${admin}/v1/jobs${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    const answers: readonly (readonly [status: number, path: string, Promise<Response>])[] = [
      [422, 'body.name', post('', { name: 'a b', template: { command: 'x' } })],
      [422, 'body.template.cpus', post('', { name: 'a', template: { command: 'x', cpus: -1 } })],
      [
        422,
        'body.afterOk[0]',
        post('', { name: 'a', template: { command: 'x' }, afterOk: ['nobody'] }),
      ],
      [409, '', post('', { name: 'hello', template: { command: 'x' } })],
      [404, '', post('/nobody/cancel')],
      [422, 'query.indexes', post('/hello/rerun?indexes=5-2')],
      [422, '', post('/hello/rerun?indexes=3')],
      [409, '', post('/hello/cancel')],
      [422, 'body.parallelism', post('/hello', { parallelism: -1 }, 'PATCH')],
      [422, 'query.state', fetch(`${admin}/v1/jobs?state=NONE`)],
      [404, '', fetch(`${admin}/v1/jobs/hello/indexes/5`)],
    ];
    for (const [status, path, answer] of answers) {
      const response = await answer;
      const { error } = (await response.json()) as {
        readonly error: {
          readonly message: string;
          readonly problems?: { readonly path: string }[];
        };
      };
      expect(response.status, error.message).to.equal(status);
      if (path !== '') expect(error.problems?.map((problem) => problem.path)).to.include(path);
    }
    expect((await batch('list', '--json')).stdout).to.equal(before);
    const api = (await (await fetch(`${admin}/openapi.json`)).json()) as { readonly paths: object };
    expect(Object.keys(api.paths)).to.include.members(['/v1/jobs', '/v1/jobs/{name}/rerun']);
  });

  it('says how to go on when no scheduler is there', async () => {
    const ended = await plateau(['batch', 'list', '--batch=http://127.0.0.1:9']);
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.match(/answers? at http:\/\/127\.0\.0\.1:9/);
  });
});
