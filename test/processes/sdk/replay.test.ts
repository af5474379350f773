import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from '../cli/command.js';

const MODULE = fileURLToPath(new URL('./replayed-frameworks.js', import.meta.url));

describe('plateau replay', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  let up: Running;
  let master = '';

  before(async () => {
    up = new Running(['up', '--agents=1', '--port=0', `--work-dir=${join(folder, 'cluster')}`]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
  });
  after(async () => {
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  function run(...argv: readonly string[]): Running {
    const fixed = [`--store=lmdb:${join(folder, 'state')}`, '--no-admin', `--master=${master}`];
    return new Running(['framework', 'run', `${MODULE}#Recorded`, ...fixed, ...argv]);
  }

  /** Records until a text is in the file. */
  async function recorded(name: string, text: RegExp): Promise<string> {
    const file = join(folder, name);
    const running = run(`--record=${file}`);
    await running.says(/subscribed/);
    await until(() => text.test(readFileSync(file, 'utf8')));
    running.child.kill('SIGTERM');
    expect((await running.ended).code).to.equal(0);
    return file;
  }

  it('compares what was recorded of a live framework with what other code decides', async () => {
    const file = await recorded('first.jsonl', /TASK_RUNNING[^]*TASK_RUNNING/);
    expect(statSync(file).mode & 0o777).to.equal(0o600);

    const same = await plateau(['replay', file, `${MODULE}#Recorded`]);
    expect(same.stdout).to.match(/^\d+ offers were compared: no difference\n$/);
    expect(same.code).to.equal(0);

    const other = await plateau(['replay', file, `${MODULE}#Larger`]);
    expect(other.stdout).to.match(
      /^offer \S+: LAUNCH sleeper \(0\.1 cpus, 16 MB\), sleeper .* -> LAUNCH sleeper \(0\.2 cpus, 16 MB\), /,
    );
    expect(other.code).to.equal(1);

    const injected = await plateau(['replay', file, `${MODULE}#asRecorded`]);
    expect(injected.stdout).to.match(/no difference\n$/);
    const lacking = await plateau(['replay', file, `${MODULE}#Injected`]);
    expect(lacking.stderr).to.contain("Injected needs 'count', and nobody provides it");
    expect(lacking.code).to.equal(1);

    const json = await plateau(['replay', file, `${MODULE}#Larger`, '--json']);
    expect(json.code).to.equal(1);
    const { differences, failure } = JSON.parse(json.stdout) as {
      readonly differences: readonly { readonly about: string }[];
      readonly failure: unknown;
    };
    expect(differences[0]?.about).to.match(/^offer /);
    expect(failure).to.equal(null);
  });

  it('begins with what was stored when the recording began', async () => {
    const file = await recorded('second.jsonl', /REASON_RECONCILIATION[^]*REASON_RECONCILIATION/);
    expect(readFileSync(file, 'utf8')).to.match(/^\{"key":"tasks\/sleeper\./m);
    const same = await plateau(['replay', file, `${MODULE}#Recorded`]);
    expect(same.stdout).to.match(/no difference\n$/);
    expect(same.code).to.equal(0);
  });

  it('refuses a file that is there for a recording, and one that is none for a replay', async () => {
    const refused = run(`--record=${MODULE}`);
    const { code, stderr } = await refused.ended;
    expect(code).to.equal(2);
    expect(stderr)
      .to.contain('--record')
      .and.contain('not there yet')
      .and.contain('[INVALID_FLAG]');
    const none = await plateau(['replay', MODULE, `${MODULE}#Recorded`]);
    expect(none.code).to.equal(1);
    expect(none.stderr).to.contain('line 1: not a recording').and.contain('[INVALID_STATE]');
  });
});
