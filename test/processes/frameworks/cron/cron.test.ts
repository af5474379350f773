import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../../checks/reference.js';
import { type Ended, Running, makeFolder, plateau, removeFolder } from '../../cli/command.js';

/** The example of the guide. */
const [, DOCUMENT = ''] =
  /```yaml\n([\s\S]*?)```/.exec(readFileSync(repositoryFile('docs/cron.md'), 'utf8')) ?? [];

describe('plateau cron', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  const file = join(folder, 'jobs.yaml');
  let up: Running;
  let serve: Running;
  let environment: Readonly<Record<string, string>> = {};

  before(async () => {
    writeFileSync(file, DOCUMENT);
    up = new Running([
      'up',
      '--agents=1',
      '--port=0',
      '--schedulers=none',
      `--work-dir=${join(folder, 'cluster')}`,
    ]);
    const master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    environment = { PLATEAU_MASTER: master };
    serve = new Running(
      ['cron', 'serve', '--log-format=json', `--store=lmdb:${join(folder, 'state')}`],
      environment,
    );
    await serve.says(/"msg":"the framework is subscribed|subscribed/);
  });

  after(async () => {
    for (const each of [serve, up]) {
      each.child.kill('SIGTERM');
      await each.ended;
    }
    removeFolder(folder);
  });

  function cron(...argv: readonly string[]): Promise<Ended> {
    return plateau(['cron', ...argv], environment);
  }

  async function json<T>(...argv: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await cron(...argv, '--json');
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  it('applies documents, and says what has changed', async () => {
    const first = await cron('apply', file);
    expect(first.stdout, first.stderr).to.equal('report.nightly created\neach.second created\n');
    expect((await cron('apply', file)).stdout).to.equal(
      'report.nightly unchanged\neach.second unchanged\n',
    );
    const crossed = await cron('apply', file, '--revision=7');
    expect([crossed.code, crossed.stderr]).to.deep.equal([
      2,
      `plateau: --revision is of one job, and ${file} holds 2 [INVALID_FLAG]\n`,
    ]);
  });

  it('tells everything that is wrong with a document, and where', async () => {
    const bad = join(folder, 'bad.yaml');
    writeFileSync(
      bad,
      "id: X\nschedules:\n  - cron: '0 0 31 2 *'\nrun:\n  template: { cpus: 1 }\n",
    );
    const { code, stderr } = await cron('apply', bad);
    expect(code).to.equal(1);
    expect(stderr).to.include(`${bad}:1:1: id: must be segments`);
    expect(stderr).to.include(`${bad}:3:5: schedules[0].cron: '0 0 31 2 *' is never due`);
    expect(stderr).to.include('template');
  });

  it('runs a job now, with what the request changes, and waits for it', async () => {
    const good = await cron('run', 'report.nightly', '--env', 'LEVEL=2', '--wait');
    expect([good.code, good.stderr])
      .to.deep.include(0)
      .and.satisfy(([, text]: [number, string]) => /has succeeded/.test(text));
    const bad = await cron('run', 'report.nightly', '--wait');
    expect(bad.code).to.equal(1);
    expect(bad.stderr).to.match(/has failed: JobFailed/);
    const runs = await json<readonly { readonly state: string }[]>('history', 'report.nightly');
    expect(runs.map(({ state }) => state)).to.deep.equal(['failed', 'succeeded']);
  });

  it('runs what is due, as often as it is to be', async () => {
    for (;;) {
      const { state, succeeded } = await json<{
        readonly state: string;
        readonly succeeded: number;
      }>('show', 'each.second');
      if (state === 'done' && succeeded === 2) break;
    }
    const { stdout } = await cron('list', '--prefix=each');
    expect(stdout).to.match(/^JOB +STATE/);
    expect(stdout).to.match(/^each\.second +done /m);
  });

  it('shows due times, suspends, resumes and deletes', async () => {
    const next = await json<readonly { readonly timezone: string }[]>(
      'next',
      'report.nightly',
      '-n',
      '3',
    );
    expect(next.map(({ timezone }) => timezone)).to.deep.equal(Array(3).fill('Europe/Rome'));
    expect((await cron('suspend', 'report.nightly')).stderr).to.equal(
      'report.nightly is suspended\n',
    );
    expect((await cron('resume', 'report.nightly')).stderr).to.equal(
      'report.nightly is scheduled\n',
    );
    expect((await cron('delete', 'report.nightly')).code).to.equal(0);
    const gone = await cron('show', 'report.nightly');
    expect([gone.code, gone.stderr]).to.deep.equal([
      1,
      "plateau: there is no job 'report.nightly' [NOT_FOUND]\n",
    ]);
  });
});
