import { expect } from 'chai';
import { SeededRandom } from '../../core/base/index.js';
import { SimulatedCluster, drawLife, parseProgram } from '../../core/simulation/index.js';

describe('parseProgram', () => {
  const ends = {
    'sleep 10': { afterMs: 10_000, how: { kind: 'exited', code: 0 } },
    'sleep 0.5': { afterMs: 500, how: { kind: 'exited', code: 0 } },
    'exit 3': { afterMs: 0, how: { kind: 'exited', code: 3 } },
    'run 5s then exit 0': { afterMs: 5000, how: { kind: 'exited', code: 0 } },
    'run 20ms then exit 7': { afterMs: 20, how: { kind: 'exited', code: 7 } },
    'run 1.5h then die SIGSEGV': {
      afterMs: 5_400_000,
      how: { kind: 'signaled', signal: 'SIGSEGV' },
    },
    'make coffee': { afterMs: 0, how: { kind: 'exited', code: 127 } },
  };
  for (const [text, end] of Object.entries(ends)) {
    it(`knows when and how '${text}' ends`, () => {
      const silent = { port: undefined, answers: [] };
      const expected = { failsToStart: false, ignoresTerm: false, end, ...silent };
      expect(parseProgram(text)).to.deep.equal(expected);
    });
  }

  it('knows programs that do not end by themselves, or do not start', () => {
    expect(parseProgram('hang')).to.include({ end: undefined, ignoresTerm: false });
    expect(parseProgram('ignore-term')).to.include({ end: undefined, ignoresTerm: true });
    expect(parseProgram('fail-to-start').failsToStart).to.equal(true);
  });

  it('knows lives that are drawn, and draws them within their bounds', () => {
    const between = parseProgram('run between 10s and 1m then exit 4').end;
    expect(between).to.deep.equal({
      afterMs: 10_000,
      how: { kind: 'exited', code: 4 },
      spread: { mostMs: 60_000 },
    });
    const about = parseProgram('run about 30s then die SIGKILL').end;
    expect(about?.spread).to.equal('exponential');
    expect(about?.how).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
    const random = new SeededRandom('lives');
    const draw = (end: typeof about): readonly number[] =>
      Array.from({ length: 2_000 }, () => (end === undefined ? 0 : drawLife(end, random)));
    const evenly = draw(between);
    expect(Math.min(...evenly)).to.be.within(10_000, 11_000);
    expect(Math.max(...evenly)).to.be.within(59_000, 60_000);
    const mean = draw(about).reduce((sum, each) => sum + each, 0) / 2_000;
    expect(mean).to.be.within(27_000, 33_000);
  });

  it('knows programs that heed SIGTERM late, fail to start at times, and listen', () => {
    const text = 'hang heeding SIGTERM after 5s failing to start in 25% on 80 answers 200';
    expect(parseProgram(text)).to.include({ termMs: 5_000, startFailures: 0.25, port: 80 });
    const ended = parseProgram('run soon then exit 0').end;
    expect(ended?.how).to.deep.equal({ kind: 'exited', code: 127 });
  });

  it('runs them: late ends of killed tasks, and starts that fail', async () => {
    const cluster = new SimulatedCluster({ seed: 'programs', agents: ['cpus:100;mem:9999'] });
    const job = { name: 'job', cpus: 0.5, memoryMiB: 16 };
    const late = { ...job, command: 'hang heeding SIGTERM after 2s' };
    const flaky = { ...job, command: 'hang failing to start in 50%' };
    const scheduler = cluster.addScheduler({
      name: 'jobs',
      jobs: [late, ...Array.from({ length: 100 }, () => flaky)],
    });
    cluster.start();
    await cluster.advance(20_000);
    const tasks = [...scheduler.tasks.values()];
    const failed = tasks.filter(({ state }) => state === 'TASK_FAILED').length;
    expect(failed).to.be.within(30, 70);
    const task = tasks.find(({ job: { command } }) => command === late.command);
    scheduler.kill(task?.id ?? '');
    await cluster.advance(1_900);
    expect(task?.state).not.to.equal('TASK_KILLED');
    await cluster.advance(300);
    expect(task?.state).to.equal('TASK_KILLED');
  });
});
