import { expect } from 'chai';
import type { SchedulerCall } from '../../../core/api/index.js';
import { WordCount } from '../../../frameworks/examples/word-count/framework.js';
import type { Surroundings } from '../../../frameworks/examples/word-count/job.js';
import {
  addCounts,
  countWords,
  formatCounts,
} from '../../../frameworks/examples/word-count/words.js';
import { type Interceptor, sandboxUrl } from '../../../sdk/index.js';
import { type Simulation, simulate } from '../../../sdk/testing/index.js';

const TEXTS = Array.from({ length: 12 }, (_, index) => `the quick fox ${index % 4} the lazy dog`);
const PARTS = TEXTS.map((_, index) => [`/text-${index}`]);
const EXPECTED = formatCounts(countWords(TEXTS.join('\n')));
const OPTIONS = { agents: Array.from({ length: 4 }, () => 'cpus:1;mem:512') };

/** A job whose reduce task adds up what lies behind the addresses that it was given. */
class Rig {
  readonly cluster: Simulation;
  readonly app;
  /** What the next copy is told to count, and what its reduce task does. */
  parts: Surroundings['parts'] = PARTS;
  #wanted: readonly string[] = [];

  constructor(seed: string, reduce = 'run 5s then exit 0') {
    this.cluster = simulate({ ...OPTIONS, seed });
    const watch: Interceptor = (traffic, next) => {
      if (traffic.direction === 'out') this.#note(traffic.call);
      next(traffic);
    };
    const around = (): Surroundings => ({
      parts: this.parts,
      programs: { map: () => 'run between 5s and 40s then exit 0', reduce },
      read: () => Promise.resolve(this.#result()),
      onProgress: () => {},
      onDisconnected: () => {},
    });
    this.app = this.cluster.run(() => new WordCount(around()), { interceptors: [watch] });
  }

  async end(): Promise<string | undefined> {
    await this.cluster.until(() => this.app.instance.outcome !== undefined, { within: '10m' });
    const { outcome } = this.app.instance;
    if (outcome?.kind !== 'counted') return outcome?.reason;
    await this.cluster.advance('10s');
    expect(this.app.isRunning, 'it has ended').to.equal(false);
    return outcome.text;
  }

  #note({ accept }: SchedulerCall): void {
    const tasks = accept?.operations?.flatMap(({ launch }) => launch?.task_infos ?? []) ?? [];
    for (const { name, command } of tasks) {
      if (name === 'reduce') this.#wanted = (command?.uris ?? []).map(({ value }) => value);
    }
  }

  #result(): string {
    const counts = new Map<string, number>();
    const { view } = this.app;
    for (const url of this.#wanted) {
      const maps = view.tasks
        .all('map')
        .filter(
          (map) =>
            map.containerId !== undefined &&
            sandboxUrl(map, 'counts.tsv', view.frameworkId ?? '') === url,
        );
      expect(maps, url).to.have.length(1);
      expect(maps[0]?.state).to.equal('FINISHED');
      addCounts(formatCounts(countWords(TEXTS[Number(maps[0]?.key)] ?? '')), counts);
    }
    return formatCounts(counts);
  }
}

describe('The word count on a simulated cluster', () => {
  it('counts every part once', async () => {
    expect(await new Rig('calm').end()).to.equal(EXPECTED);
  });

  it('counts the same when an agent is lost in the middle', async () => {
    const rig = new Rig('lost agent');
    await rig.cluster.advance('6s');
    expect(rig.app.running('map')).to.not.have.length(0);
    rig.cluster.partition(rig.app.running('map')[0]?.hostname ?? '');
    expect(await rig.end()).to.equal(EXPECTED);
    rig.cluster.heal();
  });

  it('counts the same when it crashes in the middle, and when the master does', async () => {
    const rig = new Rig('crash');
    for (const pause of ['3s', '7s', '9s'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.cluster.advance(pause);
      rig.cluster.crash(rig.app);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.cluster.advance('5s');
      rig.cluster.restart(rig.app);
      rig.cluster.restartMaster();
    }
    expect(rig.app.tasks('FINISHED').length, 'in the middle').to.be.within(1, 11);
    expect(rig.app.starts).to.equal(4);
    expect(await rig.end()).to.equal(EXPECTED);
  });

  it('goes on with the job that it began, whatever it is told after its start', async () => {
    const rig = new Rig('resume');
    await rig.cluster.advance('3s');
    const before = rig.app.view.tasks.all('map').length;
    rig.cluster.crash(rig.app);
    rig.parts = [['/something-else']];
    rig.cluster.restart(rig.app);
    await rig.cluster.advance('5s');
    expect(before).to.be.above(0);
    expect(rig.app.instance.job.get('job')?.parts).to.deep.equal(PARTS);
    expect(await rig.end()).to.equal(EXPECTED);
  });

  it('counts anew when results cannot be fetched, and gives up at last', async () => {
    const rig = new Rig('no results', 'run 1s then exit 3');
    expect(await rig.end()).to.match(/^reduce\.all\.\w+ ended as FAILED: /);
    const names = rig.cluster.started.map(({ taskId }) => taskId.split('.')[0]);
    expect(names.filter((name) => name === 'map')).to.have.length(3 * PARTS.length);
    expect(names.filter((name) => name === 'reduce')).to.have.length(3);
  });

  it('ends its tasks and says so when it is interrupted', async () => {
    const rig = new Rig('interrupted');
    await rig.cluster.advance('4s');
    void rig.app.instance.cancel();
    await rig.cluster.advance('10s');
    expect(rig.app.instance.outcome).to.deep.equal({
      kind: 'failed',
      reason: 'it was interrupted',
    });
    expect(rig.app.isRunning).to.equal(false);
    const { frameworks } = rig.cluster.cluster.master?.cluster ?? {};
    expect(frameworks?.size).to.equal(0);
  });
});
