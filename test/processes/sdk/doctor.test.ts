import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  type Ended,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from '../cli/command.js';

const MODULE = fileURLToPath(new URL('./counter-framework.js', import.meta.url));
const FAILING = fileURLToPath(new URL('./failing-frameworks.js', import.meta.url));

describe('plateau framework doctor', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  const store = `lmdb:${join(folder, 'state')}`;
  let up: Running;
  let run: Running;
  let master = '';
  let admin = '';

  before(async () => {
    const argv = ['up', '--agents=1', '--port=0', '--schedulers=none'];
    up = new Running([...argv, `--work-dir=${join(folder, 'cluster')}`]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    await start();
  });
  after(async () => {
    run.child.kill('SIGKILL');
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  async function start(): Promise<void> {
    run = new Running([
      'framework',
      'run',
      MODULE,
      `--master=${master}`,
      `--store=${store}`,
      '--log-format=json',
    ]);
    admin = (await run.says(/"address":"(http:[^"]+)\/","msg":"the admin/))[1] ?? '';
    await until(async () => (await fetch(`${admin}/health`)).status === 200);
  }

  function doctor(...argv: readonly string[]): Promise<Ended> {
    return plateau(['framework', 'doctor', ...argv], { PLATEAU_MASTER: master });
  }

  async function ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>> {
    const response = await fetch(`${admin}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  it('finds nothing wrong with one that has all it wants', async () => {
    await until(async () => ((await ask('GET', '/v1/state'))['wants'] as unknown[]).length === 0);
    const { code, stdout } = await doctor(MODULE, `--store=${store}`);
    expect(stdout).to.match(
      /^framework sleepers \(\S+-0000\): nothing is wrong\n\nnote: The framework wants nothing/,
    );
    expect(code).to.equal(0);
  });

  it('tells a name that is near, and takes none when there is only one', async () => {
    const typo = await doctor('sleeprs');
    expect(typo.stdout).to.include("problem: The master does not know a framework 'sleeprs'.");
    expect(typo.stdout).to.include('→ Is sleepers meant?');
    expect(typo.code).to.equal(1);
    expect((await doctor()).stdout).to.match(/^framework sleepers/);
  });

  it('tells of a pause, also for programs', async () => {
    await ask('POST', '/v1/pause');
    const { code, stdout } = await doctor('sleepers', '--json');
    await ask('POST', '/v1/resume');
    const { name, findings } = JSON.parse(stdout) as { name: string; findings: readonly object[] };
    expect(name).to.equal('sleepers');
    expect(findings).to.have.length(1);
    expect(findings[0]).to.deep.equal({
      severity: 'problem',
      what: 'The framework is paused: it wants no offers, and starts nothing.',
      remedy: `End the pause: curl -X POST ${admin}/v1/resume`,
    });
    expect(code).to.equal(1);
  });

  it('tells why nothing is offered: the agents are drained', async () => {
    const { stdout: listed } = await plateau(['agents', '--json'], { PLATEAU_MASTER: master });
    const [agent] = JSON.parse(listed) as readonly { readonly id: string }[];
    await plateau(['agents', 'deactivate', agent?.id ?? ''], { PLATEAU_MASTER: master });
    await ask('PUT', '/v1/size', { count: 2 });
    await until(async () => ((await ask('GET', '/v1/state'))['wants'] as unknown[]).length > 0);
    const { code, stdout } = await doctor('sleepers');
    await plateau(['agents', 'reactivate', agent?.id ?? ''], { PLATEAU_MASTER: master });
    expect(stdout).to.include('problem: None of the 1 agent is active (1 drained or deactivated)');
    expect(stdout).to.match(/problem: Role \S+: 1 agent not offered.*\[AGENT_INACTIVE\]/);
    expect(code).to.equal(1);
  });

  it('tells that it is away, since when, and that the copy that used the state is gone', async () => {
    run.child.kill('SIGKILL');
    const { pid } = run.child;
    await run.ended;
    await until(async () =>
      (await doctor('sleepers')).stdout.includes('has not been connected for'),
    );
    const { code, stdout } = await doctor('sleepers', `--store=${store}`);
    expect(stdout).to.match(/it is removed, with its tasks, in 6d 23h/);
    expect(stdout).to.include(`is gone without a word: framework 'sleepers', pid ${pid} on`);
    expect(code).to.equal(1);
    await start();
  });

  it('tells that it was removed, and what would start it anew', async () => {
    const { frameworkId } = await ask('GET', '/v1/state');
    await fetch(`${master}/master/teardown`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `frameworkId=${String(frameworkId)}`,
    });
    await run.ended;
    const { code, stdout } = await doctor(`--store=${store}`);
    expect(stdout).to.include(
      `problem: The master has removed the framework ${String(frameworkId)}`,
    );
    expect(stdout).to.include('onRemoved=reregister');
    expect(code).to.equal(1);
  });

  it('tells what is wrong with store and code, and each address that does not answer', async () => {
    const missing = await doctor('sleepers', `--store=lmdb:${join(folder, 'none')}`);
    expect(missing.stdout).to.include('The state cannot be read: there is no store in');
    const code = await doctor(`${FAILING}#Other`, 'sleepers');
    expect(code.stdout).to.include('The code cannot be used: module');
    const masters = await doctor('x', '--master=http://127.0.0.1:1,http://127.0.0.1:2');
    expect(masters.stdout).to.match(
      /No master answers: http:\/\/127\.0\.0\.1:1: .*; http:\/\/127\.0\.0\.1:2: /,
    );
    expect([missing, code, masters].map((each) => each.code)).to.deep.equal([1, 1, 1]);
    expect((await doctor('one', 'two')).stderr).to.include('[INVALID_FLAG]');
  });
});
