import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { SLOW_MS } from '../../simulation/sdk/scenarios/slow.js';

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

interface MeasuredFigures {
  readonly rounds: number;
  readonly offers: number;
  readonly offersPerSecond: number;
  readonly latencies: readonly {
    readonly rounds: number;
    readonly p50Ms: number;
    readonly maxMs: number;
  }[];
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

  it('tells a seed that ends its thread, and not the next one with it', async () => {
    const { code, output } = await simulate('rejecting.js', '--seeds=4', '--jobs=1', '--no-shrink');
    expect(output).to.contain('seed 1 failed at 0ms: nobody waits for it');
    expect(output).to.contain('4 seeds ran, 1 failed');
    expect(code).to.equal(1);
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

describe('plateau simulate --bench', function () {
  this.timeout(120_000);

  it('prints what a framework takes of the processor, by cluster and by offers in a round', async () => {
    const flags = ['--bench', '--agents=3,20', '--for=1m', '--runs=2'];
    const { code, output, errors } = await simulate('sound.js', ...flags);
    expect(code, errors).to.equal(0);
    expect(output).to.match(/sound\.js, seed 1: 2 runs of 1m 00s each, no faults\n/);
    expect(output).to.match(
      /^AGENTS +OFFERS +OFFERS\/S +LAUNCHES +UPDATES +UPDATES\/S +SPEED +HEAP$/m,
    );
    expect(output).to.match(/^ +3 +\d+ +[\d,]+ +8 +\d+ +[\d,]+ +[\d,]+ x +\d+ MiB$/m);
    expect(output).to.match(/^ +20 .* x +\d+ MiB$/m);
    expect(output).to.match(/^AGENTS +OFFERS IN ROUND +ROUNDS +P50 +P90 +P99 +MAX$/m);
    expect(output).to.match(/^ +20 +[\d-]+ +\d+( +\d+\.\d{3} ms){4}$/m);
    expect(errors).to.contain('Figures of two machines do not compare');
  });

  it('prints them as JSON, with the seed', async () => {
    const flags = ['--bench', '--agents=3', '--for=1m', '--runs=1', '--seed=x', '--json'];
    const { code, output } = await simulate('sound.js', ...flags);
    expect(code).to.equal(0);
    const { figures, ...settings } = JSON.parse(output) as { figures: Record<string, unknown>[] };
    expect(settings).to.include({ seed: 'x', forMs: 60_000, runs: 1, isStopped: false });
    expect(figures).to.have.lengthOf(1);
    expect(figures[0]).to.include({ agents: 3, launches: 4 });
    expect(figures[0]).to.include.keys('offersPerSecond', 'updatesPerSecond', 'speed', 'heapMiB');
    expect(figures[0]?.['latencies']).to.not.be.empty;
  });

  it('counts the time of the handler, and not that of the cluster', async () => {
    const flags = ['--bench', '--agents=50', '--for=2m', '--runs=2', '--json'];
    const { output } = await simulate('slow.js', ...flags);
    const { figures } = JSON.parse(output) as { figures: readonly MeasuredFigures[] };
    const [measured] = figures;
    for (const { p50Ms, maxMs, rounds } of measured?.latencies ?? []) {
      expect(rounds).to.be.at.least(1);
      expect(p50Ms).to.be.at.least(SLOW_MS);
      expect(maxMs).to.be.at.least(p50Ms);
    }
    const { rounds = 0, offers = 0, offersPerSecond } = measured ?? {};
    expect(rounds).to.be.at.least(4);
    expect(offersPerSecond).to.be.within(1, (offers * 1000) / (rounds * SLOW_MS));
  });

  it('refuses flags that have no effect, and numbers that are none', async () => {
    const refused = [
      [['--bench', '--faults=[]'], '--faults has no effect with --bench'],
      [['--bench', '--no-shrink'], '--no-shrink has no effect with --bench'],
      [['--agents=5'], '--agents needs --bench'],
      [['--bench', '--agents=5,x'], "--agents is 'x'"],
      [['--bench', '--for=soon'], "--for is 'soon'"],
      [['--bench', '--runs=0'], "--runs is '0'"],
    ] as const;
    const ended = await Promise.all(refused.map(([flags]) => simulate('sound.js', ...flags)));
    for (const [index, { code, errors }] of ended.entries()) {
      expect(code).to.equal(2);
      expect(errors).to.contain(refused[index]?.[1]);
    }
  });
});
