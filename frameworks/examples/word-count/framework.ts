/**
 * A parallel word count: map tasks on all agents count parts of the input; when the last one has ended, one
 * reduce task fetches their results from the sandboxes of the agents and adds them up. What is to be
 * counted is stored, so that a copy that is started again goes on where this one ended.
 */
import {
  type Context,
  type Disconnected,
  Every,
  Framework,
  MemoryRepository,
  OnDisconnected,
  OnOffers,
  OnStart,
  OnStatus,
  type Offers,
  type Repository,
  Stored,
  type TaskRecord,
  type TaskSpec,
  type TaskUpdate,
  forget,
  isEnded,
  sandboxUrl,
  stop,
  task,
  teardown,
} from '../../../sdk/index.js';
import { type Job, type Outcome, RESULT, type Surroundings } from './job.js';

const SIZE = { cpus: 0.2, memMiB: 64 };
/** Counting twice does no harm: what is out of reach for long is counted by another task. */
const POLICY = { again: 'lost', unreachableFor: '30s' } as const;
/** How often all is counted anew when results are gone with their agent. */
const MAX_ROUNDS = 3;

@Framework({ name: 'word-count', roles: ['examples'], failoverTimeout: '1m' })
export class WordCount {
  @Stored('job') readonly job: Repository<Job> = new MemoryRepository<Job>();
  @Stored('running') readonly runningSince: Repository<number> = new MemoryRepository<number>();
  /** How it ended; undefined: it has not, or was interrupted. */
  outcome: Outcome | undefined;
  readonly #around: Surroundings;
  #context: Context | undefined;
  #maps: readonly TaskSpec[] = [];
  #lastReason = 'no master has answered';

  constructor(around: Surroundings) {
    this.#around = around;
  }

  @OnStart() begin(context: Context) {
    this.#context = context;
    const { parts, programs } = this.#around;
    const job = this.job.get('job') ?? { parts, startedAt: context.clock.now(), round: 1 };
    this.job.set('job', job);
    this.#maps = job.parts.map((files, index) =>
      task({ ...SIZE, name: 'map', key: String(index), command: programs.map(files) }),
    );
  }

  @OnOffers() place(offers: Offers, { frameworkId }: Context) {
    const maps = offers.complete(this.#maps, POLICY);
    const counted = this.#counted(offers.tasks);
    if (frameworkId === undefined || counted.length < this.#maps.length) return maps;
    return [maps, offers.complete([this.#reduce(counted, frameworkId)], POLICY)];
  }

  /** The agent fetches what each map task left in its sandbox, before it starts the reduce task. */
  #reduce(counted: readonly TaskRecord[], frameworkId: string): TaskSpec {
    const uris = counted.map((map, index) => ({
      value: sandboxUrl(map, RESULT, frameworkId),
      output_file: `part-${index}.tsv`,
      extract: false,
    }));
    const { reduce } = this.#around.programs;
    return task({ ...SIZE, name: 'reduce', key: 'all', command: reduce, uris });
  }

  @OnStatus() progress({ task: { id }, state }: TaskUpdate, { clock, tasks }: Context) {
    if (state === 'RUNNING' && !this.runningSince.has(id)) this.runningSince.set(id, clock.now());
    const done = this.#counted(tasks).length;
    this.#around.onProgress(done, done < this.#maps.length ? 'counting' : 'adding up');
  }

  @OnStatus('FINISHED', { task: 'reduce', onError: 'retry', retries: 3 })
  async finish({ task: reduce }: TaskUpdate, { tasks, frameworkId = '' }: Context) {
    const text = await this.#around.read(sandboxUrl(reduce, RESULT, frameworkId));
    const { parts, startedAt } = this.job.get('job') ?? { parts: [], startedAt: 0 };
    const runningSince = new Map(this.runningSince.entries());
    const done = [...this.#counted(tasks), reduce];
    this.outcome = { kind: 'counted', text, parts, startedAt, tasks: done, runningSince };
    return this.#end(tasks.all());
  }

  @OnStatus('FAILED', 'KILLED', 'ERROR') fail(
    { task: one, state }: TaskUpdate,
    { tasks }: Context,
  ) {
    const job = this.job.get('job');
    if (job !== undefined && one.name === 'reduce' && job.round < MAX_ROUNDS) {
      // An agent may have taken results away with it: what was counted is counted again.
      this.job.set('job', { ...job, round: job.round + 1 });
      return forget(...ended(tasks.all()));
    }
    this.outcome = {
      kind: 'failed',
      reason: `${one.id} ended as ${state}: ${one.message ?? 'no message'}`,
    };
    return this.#end(tasks.all());
  }

  @Every('10s') giveUp({ frameworkId }: Context) {
    if (frameworkId !== undefined) return undefined;
    this.outcome = { kind: 'failed', reason: `gave up after 10 s: ${this.#lastReason}` };
    return stop();
  }

  @OnDisconnected() tell({ reason }: Disconnected) {
    this.#lastReason = reason;
    // The master ends the subscription of a framework that is over.
    if (this.outcome === undefined) this.#around.onDisconnected(reason);
  }

  /** Ends the job and its tasks. */
  async cancel(): Promise<void> {
    this.outcome ??= { kind: 'failed', reason: 'it was interrupted' };
    const tasks = this.#context?.tasks.all() ?? [];
    await this.#context?.decide(this.#end(tasks));
  }

  /** Nothing of the job stays: with the same store the next one begins anew. */
  #end(tasks: readonly TaskRecord[]) {
    this.job.delete('job');
    for (const [id] of this.runningSince.entries()) this.runningSince.delete(id);
    return [forget(...ended(tasks)), teardown()];
  }

  /** The map tasks that count: one for each part of the input. */
  #counted(tasks: Context['tasks']): readonly TaskRecord[] {
    return this.#maps.flatMap(({ name, key = '' }) => {
      const finished = tasks.attempts(name, key).find(({ state }) => state === 'FINISHED');
      return finished === undefined ? [] : [finished];
    });
  }
}

function ended(tasks: readonly TaskRecord[]): readonly TaskRecord[] {
  return tasks.filter(({ state }) => isEnded(state));
}
