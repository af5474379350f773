/** A batch scheduler on a simulated cluster, with a witness that sees what really runs. */
import { expect } from 'chai';
import {
  Batch,
  type BatchEngine,
  JobDocument,
  type JobView,
  TemplateDocument,
  jobViewOf,
} from '../../../frameworks/batch/index.js';
import { type SimulateOptions, type Simulation, simulate } from '../../../sdk/testing/index.js';

type Running = ReturnType<Simulation['run']>;

/** Sees each task start and end on its host, whoever knows of it. */
export class Witness {
  /** Task ids by host. */
  readonly #running = new Map<string, Set<string>>();
  /** Most tasks of a job at one instant. */
  readonly most = new Map<string, number>();
  /** How often an index was started. */
  readonly starts = new Map<string, number>();
  /** Indexes of which two tasks ran at one time. */
  readonly doubled = new Set<string>();
  #count = new Map<string, number>();

  constructor({ cluster: { trace } }: Simulation) {
    const add = trace.add.bind(trace);
    trace.add = (node, kind, content) => {
      if (typeof content === 'string') this.#note(node, kind, content);
      add(node, kind, content);
    };
  }

  mostOf(job: string): number {
    return this.most.get(job) ?? 0;
  }

  running(job: string): number {
    return this.#count.get(job) ?? 0;
  }

  /** What was seen is what runs on the hosts: nothing was overlooked. */
  expectAgreesWith({ cluster: { agents } }: Simulation): void {
    for (const { name, host, isLost } of agents) {
      const running = [...host.containers.values()]
        .filter(({ end }) => end === undefined && !isLost)
        .map(({ task }) => task.split('/')[1] ?? '');
      const seen = [...(this.#running.get(name) ?? [])];
      expect(seen.toSorted(), `tasks on ${name}`).to.deep.equal(running.toSorted());
    }
  }

  #note(node: string, kind: string, text: string): void {
    if (!node.startsWith('agent-')) return;
    if (kind === 'reboot' || kind === 'lost') {
      for (const task of this.#running.get(node) ?? []) this.#ended(node, task);
      return;
    }
    const [task = ''] = (text.split('/')[1] ?? '').split(' ');
    if (kind === 'started') this.#started(node, task);
    else if (kind === 'ended' || kind === 'killed') this.#ended(node, task);
  }

  #started(node: string, task: string): void {
    const { job, piece } = partsOf(task);
    const here = this.#running.get(node) ?? new Set();
    this.#running.set(node, here);
    for (const tasks of this.#running.values()) {
      for (const other of tasks) if (partsOf(other).piece === piece) this.doubled.add(piece);
    }
    here.add(task);
    this.starts.set(piece, (this.starts.get(piece) ?? 0) + 1);
    const count = this.running(job) + 1;
    this.#count.set(job, count);
    this.most.set(job, Math.max(this.mostOf(job), count));
  }

  #ended(node: string, task: string): void {
    if (this.#running.get(node)?.delete(task) !== true) return;
    const { job } = partsOf(task);
    this.#count.set(job, this.running(job) - 1);
  }
}

/** Of `job.step.7.a1b2`: the job, and `job.step.7`. */
function partsOf(task: string): { readonly job: string; readonly piece: string } {
  const parts = task.split('.');
  return { job: parts[0] ?? '', piece: parts.slice(0, -1).join('.') };
}

/** Fields of a document; those of the template beside them. */
export type Fields = Partial<Omit<JobDocument, 'template'>> & {
  readonly template?: Partial<TemplateDocument>;
};

export function documentOf({ template, ...fields }: Fields): JobDocument {
  const inner = Object.assign(new TemplateDocument(), {
    command: 'run 1s then exit 0',
    ...template,
  });
  const whole = fields.steps === undefined ? { template: inner } : {};
  return Object.assign(new JobDocument(), { name: 'job', ...whole, ...fields });
}

export function templateOf(fields: Partial<TemplateDocument>): TemplateDocument {
  return Object.assign(new TemplateDocument(), fields);
}

export class BatchCluster {
  readonly simulation: Simulation;
  readonly witness: Witness;
  readonly batch: Running;

  constructor(options: SimulateOptions = {}) {
    this.simulation = simulate(options);
    this.witness = new Witness(this.simulation);
    this.batch = this.simulation.run(Batch);
  }

  /** A cluster whose scheduler is subscribed. */
  static async start(options: SimulateOptions = {}): Promise<BatchCluster> {
    const cluster = new BatchCluster(options);
    await cluster.simulation.until(() => cluster.batch.view.connection === 'subscribed');
    return cluster;
  }

  get engine(): BatchEngine {
    const { instance } = this.batch;
    if (!(instance instanceof Batch)) throw new Error('not the batch scheduler');
    return instance.engine;
  }

  job(name = 'job'): JobView {
    return jobViewOf(this.engine.job(name));
  }

  /** Asks the scheduler for something as a route does. */
  async ask<T>(
    act: (engine: BatchEngine, context: Running['runtime']['context']) => T,
  ): Promise<T> {
    const { runtime } = this.batch;
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    runtime
      .turn(async () => {
        const value = act(this.engine, runtime.context);
        await runtime.context.decide(decisionOf(value));
        return value;
      })
      .then(
        (value) => (outcome = { value }),
        (error: unknown) => (outcome = { error }),
      );
    await this.simulation.until(() => outcome !== undefined, { step: 5 });
    if (outcome !== undefined && 'error' in outcome) throw outcome.error;
    return (outcome as unknown as { readonly value: T }).value;
  }

  async submit(fields: Fields, key?: string): Promise<void> {
    await this.ask((engine, context) =>
      engine.submit(documentOf(fields), key === undefined ? {} : { idempotencyKey: key }, context),
    );
  }

  async finished(name = 'job', within: `${number}m` = '30m'): Promise<JobView> {
    const isOver = (): boolean =>
      this.batch.isRunning &&
      this.batch.view.frameworkId !== undefined &&
      this.isStarted &&
      this.job(name).finishedAt !== undefined;
    await this.simulation.until(isOver, { within });
    return this.job(name);
  }

  /** Whether the scheduler has read its state. */
  get isStarted(): boolean {
    try {
      return this.engine !== undefined;
    } catch {
      return false;
    }
  }

  /** No record of a task is left, and each index of an array is in one place. */
  expectClean(): void {
    expect(this.batch.view.tasks.all().map(({ id, state }) => `${id} ${state}`)).to.deep.equal([]);
    for (const job of this.engine.book.all)
      for (const step of job.steps) step.array.assertInvariant();
  }
}

function decisionOf(value: unknown): never {
  const decision: unknown =
    typeof value === 'object' && value !== null && 'decision' in value ? value.decision : value;
  return decision as never;
}
