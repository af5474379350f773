import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import { FaultCluster } from '../faults/cluster.js';
import { plateau } from './command.js';

interface Example {
  readonly command: string;
  /** What the page says that the command prints. */
  readonly output: string;
}

/** The commands of the fenced blocks of a page, with what follows each. */
function examplesOf(page: string): readonly Example[] {
  const blocks = [...page.matchAll(/^```\n([^]*?)^```$/gm)].map(([, body = '']) => body);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ plateau /m)
      .filter((part) => part !== '')
      .map((part) => {
        const end = part.indexOf('\n');
        return { command: part.slice(0, end), output: part.slice(end + 1) };
      }),
  );
}

/** Words of a command line; quotes hold a word together. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

describe('The page about sharing', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;

  before(async () => {
    cluster = await FaultCluster.start(2);
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function run(...argv: readonly string[]): ReturnType<typeof plateau> {
    return plateau(argv, { PLATEAU_MASTER: cluster.master.url });
  }

  it('shows what its commands print, on a cluster of eight cpus', async () => {
    const page = readFileSync(repositoryFile('docs/sharing.md'), 'utf8');
    const examples = examplesOf(page);
    expect(examples).to.have.length.greaterThan(6);
    for (const { command, output } of examples) {
      // oxlint-disable-next-line no-await-in-loop -- they build on each other
      const { code, stdout, stderr } = await run(...wordsOf(command));
      expect(stdout + stderr, command).to.equal(output);
      expect(code, command).to.equal(output.startsWith('plateau: ') ? 1 : 0);
    }
  });

  it('has commands that programs can read, and that refuse what is not valid', async () => {
    const json = async (...argv: readonly string[]): Promise<unknown> =>
      JSON.parse((await run(...argv, '--json')).stdout);
    await run('quota', 'set', 'free', '--limit', 'cpus:1', '--limit', 'mem:64');
    expect(await json('quota')).to.deep.include({ role: 'free', limits: { mem: { value: 64 } } });
    expect(await json('weights', 'set', 'free=2')).to.deep.equal([{ role: 'free', weight: 2 }]);
    expect(await json('weights', 'list')).to.deep.include({ role: 'free', weight: 2 });
    expect(await json('quota', 'remove', 'free')).to.deep.equal({ role: 'free', asked: 'remove' });
    for (const [code, ...argv] of [
      [1, 'quota', 'remove', 'free'],
      [1, 'quota', 'set', 'a/b', '--limit', 'cpus:1'],
      [2, 'quota', 'set', 'free'],
      [2, 'quota', 'set', 'free', '--limit', 'cpus'],
      [2, 'quota', 'set', 'free', '--limit', 'cpus:-1'],
      [2, 'quota', 'set', 'free', '--limit', 'cpus:1|mem:1'],
      [2, 'quota', 'set', 'free', '--limit', ''],
      [2, 'weights', 'set', 'free'],
      [2, 'weights', 'set', 'free=0'],
      [2, 'weights', 'set'],
      [2, 'weights', 'nonsense'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const ended = await run(...argv);
      expect(ended.code, argv.join(' ')).to.equal(code);
      expect(ended.stderr, argv.join(' ')).to.not.equal('');
      expect(ended.stdout, argv.join(' ')).to.equal('');
    }
    const mistyped = await run('quota', 'sett', 'free');
    expect(mistyped.code).to.equal(2);
    expect(mistyped.stderr).to.match(/unknown command 'quota sett': there are list, set, remove/);
    const ports = await run('quota', 'set', 'free', '--limit', 'ports:[1-2]');
    expect(ports.stderr).to.match(/'ports:\[1-2\]': expected name:number/);
  });
});
