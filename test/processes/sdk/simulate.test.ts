import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../../../core/cli/main.js', import.meta.url));
const SCENARIOS = fileURLToPath(new URL('../../simulation/sdk/scenarios/', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

class Command {
  readonly #process: ChildProcess;
  output = '';
  errors = '';

  constructor(module: string, ...flags: readonly string[]) {
    this.#process = spawn(process.execPath, [MAIN, 'simulate', module, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
  }

  async ended(): Promise<Ended> {
    const [code] = (await once(this.#process, 'close')) as [number | null];
    return { code, output: this.output, errors: this.errors };
  }

  interrupt(): void {
    this.#process.kill('SIGINT');
  }
}

function simulate(module: string, ...flags: readonly string[]): Promise<Ended> {
  return new Command(join(SCENARIOS, module), ...flags).ended();
}

describe('plateau simulate', function () {
  this.timeout(60_000);

  it('tries the seeds that were asked for, on several threads', async () => {
    const { code, output } = await simulate('sound.js', '--seeds=12', '--from=5', '--jobs=2');
    expect(output).to.match(
      /^12 seeds ran, none failed: \d+m \d\ds of virtual time in .*, [\d,]+ times as fast\n$/,
    );
    expect(code).to.equal(0);
  });

  it('tells each failure on a line with how to repeat it, and fewer faults that do', async () => {
    const module = join(SCENARIOS, 'forgetful.js');
    const { code, output } = await simulate('forgetful.js', '--seeds=6', '--jobs=1');
    expect(code).to.equal(1);
    const [, seed = ''] =
      /^seed (\d+) failed at \dm \d\ds: 60s after healing: forgetful: expected that 4 tasks in state RUNNING, but found \d\./m.exec(
        output,
      ) ?? [];
    expect(output).to.contain(`repeat: plateau simulate ${module} --seed ${seed}\n`);
    const [, shrunk = ''] = /^ {2}repeat: plateau simulate .* --faults '(.*)'$/m.exec(output) ?? [];
    expect(JSON.parse(shrunk)).to.have.lengthOf(1);
    expect(output).to.match(
      /fails with 1 faults? \(\d+ tries\): .*[\s\S]*AT +FAULT +TARGET +LASTS/,
    );
    const again = await simulate(
      'forgetful.js',
      `--seed=${seed}`,
      `--faults=${shrunk}`,
      '--no-shrink',
      '--trace',
    );
    expect(again.code).to.equal(1);
    expect(again.output).to.contain(`--seed ${seed} --faults '`);
    expect(again.errors).to.contain('from forgetful');
  });

  it('gives programs what they need', async () => {
    const { output } = await simulate(
      'forgetful.js',
      '--seeds=6',
      '--jobs=2',
      '--no-shrink',
      '--json',
    );
    const report = JSON.parse(output) as {
      failures: { seed: string; hash: string; repeat: string; faults: unknown[] }[];
    };
    expect(report).to.include({
      seeds: 6,
      ran: 6,
      isStopped: false,
      failed: report.failures.length,
    });
    const [first] = report.failures;
    expect(first?.hash).to.match(/^[0-9a-f]{16}$/);
    expect(first?.repeat).to.contain(`--seed ${first?.seed}`);
    expect(first?.faults).not.to.deep.equal([]);
  });

  it('notices that the same seed gives another run', async () => {
    const { code, output } = await simulate('unseeded.js', '--seeds=1', '--from=3', '--no-shrink');
    expect(output).to.match(
      /the same seed gave two runs, \w{16} and \w{16}: something .* is fixed by no seed/,
    );
    expect(code).to.equal(1);
  });

  it('ends at Ctrl-C with what it has', async () => {
    const command = new Command(join(SCENARIOS, 'endless.js'), '--seeds=5', '--jobs=2');
    const waiting = setInterval(() => command.interrupt(), 1_500);
    const { code, output } = await command.ended();
    clearInterval(waiting);
    expect(output).to.match(/^0 of 5 seeds ran, none failed/);
    expect(code).to.equal(130);
  });

  it('reads faults from a file, and says what is wrong with one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-faults-'));
    try {
      const file = join(folder, 'faults.json');
      writeFileSync(file, JSON.stringify([{ atMs: 30_000, kind: 'reboot', target: 'agent-0' }]));
      const { code } = await simulate('sound.js', '--seeds=2', '--faults', file);
      expect(code).to.equal(0);
      writeFileSync(file, JSON.stringify([{ atMs: 1, kind: 'plague', target: 'agent-0' }]));
      const refused = await simulate('sound.js', '--faults', file);
      expect(refused.errors).to.match(
        /--faults: fault 1: kind is "plague", there are slow-network, /,
      );
      expect(refused.code).to.equal(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses numbers that make no sense, and modules without anything to simulate', async () => {
    expect((await simulate('sound.js', '--seeds=0')).errors).to.contain("--seeds is '0'");
    expect((await simulate('sound.js', '--jobs=many')).errors).to.contain("--jobs is 'many'");
    const missing = await simulate('nothing.js');
    expect(missing.errors).to.match(/module '.*nothing\.js' cannot be loaded/);
    expect(missing.code).to.equal(2);
  });
});
