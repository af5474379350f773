import { expect } from 'chai';
import type { MasterCall } from '../../../core/api/index.js';
import { Batch, type Job, JobDocument, TemplateDocument } from '../../../frameworks/batch/index.js';
import { Cron } from '../../../frameworks/cron/index.js';
import { WordCount } from '../../../frameworks/examples/word-count/framework.js';
import { MarathonApi, Services } from '../../../frameworks/services/index.js';
import type { MountedRequest } from '../../../sdk/admin/index.js';
import type { Context } from '../../../sdk/index.js';
import { type SimulatedFramework, type Simulation, simulate } from '../../../sdk/testing/index.js';
import { jobSpec } from '../../unit/frameworks/cron/support.js';

const AGENT = 'cpus:8;mem:16384;disk:16384;ports:[31000-31999]';
const CPUS = 32;
const FLOOD = 5_000;

type Amounts = Readonly<Record<string, { readonly value: number }>>;
type Shares = Readonly<Record<'batch' | 'cron' | 'services', number>>;

/** Four agents of eight cpus, and the three schedulers in a role each. All tasks have one cpu. */
class Shared {
  readonly cluster: Simulation = simulate({ agents: [AGENT, AGENT, AGENT, AGENT] });
  readonly batch = this.cluster.run(Batch);
  readonly cron = this.cluster.run(Cron);
  readonly services = this.cluster.run(() => new Services({ roles: ['services'] }), {
    overrides: { roles: ['services'] },
  });

  static async start(): Promise<Shared> {
    const shared = new Shared();
    await shared.cluster.advance('5s');
    return shared;
  }

  /** What the operator sets of roles. */
  async operate(call: MasterCall): Promise<void> {
    const answered = Promise.resolve(this.cluster.cluster.master?.operatorCall(call));
    await this.cluster.advance('1s');
    expect(await answered).to.deep.equal({ status: 200 });
  }

  weigh(weights: Readonly<Record<string, number>>): Promise<void> {
    const infos = Object.entries(weights).map(([role, weight]) => ({ role, weight }));
    return this.operate({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: infos } });
  }

  guarantee(role: string, guarantees: Amounts): Promise<void> {
    return this.operate({
      type: 'UPDATE_QUOTA',
      update_quota: { quota_configs: [{ role, guarantees }] },
    });
  }

  async submit(name: string, command: string, tasks: number): Promise<void> {
    const document = arrayOf(name, command, tasks);
    await this.#turn(this.batch, (context) => {
      const { decision } = this.batch.instance.engine.submit(document, {}, context);
      return context.decide(decision);
    });
  }

  job(name: string): Job {
    return this.batch.instance.engine.job(name);
  }

  /** Five thousand batch tasks, and time for them to take what they can. */
  async flood(command: string, cpus = CPUS): Promise<void> {
    await this.submit('flood', command, FLOOD);
    await this.cluster.advance('10s');
    expect(this.batch.running(), 'the flood has what it may').to.have.length(cpus);
  }

  /** A cron job whose runs are arrays. */
  async schedule(repeat: string, command: string, completions: number): Promise<void> {
    const run = arrayOf('run', command, completions);
    const schedule = { concurrencyPolicy: 'Allow' } as const;
    const spec = { ...jobSpec({ id: 'storm', repeat, schedule }), run };
    await this.#turn(this.cron, (context) =>
      this.cron.instance.change(context, (engine, nowMs) => engine.create(spec, nowMs)),
    );
  }

  async app(instances: number): Promise<void> {
    const request: MountedRequest = {
      method: 'POST',
      path: '/v2/apps',
      query: new URLSearchParams(),
      headers: {},
      body: { id: '/web', cmd: 'hang', cpus: 1, mem: 64, instances },
      client: '127.0.0.1',
    };
    await this.#turn(this.services, (context) =>
      new MarathonApi(this.services.instance).answer(request, context),
    );
  }

  /** How many cpus each has in the mean over so many seconds. */
  async shares(seconds: number): Promise<Shares> {
    const sums = { batch: 0, cron: 0, services: 0 };
    for (let second = 0; second < seconds; second++) {
      // oxlint-disable-next-line no-await-in-loop -- second by second
      await this.cluster.advance('1s');
      for (const name of ['batch', 'cron', 'services'] as const) {
        sums[name] += this[name].running().length / seconds;
      }
    }
    return sums;
  }

  /** Seconds from now until something holds, to a tenth. */
  async secondsUntil(holds: () => boolean): Promise<number> {
    const startMs = this.cluster.elapsedMs;
    await this.cluster.until(holds, { within: '10m' });
    return (this.cluster.elapsedMs - startMs) / 1000;
  }

  /** Asks a framework for something as a route does, and waits until it is durable. */
  async #turn({ runtime }: SimulatedFramework, act: (context: Context) => unknown): Promise<void> {
    let isOver = false;
    const done = runtime.turn(async () => await act(runtime.context));
    done.then(() => (isOver = true)).catch(() => (isOver = true));
    await this.cluster.until(() => isOver, { step: 10 });
    await done;
  }
}

