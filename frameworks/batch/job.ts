/**
 * One job: its steps, each an array, and what it is in as a whole. Without I/O: what has to be written or
 * killed is told to a `JobSink`. Times are wall times in milliseconds since 1970.
 */
import type { TaskEnd, TaskStateName } from '../../sdk/index.js';
import type { LiveTask } from './array-state.js';
import type { Attempt } from './attempts.js';
import type { JobData } from './document.js';
import type { IndexRanges } from './index-ranges.js';
import type { JobRecord, JobState, Outcome, StoredStep } from './job-record.js';
import { RELEASE_SLOT_SECONDS } from './limits.js';
import { judge } from './retry-policy.js';
import { type Step, type Stray, stepsOf } from './step.js';

/** Who is told of changes. */
export interface JobSink {
  /** The record has changed. */
  recordChanged(job: Job): void;
  /** The state of an index is to be written. */
  indexChanged(job: Job, step: Step, index: number): void;
  /** An attempt is over, to be written with its index. */
  attemptOver(job: Job, step: Step, attempt: Attempt): void;
  /** One more of what is counted: failures, faults, tasks that were replaced while they may have run. */
  counted(
    job: Job,
    step: Step,
    one: { readonly index: number; readonly what: 'failures' | 'faults' | 'replaced' },
  ): void;
  kill(taskId: string): void;
  finished(job: Job): void;
}

export class Job {
  readonly steps: readonly Step[];
  /** By id of the task. */
  readonly strays = new Map<string, Stray>();
  #record: JobRecord;
  readonly #sink: JobSink;
  readonly #byName: ReadonlyMap<string, Step>;

  constructor(record: JobRecord, sink: JobSink, stored?: readonly (StoredStep | undefined)[]) {
    this.#record = record;
    this.#sink = sink;
    this.steps = stepsOf(record.document, stored);
    this.#byName = new Map(this.steps.map((step) => [step.name, step]));
  }

  get record(): JobRecord {
    return this.#record;
  }

  get name(): string {
    return this.#record.name;
  }

  get seq(): number {
    return this.#record.seq;
  }

  get document(): JobData {
    return this.#record.document;
  }

  get isFinished(): boolean {
    return this.#record.outcome !== undefined;
  }

  /** Tasks that count against the throttle: those that may run. */
  get load(): number {
    return this.steps.reduce((sum, step) => sum + step.load, 0);
  }

  /** How many tasks it may start now, all steps together. */
  get room(): number {
    const { parallelism } = this.document;
    return parallelism === undefined ? Number.POSITIVE_INFINITY : parallelism - this.load;
  }

  get state(): JobState {
    const { outcome, ending, waitsFor, document } = this.#record;
    if (outcome !== undefined) return outcome.state;
    if (ending !== undefined) return 'ENDING';
    if (this.load > 0) return 'RUNNING';
    if (document.suspend) return 'HELD';
    return waitsFor.length > 0 ? 'WAITING' : 'QUEUED';
  }

  /** Whether it may start tasks, as far as it depends on itself. */
  get mayStart(): boolean {
    const { outcome, ending, waitsFor, document } = this.#record;
    const isOver = outcome !== undefined || ending !== undefined;
    return !isOver && !document.suspend && waitsFor.length === 0;
  }

  /** When the job has to have ended; undefined: there is no bound, or it has not begun. */
  get deadlineAt(): number | undefined {
    const { startedAt, document, outcome, ending } = this.#record;
    const { activeDeadlineSeconds: seconds } = document;
    if (startedAt === undefined || seconds === undefined) return undefined;
    return outcome === undefined && ending === undefined ? startedAt + seconds * 1000 : undefined;
  }

  step(name: string): Step | undefined {
    return this.#byName.get(name);
  }

