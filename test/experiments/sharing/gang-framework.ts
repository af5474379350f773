/**
 * A framework for rigid parallel jobs: all tasks of a gang start together or none does. It holds what
 * it is offered until there is room for the whole gang, the oldest one first, and gives back what is
 * too much. A hold that does not get there in time ends, so that nothing lies idle for long.
 */
import { assert } from '../../../core/base/index.js';
import { countFitting } from '../model/amounts.js';
import type { Framework, FrameworkPort, OfferView, TaskRequest } from '../model/framework.js';
import type { DoneJob } from '../model/jobs.js';
import type { GangSpec } from './workload.js';

export interface GangFrameworkOptions {
  readonly name: string;
  readonly submissions: readonly { readonly atMs: number; readonly gang: GangSpec }[];
}

/** A hold ends after this time without a launch. */
export const LONGEST_HOLD_MS = 20_000;
/** What a hold gave up, and what does not fit, is refused for this long. */
const REFUSE_SECONDS = 5;

interface OpenGang {
  readonly spec: GangSpec;
  readonly number: number;
  readonly submittedMs: number;
  running: number;
}

export class GangFramework implements Framework {
  readonly name: string;
  readonly done: DoneJob[] = [];
  readonly #options: GangFrameworkOptions;
  readonly #queue: OpenGang[] = [];
  readonly #gangOf = new Map<string, OpenGang>();
  #held: OfferView[] = [];
  #holds = 0;
  #port: FrameworkPort | undefined;
  #submitted = 0;

  constructor(options: GangFrameworkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Whether all gangs were submitted and are done. */
  get isDone(): boolean {
    return this.done.length === this.#options.submissions.length;
  }

  /** Offers that it holds now. */
  get heldOffers(): number {
    return this.#held.length;
  }

  start(port: FrameworkPort): void {
    this.#port = port;
    for (const { atMs, gang } of this.#options.submissions) {
      const delayMs = atMs - port.nowMs();
      if (delayMs <= 0) this.#submit(gang);
      else port.setTimer(delayMs, () => this.#submit(gang));
    }
    if (this.#queue.length === 0) port.suppress();
  }

  offered(offers: readonly OfferView[]): void {
    if (this.#held.length === 0 && offers.length > 0) this.#limitHold();
    this.#held.push(...offers);
    for (let gang = this.#queue[0]; gang !== undefined && this.#launches(gang);) {
      this.#queue.shift();
      gang = this.#queue[0];
    }
    const demand = this.#queue[0]?.spec.demand;
    const isUseful = (offer: OfferView): boolean =>
      demand !== undefined && countFitting(offer.free, demand) > 0;
    for (const offer of this.#held.filter((each) => !isUseful(each))) this.#refuse(offer);
    this.#held = this.#held.filter(isUseful);
  }

  taskEnded(taskId: string): void {
    const gang = this.#gangOf.get(taskId);
    assert(gang, `${this.name}: unknown task ${taskId}`);
    this.#gangOf.delete(taskId);
    gang.running -= 1;
    if (gang.running > 0) return;
    const { spec, submittedMs } = gang;
    this.done.push({ kind: spec.kind, submittedMs, endedMs: this.#port?.nowMs() ?? 0 });
  }

  #submit(spec: GangSpec): void {
    const submittedMs = this.#port?.nowMs() ?? 0;
    this.#queue.push({ spec, number: this.#submitted++, submittedMs, running: 0 });
    if (this.#queue.length === 1) this.#port?.revive();
  }

  /** Launches the gang if what is held has room for all of it. */
  #launches(gang: OpenGang): boolean {
    const { demand, tasks } = gang.spec;
    const room = this.#held.reduce((sum, { free }) => sum + countFitting(free, demand), 0);
    if (room < tasks) return false;
    for (const offer of this.#held) {
      const count = Math.min(tasks - gang.running, countFitting(offer.free, demand));
      // An offer of which the gang uses nothing goes back by an empty launch: others may have it soon.
      this.#port?.accept(
        offer,
        Array.from({ length: count }, () => this.#task(gang)),
      );
    }
    this.#held = [];
    this.#holds += 1;
    if (this.#queue.length === 1) this.#port?.suppress();
    return true;
  }

  #task(gang: OpenGang): TaskRequest {
    const { demand, durationMs } = gang.spec;
    const taskId = `${this.name}.${gang.number}.${gang.running++}`;
    this.#gangOf.set(taskId, gang);
    return { id: taskId, demand, usage: demand, durationMs };
  }

  #limitHold(): void {
    const hold = ++this.#holds;
    this.#port?.setTimer(LONGEST_HOLD_MS, () => {
      if (hold !== this.#holds) return;
      this.#holds += 1;
      for (const offer of this.#held) this.#refuse(offer);
      this.#held = [];
    });
  }

  #refuse(offer: OfferView): void {
    this.#port?.decline(offer, REFUSE_SECONDS);
  }
}
