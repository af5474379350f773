import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import {
  type Ended,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
} from '../cli/command.js';

const PAGE = readFileSync(repositoryFile('docs/batch.md'), 'utf8');

/** The first block of a kind. */
function block(kind: string): string {
  return new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1] ?? '';
}

describe('The guide to batch', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  let up: Running;
  let master = '';

  before(async () => {
    const fixed = ['up', '--agents=2', '--port=0', '--schedulers=batch'];
    up = new Running([...fixed, `--work-dir=${join(folder, 'cluster')}`]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
  });
  after(async () => {
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  it('has a first command that prints what it says', async () => {
    const [line = '', ...output] = block('console')
      .split('\n')
      .slice(1)
      .filter((each) => each !== '');
    const array = /--array (\S+)/.exec(line)?.[1] ?? '';
    const command = /--command '([^']+)'/.exec(line)?.[1] ?? '';
    const argv = ['batch', 'run', '--command', command, '--array', array, '--follow'];
    const ended = await plateau(argv, { PLATEAU_MASTER: master });
    expect(ended.code).to.equal(0);
    expect(ended.stdout.split('\n').filter(Boolean).toSorted()).to.deep.equal(output);
  });

  it('has an example that runs, with every command that it names', async () => {
    const file = join(folder, 'primes.yaml');
    writeFileSync(file, block('yaml'));
    const ended = new Map<string, Ended>();
    for (const line of block('example').split('\n').filter(Boolean)) {
      const argv = line.replace('$ plateau ', '').replace('primes.yaml', file).split(' ');
      const result = await plateau(argv, { PLATEAU_MASTER: master });
      expect(result.code, `${line}\n${result.stderr}`).to.equal(0);
      ended.set(argv[1] ?? '', result);
    }
    const run = ended.get('run')?.stdout.split('\n').filter(Boolean) ?? [];
    expect(run).to.include.members(['[split.0] splitting', '[report.0] all counted']);
    expect(run).to.include.members([
      '[count.0] 15 primes above 0',
      '[count.3 attempt 2] 10 primes above 150',
    ]);
    expect(ended.get('show')?.stdout)
      .to.match(/^primes {2}SUCCEEDED/)
      .and.match(/1 failed attempts/);
    expect(ended.get('indexes')?.stdout).to.match(/count\.3 +SUCCEEDED +2 /);
    expect(ended.get('logs')?.stdout).to.equal('10 primes above 150\n');
  });
});