  /** Steps that can start tasks, by what they need. */
  *openSteps(): IterableIterator<Step> {
    for (const step of this.steps) {
      if (!step.array.isSettled && this.#needsMet(step)) yield step;
    }
  }

  /** Whether a step will never run, because one that it needs has not succeeded. */
  isSkipped(step: Step): boolean {
    return step.needs.some((name) => {
      const needed = this.#byName.get(name);
      if (needed === undefined || this.isSkipped(needed)) return true;
      return needed.array.isSettled && !needed.hasSucceeded;
    });
  }

  update(change: Partial<JobRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#sink.recordChanged(this);
  }

  /** Changes fields of the document that may be changed. */
  edit(change: Partial<Omit<JobData, 'steps'>>): void {
    this.update({ document: { ...this.document, ...change } });
  }

  setParallelism(step: Step, parallelism: number | undefined): void {
    step.parallelism = parallelism;
    const { steps, ...document } = this.document;
    if (steps === undefined) {
      const { parallelism: _before, ...rest } = document;
      this.update({ document: parallelism === undefined ? rest : { ...rest, parallelism } });
      return;
    }
    const changed = steps.map((one) => {
      if (one.name !== step.name) return one;
      const { parallelism: _before, ...rest } = one;
      return parallelism === undefined ? rest : { ...rest, parallelism };
    });
    this.update({ document: { ...document, steps: changed } });
  }

  /** It can begin, if it has not: deadlines count from now. */
  noteStart(nowMs: number): void {
    if (this.mayStart && this.#record.startedAt === undefined) this.update({ startedAt: nowMs });
  }

  /** A live task has another state that is not an end. */
  noteState(
    at: { readonly step: Step; readonly index: number; readonly taskId: string },
    state: TaskStateName,
    nowMs: number,
  ): void {
    const { step, index, taskId } = at;
    const stray = this.strays.get(taskId);
    if (stray === undefined) {
      if (step.array.live.get(index)?.taskId === taskId) step.array.noteState(index, state, nowMs);
      return;
    }
    const wasOut = stray.task.unreachableSince !== undefined;
    stray.task.state = state;
    const isOut = state === 'UNREACHABLE' || state === 'UNKNOWN';
    stray.task.unreachableSince = isOut ? (stray.task.unreachableSince ?? nowMs) : undefined;
    if (isOut !== wasOut) step.straysEnding += isOut ? -1 : 1;
    if (!isOut) holdSlot(stray, true);
    this.#review(nowMs);
  }

  /** A task has ended. */
  taskEnded(
    at: { readonly step: Step; readonly index: number; readonly taskId: string },
    ended: {
      readonly end: TaskEnd;
      readonly state: TaskStateName;
      readonly reason?: string | undefined;
      readonly message?: string | undefined;
    },
    now: { readonly nowMs: number; readonly random: number },
  ): void {
    const { step, index, taskId } = at;
    const { nowMs, random } = now;
    const stray = this.strays.get(taskId);
    const task = stray?.task ?? step.array.live.get(index);
    if (task === undefined || task.taskId !== taskId) return;
    const { attempt, agent, launchedAt } = task;
    const isReplaced = stray?.isReplaced === true;
    step.lastEndedAt = nowMs;
    const over = { index, attempt, taskId, agent, launchedAt, endedAt: nowMs, isReplaced };
    if (stray === undefined) this.#liveEnded(step, index, { end: ended.end, nowMs, random });
    else this.#strayEnded(stray, ended.end);
    this.#sink.attemptOver(this, step, { ...over, ...ended });
    this.#sink.indexChanged(this, step, index);
    this.#review(nowMs);
  }

  /** Gives up tasks that have been out of reach for too long. Others take their place. */
  replaceUnreachable(nowMs: number): void {
    const { whenUnreachable, replaceAfterSeconds } = this.document;
    if (whenUnreachable === 'wait') return;
    for (const step of this.steps) {
      if (step.array.unreachable === 0) continue;
      for (const [index, task] of step.array.live) {
        const since = task.unreachableSince;
        if (since !== undefined && since + replaceAfterSeconds * 1000 <= nowMs) {
          this.#replace(step, index, { nowMs });
        }
      }
    }
  }

  /** Lets others start in place of tasks that were given up, when nobody has heard of them for too long. */
  releaseSlots(nowMs: number): void {
    for (const stray of this.strays.values()) {
      const since = stray.task.unreachableSince;
      if (since !== undefined && since + this.#slotMs <= nowMs) holdSlot(stray, false);
    }
  }

  /** When the first of them may be; undefined: none waits for that. */
  get nextReleaseAt(): number | undefined {
    let first: number | undefined;
    for (const { holdsSlot, task } of this.strays.values()) {
      const since = holdsSlot ? task.unreachableSince : undefined;
      if (since !== undefined) first = Math.min(first ?? since, since);
    }
    return first === undefined ? undefined : first + this.#slotMs;
  }

  /** When the first unreachable task is to be replaced; undefined: none is. */
  get nextReplacementAt(): number | undefined {
    const { whenUnreachable, replaceAfterSeconds } = this.document;
    if (whenUnreachable === 'wait') return undefined;
    let first: number | undefined;
    for (const step of this.steps) {
      if (step.array.unreachable === 0) continue;
      for (const { unreachableSince: since } of step.array.live.values()) {
        if (since !== undefined) first = Math.min(first ?? since, since);
      }
    }
    return first === undefined ? undefined : first + replaceAfterSeconds * 1000;
  }

  /** Ends the job: what has not run will not, and what runs is killed. */
  end(outcome: Outcome, nowMs: number): void {
    if (this.isFinished || this.#record.ending !== undefined) return;
    this.update({ ending: outcome });
    for (const step of this.steps) this.#cancel(step, step.array.indexes);
    this.#review(nowMs);
  }

  /** Ends indexes of a step that have not ended. Returns which. */
  cancelIndexes(step: Step, indexes: IndexRanges, nowMs: number): IndexRanges {
    const ended = this.#cancel(step, indexes);
    this.#review(nowMs);
    return ended;
  }

  /** Begins anew with indexes that have ended; numbers of attempts go on. Returns how many. */
  rerun(
    selected: ReadonlyMap<Step, IndexRanges>,
    lastAttemptOf: (step: Step, index: number) => number,
  ): number {
    let count = 0;
    for (const [step, indexes] of selected) {
      const again = step.array.rerun(indexes, (index) => lastAttemptOf(step, index));
      for (const index of again) this.#sink.indexChanged(this, step, index);
      count += again.size;
    }
    if (count === 0) return 0;
    const forgivenFailures = this.steps.reduce((sum, step) => sum + step.failures, 0);
    this.update({
      forgivenFailures,
      startedAt: undefined,
      finishedAt: undefined,
      ending: undefined,
      outcome: undefined,
      // Whoever runs it again does not want it to wait again.
      waitsFor: [],
    });
    return count;
  }

  /** Looks whether it is over: after a start of the scheduler, and after each change. */
  review(nowMs: number): void {
    this.#review(nowMs);
  }

  /** Adopts a task found at a start of the scheduler. Returns false when nobody waits for it: kill it. */
  adopt(
    step: Step,
    index: number,
    found: { readonly task: LiveTask; readonly wasKilled: boolean },
  ): boolean {
    const { task, wasKilled } = found;
    const { array } = step;
    if (!array.indexes.has(index)) return false;
    const current = array.live.get(index);
    const isWanted = !wasKilled && !array.isIndexSettled(index) && current === undefined;
    if (isWanted) {
      array.found(index, task);
      return true;
    }
    this.#addStray({ step, index, task, isReplaced: !array.cancelled.has(index) });
    return false;
  }

  #needsMet(step: Step): boolean {
    return step.needs.every((name) => this.#byName.get(name)?.hasSucceeded === true);
  }

  #liveEnded(
    step: Step,
    index: number,
    {
      end,
      nowMs,
      random,
    }: { readonly end: TaskEnd; readonly nowMs: number; readonly random: number },
  ): void {
    const verdict = judge(end, step.array.spentOf(index), this.document, random);
    if (verdict.kind !== 'succeeded') {
      this.#count(step, index, verdict.isFault ? 'faults' : 'failures');
    }
    step.array.ended(index, verdict, nowMs);
  }

  #count(step: Step, index: number, what: 'failures' | 'faults' | 'replaced'): void {
    step[what]++;
    this.#sink.counted(this, step, { index, what });
  }

  /** A task that was given up has ended. If it did its work, nobody needs to do it again. */
  #strayEnded(stray: Stray, end: TaskEnd): void {
    const { step, index, task, isReplaced } = stray;
    this.strays.delete(task.taskId);
    if (task.unreachableSince === undefined) step.straysEnding--;
    holdSlot(stray, false);
    const { array } = step;
    if (end.kind !== 'success' || !isReplaced || array.isIndexSettled(index)) return;
    const other = array.live.get(index);
    array.finishedLate(index);
    if (other === undefined) return;
    this.#addStray({ step, index, task: other, isReplaced: true });
    this.#sink.kill(other.taskId);
  }

  #replace(step: Step, index: number, { nowMs }: { readonly nowMs: number }): void {
    const task = step.array.live.get(index);
    if (task === undefined) return;
    const spent = step.array.spentOf(index);
    const again = { kind: 'again', spent, waitMs: 0, isFault: true } as const;
    step.array.ended(index, again, nowMs);
    this.#count(step, index, 'replaced');
    this.#addStray({ step, index, task, isReplaced: true });
    this.#sink.kill(task.taskId);
    this.#sink.indexChanged(this, step, index);
  }