function arrayOf(name: string, command: string, completions: number): JobDocument {
  const template = Object.assign(new TemplateDocument(), { command, cpus: 1, memMiB: 64 });
  return Object.assign(new JobDocument(), { name, completions, template });
}

/** The word count over twelve parts. */
function countWords(): WordCount {
  return new WordCount({
    parts: Array.from({ length: 12 }, (_, index) => [`/text-${index}`]),
    programs: { map: () => 'run 5s then exit 0', reduce: 'run 1s then exit 0' },
    read: () => Promise.resolve('12\tword\n'),
    onProgress: () => {},
    onDisconnected: () => {},
  });
}

describe('Batch, services and cron on one cluster', function () {
  this.timeout(60_000);

  /** All three want more than there is, the flood first; what each has in the mean of a minute. */
  async function contended(weights: Readonly<Record<string, number>>): Promise<Shares> {
    const shared = await Shared.start();
    if (Object.keys(weights).length > 0) await shared.weigh(weights);
    await shared.flood('run about 10s then exit 0');
    await shared.schedule('R//PT5M', 'run about 10s then exit 0', 1_000);
    await shared.app(100);
    await shared.cluster.advance('1m');
    return shared.shares(60);
  }

  it('have shares by the weights of their roles when all want more than there is', async () => {
    const shares = await contended({ batch: 1, cron: 2, services: 5 });
    expect(shares.batch).to.be.closeTo(4, 1);
    expect(shares.cron).to.be.closeTo(8, 1);
    expect(shares.services).to.be.closeTo(20, 1);
  });

  it('have equal shares without weights', async () => {
    const shares = await contended({});
    for (const share of Object.values(shares)) expect(share).to.be.closeTo(CPUS / 3, 1);
  });

  it('all get on while a flood of batch tasks waits', async () => {
    const shared = await Shared.start();
    await shared.flood('run about 10s then exit 0');
    await shared.app(4);
    const isUp = (): boolean => shared.services.running().length === 4;
    expect(await shared.secondsUntil(isUp), 'seconds until the service is up').to.be.below(5);
    await shared.schedule('R//PT10S', 'run 1s then exit 0', 1);
    await shared.cluster.advance('2m');
    const { engine } = shared.cron.instance;
    expect(engine.runs('storm').length).to.be.at.least(12);
    expect(engine.metrics.startLag.max, 'milliseconds of the slowest start').to.be.below(4_000);
    const words = shared.cluster.run(countWords);
    const isCounted = (): boolean => words.instance.outcome !== undefined;
    expect(await shared.secondsUntil(isCounted), 'seconds of the word count').to.be.below(20);
    expect(words.instance.outcome).to.include({ kind: 'counted' });
    expect(shared.job('flood').isFinished).to.equal(false);
    expect(shared.batch.running(), 'what the others leave').to.have.length.above(20);
  });

  it('get on too while cron runs come in a storm', async () => {
    const shared = await Shared.start();
    await shared.schedule('R//PT1M', 'run about 10s then exit 0', 500);
    await shared.cluster.advance('30s');
    expect(shared.cron.running()).to.have.length(CPUS);
    await shared.app(4);
    const isUp = (): boolean => shared.services.running().length === 4;
    expect(await shared.secondsUntil(isUp), 'seconds until the service is up').to.be.below(5);
    await shared.submit('small', 'run 1s then exit 0', 4);
    const isDone = (): boolean => shared.job('small').isFinished;
    expect(await shared.secondsUntil(isDone), 'seconds of the batch job').to.be.below(6);
    expect(shared.cron.running(), 'what the others leave').to.have.length.above(20);
  });

  for (const isGuaranteed of [true, false]) {
    const title = isGuaranteed
      ? 'keep what is guaranteed to services free of a flood that never ends'
      : 'leave services nothing beside such a flood without a guarantee';
    it(title, async () => {
      const shared = await Shared.start();
      if (isGuaranteed) await shared.guarantee('services', { cpus: { value: 4 } });
      await shared.flood('hang', isGuaranteed ? CPUS - 4 : CPUS);
      await shared.app(4);
      await shared.cluster.advance(isGuaranteed ? '5s' : '2m');
      expect(shared.services.running()).to.have.length(isGuaranteed ? 4 : 0);
    });
  }
});
