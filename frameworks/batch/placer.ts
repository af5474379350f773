/**
 * Puts tasks on offers: jobs by priority and submission, indexes in order, those that failed away from the
 * agent where they did. What found no place is kept with its reasons.
 */
import {
  type Decision,
  type Offers,
  type Placement,
  type Refusal,
  type TaskView,
  type Want,
  wake,
  want,
  wantNothing,
} from '../../sdk/index.js';
import type { AgentBook } from './agent-book.js';
import type { Job } from './job.js';
import type { JobBook } from './job-book.js';
import { AVOID_AGENT_MS, KEEP_WANTING_MS, MAX_WAITING_SHAPES } from './limits.js';
import type { Step } from './step.js';
import { nextAttempt, shapeOf, taskSpecOf } from './task-specs.js';

/** Tasks that are described at a time; doubles as long as all of them find a place. */
const FIRST_BATCH = 8;
const MAX_BATCH = 4_096;
/** No wait is longer: the clock may have been set meanwhile. */
const MAX_WAKE_MS = 3_600_000;

/** Why a step found no place when it was last looked at. */
export interface Explained {
  readonly at: number;
  readonly refusals: readonly Refusal[];
}

interface Launched {
  readonly job: Job;
  readonly step: Step;
  readonly index: number;
  readonly taskId: string;
}

/** What placements of a turn share. */
interface Round {
  readonly offers: Offers;
  readonly nowMs: number;
  readonly placements: Placement[];
  /** Shapes for which there is no room. */
  readonly full: Map<string, Step>;
  /** For what offers stay wanted though nothing may be started now. */
  readonly wants: Want[];
  /** When an index may use the agent again that it avoids. */
  avoidUntil: number | undefined;
}

export class Placer {
  readonly #book: JobBook;
  readonly #agents: AgentBook;
  #launched: Launched[] = [];
  readonly #explained = new WeakMap<Step, Explained>();
  readonly #behind = new WeakMap<Step, string>();
  #avoidUntil: number | undefined;

  constructor(book: JobBook, agents: AgentBook) {
    this.#book = book;
    this.#agents = agents;
  }

  /** Why a step waits for offers; undefined: it does not, or was not looked at. */
  explanationOf(step: Step): Explained | undefined {
    return this.#explained.get(step);
  }

  /** Name of the job of the same needs that comes first. */
  behind(step: Step): string | undefined {
    return this.#behind.get(step);
  }

  /** Indexes whose tasks were placed in the last turn on offers that were gone by then. */
  *unlaunched(tasks: TaskView): IterableIterator<readonly [index: number, step: Step, job: Job]> {
    const launched = this.#launched;
    this.#launched = [];
    for (const { job, step, index, taskId } of launched) {
      const isLive = step.array.live.get(index)?.taskId === taskId;
      if (isLive && tasks.get(taskId) === undefined) yield [index, step, job];
    }
  }

  /** Starts what can be started. */
  place(offers: Offers, nowMs: number): Decision {
    this.#agents.noteOffers(offers, nowMs);
    const round: Round = {
      offers,
      nowMs,
      placements: [],
      full: new Map(),
      wants: [],
      avoidUntil: undefined,
    };
    for (const job of this.#book.active) {
      if (!job.mayStart) continue;
      for (const step of job.openSteps()) {
        if (round.full.size < MAX_WAITING_SHAPES) this.#placeStep(job, step, round);
      }
    }
    this.#avoidUntil = round.avoidUntil;
    const wants = round.wants.length === 0 ? [] : [want(...round.wants)];
    return [round.placements.length === 0 ? wantNothing() : round.placements, wants];
  }

  /** When there is something to do without anything having happened. */
  wakeAt(nowMs: number): Decision {
    let next = this.#book.nextExpiryAt;
    if (this.#avoidUntil !== undefined) next = Math.min(next, this.#avoidUntil);
    for (const job of this.#book.active) {
      next = Math.min(next, job.deadlineAt ?? next, job.nextReplacementAt ?? next);
      next = Math.min(next, job.nextReleaseAt ?? next);
      if (!job.mayStart) continue;
      for (const { array } of job.steps) next = Math.min(next, array.nextDueAt ?? next);
    }
    if (next === Number.POSITIVE_INFINITY) return undefined;
    return wake({ after: Math.min(MAX_WAKE_MS, Math.max(1, Math.ceil(next - nowMs))) });
  }

  #placeStep(job: Job, step: Step, round: Round): void {
    if (step.array.pending === 0) return;
    const room = Math.min(step.room, job.room);
    if (room <= 0) {
      if (step.lastEndedAt + KEEP_WANTING_MS > round.nowMs) round.wants.push(wantOf(step));
      return;
    }
    const shape = shapeOf(step);
    const first = round.full.get(shape);
    if (first !== undefined) {
      this.#behind.set(step, first.taskName);
      return;
    }
    this.#behind.delete(step);
    const before = round.placements.length;
    let left = this.#placeReady(job, step, { round, room });
    if (left > 0) left = this.#placeFresh(job, step, { round, room: left });
    const refusals = round.placements
      .slice(before)
      .flatMap(({ unplaced }) => unplaced.flatMap((each) => each.refusals));
    if (refusals.length === 0) {
      this.#explained.delete(step);
      return;
    }
    round.full.set(shape, step);
    this.#explain(step, refusals, round.nowMs);
  }

