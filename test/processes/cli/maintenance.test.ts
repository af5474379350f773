import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import { FaultCluster, eventually } from '../faults/cluster.js';
import { plateau } from './command.js';

interface Example {
  readonly command: string;
  /** What the page says that the command prints. */
  readonly output: string;
}

/** The commands of the fenced blocks of a page, with what follows each. */
function examplesOf(page: string): readonly Example[] {
  const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, language]) => language === '')
    .map(([, , body = '']) => body);
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

describe('plateau maintenance', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;

  before(async () => {
    cluster = await FaultCluster.start(3);
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function run(...argv: readonly string[]): ReturnType<typeof plateau> {
    return plateau(['maintenance', ...argv], { PLATEAU_MASTER: cluster.master.url });
  }

  it('prints what the page about maintenance says, on a cluster of three agents', async () => {
    const examples = examplesOf(readFileSync(repositoryFile('docs/maintenance.md'), 'utf8'));
    expect(examples).to.have.length.greaterThan(6);
    for (const { command, output } of examples) {
      const [first, ...argv] = command.split(' ');
      expect(first).to.equal('maintenance');
      // oxlint-disable-next-line no-await-in-loop -- they build on each other
      const { code, stdout, stderr } = await run(...argv);
      expect(stdout + stderr, command).to.equal(output);
      expect(code, command).to.equal(output.startsWith('plateau: ') ? 1 : 0);
    }
    await eventually('the agents have ended', () =>
      cluster.agents.every((agent) => !agent.isRunning),
    );
  });

  it('replaces the schedule by a file, and prints what a file may hold', async () => {
    const file = join(cluster.folder, 'schedule.json');
    const text =
      '{"windows":[{"machine_ids":[{"hostname":"Host-1","ip":"10.0.0.1"},{"hostname":"host-2"}],' +
      '"unavailability":{"start":{"nanoseconds":1900000000123456789}}}]}\n';
    writeFileSync(file, text);
    expect((await run('schedule', file)).stdout).to.equal('Host-1 (10.0.0.1), host-2: scheduled\n');
    expect((await run('schedule')).stdout).to.equal(text);
    // A part of the name is enough where it means one machine.
    const down = await run('start', 'HOST-1', '--json');
    expect(JSON.parse(down.stdout)).to.deep.equal({
      machines: ['Host-1 (10.0.0.1)'],
      state: 'down',
    });
    const status = JSON.parse((await run('--json')).stdout) as readonly Record<string, unknown>[];
    expect(status.map(({ machine, mode, agents }) => [machine, mode, agents])).to.deep.equal([
      ['Host-1 (10.0.0.1)', 'down', 0],
      ['host-2', 'draining', 0],
    ]);
    expect((await run('stop', '10.0.0.1')).stdout).to.equal('Host-1 (10.0.0.1): up\n');
    expect((await run('cancel', 'host-2')).code).to.equal(0);
    expect((await run('schedule')).stdout).to.equal('{}\n');
  });

  it('says how to plan a machine anew', async () => {
    await run('plan', 'twice');
    const again = await run('plan', 'Twice');
    expect(again.code).to.equal(1);
    expect(again.stderr).to.match(/Twice has a window already.*plateau maintenance cancel Twice/);
    expect((await run('cancel', 'twice')).code).to.equal(0);
  });

  it('adds windows, and says where no agent runs', async () => {
    const planned = await run('plan', 'h/10.0.0.1', 'h/10.0.0.2', '--start', 'in 10mins');
    expect(planned).to.deep.include({ code: 0, stdout: 'h (10.0.0.1), h (10.0.0.2): scheduled\n' });
    expect(planned.stderr).to.match(/^no agent runs on h \(10\.0\.0\.1\) now/);
    const several = await run('start', 'h');
    expect(several).to.include({ code: 2, stdout: '' });
    expect(several.stderr).to.match(/'h' could be any of h \(10\.0\.0\.1\), h \(10\.0\.0\.2\)/);
    expect((await run('cancel', 'h/10.0.0.1', 'h/10.0.0.2')).code).to.equal(0);
  });

  for (const [argv, code, message] of [
    [['plan', 'a', '--start', 'tomorrow'], 2, /--start is no time: 'tomorrow'/],
    [['plan', 'a', '--duration', '2x'], 2, /'2x' is not a duration/],
    [['plan', 'a', '--duration', '-2hrs'], 1, /duration' is negative/],
    [['plan', 'a/b'], 1, /machine_ids\[0\]\.ip' is not an IPv4 address/],
    [['plan'], 2, /missing required argument 'machines'/],
    [['start', 'nowhere'], 1, /'nowhere' is in no maintenance schedule/],
    [['cancel', 'nowhere'], 1, /nowhere is in no maintenance schedule/],
    [['schedule', '/nowhere'], 2, /file \/nowhere holds no maintenance schedule/],
    [['frob'], 2, /unknown command 'maintenance frob': there are status, schedule, /],
  ] as const) {
    it(`refuses ${argv.join(' ')}`, async () => {
      const ended = await run(...argv);
      expect(ended).to.include({ code, stdout: '' });
      expect(ended.stderr).to.match(message);
    });
  }
});