  #addStray(parts: Omit<Stray, 'holdsSlot'>): void {
    const stray = { ...parts, holdsSlot: false };
    this.strays.set(stray.task.taskId, stray);
    if (stray.task.unreachableSince === undefined) stray.step.straysEnding++;
    holdSlot(stray, true);
  }

  /** How long a task that was given up counts against the throttle after it went out of reach. */
  get #slotMs(): number {
    // Documents of earlier versions do not have it.
    return (this.document.releaseSlotAfterSeconds ?? RELEASE_SLOT_SECONDS) * 1000;
  }

  #cancel(step: Step, indexes: IndexRanges): IndexRanges {
    const live = new Map(step.array.live);
    const ended = step.array.cancel(indexes);
    for (const index of ended) {
      const task = live.get(index);
      if (task !== undefined) {
        this.#addStray({ step, index, task, isReplaced: false });
        this.#sink.kill(task.taskId);
      }
      this.#sink.indexChanged(this, step, index);
    }
    return ended;
  }

  #review(nowMs: number): void {
    if (this.isFinished) return;
    if (this.#record.ending === undefined) {
      const exceeded = this.#exceeded();
      if (exceeded !== undefined) {
        this.end(exceeded, nowMs);
        return;
      }
    }
    if (this.steps.some((step) => step.straysEnding > 0)) return;
    const isOver = this.steps.every((step) => step.array.isSettled || this.isSkipped(step));
    if (!isOver) return;
    const outcome = this.#record.ending ?? this.#verdict();
    this.update({ outcome, ending: undefined, finishedAt: nowMs });
    this.#sink.finished(this);
  }

  #exceeded(): Outcome | undefined {
    const { backoffLimit, maxFailedIndexes } = this.document;
    const sum = (count: (step: Step) => number): number =>
      this.steps.reduce((total, step) => total + count(step), 0);
    if (maxFailedIndexes !== undefined) {
      const failed = sum((step) => step.array.failed.size);
      if (failed > maxFailedIndexes) {
        const message = `${failed} indexes failed; ${maxFailedIndexes} may`;
        return { state: 'FAILED', reason: 'MaxFailedIndexesExceeded', message };
      }
    }
    if (backoffLimit === undefined) return undefined;
    const failures = sum((step) => step.failures) - this.#record.forgivenFailures;
    if (failures <= backoffLimit) return undefined;
    const message = `${failures} attempts failed; ${backoffLimit} may`;
    return { state: 'FAILED', reason: 'BackoffLimitExceeded', message };
  }

  #verdict(): Outcome {
    const failed = this.steps.reduce((sum, step) => sum + step.array.failed.size, 0);
    if (failed > 0) {
      return { state: 'FAILED', reason: 'FailedIndexes', message: `${failed} indexes failed` };
    }
    const cancelled = this.steps.reduce((sum, step) => sum + step.array.cancelled.size, 0);
    if (cancelled === 0) return { state: 'SUCCEEDED' };
    const message = `${cancelled} indexes were cancelled`;
    return { state: 'CANCELLED', reason: 'IndexesCancelled', message };
  }
}

/** Notes whether a stray counts against the throttle. */
function holdSlot(stray: Stray, holds: boolean): void {
  if (stray.holdsSlot === holds) return;
  stray.holdsSlot = holds;
  stray.step.straysHoldingSlots += holds ? 1 : -1;
}