  /** That there was no offer does not displace what the last offers lacked. */
  #explain(step: Step, refusals: readonly Refusal[], at: number): void {
    const hadOffers = refusals.some(({ reason }) => reason !== 'NO_OFFERS');
    if (hadOffers || !this.#explained.has(step)) this.#explained.set(step, { at, refusals });
  }

  /** Indexes that are tried again. Returns how many others may be started. */
  #placeReady(
    job: Job,
    step: Step,
    { round, room }: { readonly round: Round; readonly room: number },
  ): number {
    const { ready } = step.array;
    let left = room;
    let size = round.offers.isEmpty ? 1 : FIRST_BATCH;
    for (; left > 0 && !ready.isEmpty; size *= 2) {
      const indexes = ready.take(Math.min(size, left, MAX_BATCH));
      const { placed, isFull } = this.#placeGroups(job, step, { round, indexes });
      left -= placed;
      if (isFull) return 0;
      if (placed < indexes.length) break;
    }
    return left;
  }

  /** `isFull`: some found no place though any would do, so that those that follow find none. */
  #placeGroups(
    job: Job,
    step: Step,
    { round, indexes }: { readonly round: Round; readonly indexes: readonly number[] },
  ): { readonly placed: number; readonly isFull: boolean } {
    const groups = new Map<string, number[]>();
    for (const index of indexes) {
      const avoided = this.#avoided(job, step, { index, round }) ?? '';
      const group = groups.get(avoided);
      if (group === undefined) groups.set(avoided, [index]);
      else group.push(index);
    }
    let placed = 0;
    let isFull = false;
    for (const [avoided, members] of groups) {
      const count = this.#fit(job, step, { round, indexes: members, avoided });
      placed += count;
      isFull ||= avoided === '' && count < members.length;
    }
    return { placed, isFull };
  }

  /** The agent that an index stays away from. */
  #avoided(
    job: Job,
    step: Step,
    { index, round }: { readonly index: number; readonly round: Round },
  ): string | undefined {
    const retry = step.array.retryOf(index);
    if (retry === undefined || !job.document.avoidLastAgent) return undefined;
    const agentId = this.#agents.idOf(retry.agent);
    const until = retry.dueAt + AVOID_AGENT_MS;
    if (agentId === undefined || until <= round.nowMs) return undefined;
    if (!this.#agents.hasOthers(agentId)) return undefined;
    round.avoidUntil = Math.min(round.avoidUntil ?? until, until);
    return agentId;
  }

  #placeFresh(
    job: Job,
    step: Step,
    { round, room }: { readonly round: Round; readonly room: number },
  ): number {
    const { fresh } = step.array;
    let left = room;
    for (let size = round.offers.isEmpty ? 1 : FIRST_BATCH; left > 0 && !fresh.isEmpty; size *= 2) {
      const indexes = fresh.take(Math.min(size, left, MAX_BATCH));
      const placed = this.#fit(job, step, { round, indexes, avoided: '' });
      left -= placed;
      if (placed < indexes.length) break;
    }
    return left;
  }

  /** Returns how many were placed. */
  #fit(
    job: Job,
    step: Step,
    {
      round,
      indexes,
      avoided,
    }: { readonly round: Round; readonly indexes: readonly number[]; readonly avoided: string },
  ): number {
    const { offers, placements, nowMs } = round;
    const specs = indexes.map((index) => taskSpecOf(job, step, index));
    const where = avoided === '' ? {} : { where: isElsewhere(avoided) };
    const placement = offers.fit(specs, where);
    placements.push(placement);
    for (const { id: taskId, spec, view } of placement.placed) {
      const index = Number(spec.key);
      const attempt = nextAttempt(step, index);
      const agent = this.#agents.numberOf(view);
      const state = 'LAUNCHING';
      const unreachableSince = undefined;
      const task = { taskId, attempt, agent, launchedAt: nowMs, state, unreachableSince } as const;
      step.array.launched(index, { ...task });
      this.#launched.push({ job, step, index, taskId });
    }
    return placement.placed.length;
  }
}

function wantOf({ taskName, array, template }: Step): Want {
  const { cpus, memMiB } = template;
  return { name: taskName, count: array.pending, cpus, memMiB };
}

function isElsewhere(agentId: string): (view: { readonly agentId: string }) => boolean {
  return (view) => view.agentId !== agentId;
}
