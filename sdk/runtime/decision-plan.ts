/**
 * Reads a decision: sorts it, merges what belongs together, and refuses what cannot be done, before
 * anything of it is carried out.
 */
import type { Offer, OfferOperation, TaskInfo } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import {
  type AcceptAction,
  type Action,
  type MaintenanceAction,
  type MessageAction,
  type PlannedTask,
  type ShutdownExecutorAction,
  type StopAction,
  type Want,
  durationMs,
} from '../decisions/index.js';
import { actionProblem, wantProblem } from './check-action.js';
import { type OffersInHand, roleOf } from './offers-in-hand.js';
import type { TaskLedger } from './task-ledger.js';
import { type StatedWants, joinWants } from './wants.js';

/** One ACCEPT call. */
export interface PlannedAccept {
  readonly offers: Offer[];
  readonly operations: OfferOperation[];
  readonly tasks: PlannedTask[];
  /** The shortest time that any of its parts asked for. */
  refuseMs: number | undefined;
  /** One of its offers was taken back: it comes too late. */
  isLate: boolean;
}

/** Everything that a decision asks for. */
export interface DecisionPlan {
  readonly accepts: readonly PlannedAccept[];
  readonly holds: readonly { readonly offer: Offer; readonly forMs: number }[];
  readonly declines: readonly { readonly offer: Offer; readonly forMs: number | undefined }[];
  readonly kills: readonly { readonly taskId: string; readonly graceMs: number | undefined }[];
  readonly messages: readonly (MessageAction | ShutdownExecutorAction)[];
  readonly maintenance: readonly MaintenanceAction[];
  /** What is wanted; undefined: nothing was said. */
  readonly wants: StatedWants | undefined;
  /** Tasks to ask the master about; `[]`: all; undefined: none. */
  readonly reconcile: readonly string[] | undefined;
  readonly forget: readonly string[];
  readonly stop: StopAction | undefined;
  /** When to ask `@OnOffers` again, in milliseconds from now; the soonest that was asked for. */
  readonly wakeMs: number | undefined;
}

export interface PlanFacts {
  readonly hand: OffersInHand;
  readonly ledger: TaskLedger;
  /** Of the framework: nothing is offered to it for others. */
  readonly roles: readonly string[];
}

/**
 * @throws PlateauError `INVALID_DECISION` naming the offer or task, `INVALID_DURATION`. Nothing has been
 *   changed then.
 */
export function planDecision(actions: readonly Action[], facts: PlanFacts): DecisionPlan {
  const planner = new DecisionPlanner(facts);
  for (const action of actions) planner.add(action);
  return planner.plan();
}

class DecisionPlanner {
  readonly #facts: PlanFacts;
  /** The accept that an offer is part of. */
  readonly #accepts = new Map<string, PlannedAccept>();
  readonly #holds = new Map<string, { offer: Offer; forMs: number }>();
  readonly #declines = new Map<string, { offer: Offer; forMs: number | undefined }>();
  readonly #kills = new Map<string, { taskId: string; graceMs: number | undefined }>();
  readonly #messages: (MessageAction | ShutdownExecutorAction)[] = [];
  readonly #maintenance: MaintenanceAction[] = [];
  readonly #launched = new Set<string>();
  readonly #forget: string[] = [];
  #wants: StatedWants | undefined;
  #reconcile: readonly string[] | undefined;
  #stop: StopAction | undefined;
  #wakeMs: number | undefined;

  constructor(facts: PlanFacts) {
    this.#facts = facts;
  }

  add(action: Action): void {
    const problem = actionProblem(action);
    if (problem !== undefined) throw invalid(problem, { action: action.kind });
    switch (action.kind) {
      case 'accept':
        return this.#accept(action);
      case 'hold':
        return this.#hold(
          action.offerIds.map(({ value }) => value),
          durationMs(action.for, 'hold.for'),
        );
      case 'decline':
        return this.#decline(
          action.offerIds.map(({ value }) => value),
          action.for === undefined ? undefined : durationMs(action.for, 'decline.for'),
        );
      case 'kill': {
        const { taskId, grace } = action;
        const graceMs = grace === undefined ? undefined : durationMs(grace, 'kill.grace');
        this.#kills.set(taskId, { taskId, graceMs });
        return;
      }
      case 'message':
      case 'shutdown-executor':
        this.#messages.push(action);
        return;
      case 'want':
        return this.#want(action.wants, action.replaces);
      case 'wake':
        this.#wakeMs = Math.min(this.#wakeMs ?? Infinity, durationMs(action.after, 'wake.after'));
        return;
      case 'accept-maintenance':
      case 'decline-maintenance':
        if (action.refuseFor !== undefined) durationMs(action.refuseFor, 'refuseFor');
        this.#maintenance.push(action);
        return;
      case 'reconcile':
        this.#addReconcile(action.taskIds);
        return;
      case 'forget':
        this.#forget.push(...action.taskIds);
        return;
      case 'stop':
        if (this.#stop?.teardown !== true) this.#stop = action;
        return;
      default:
        throw invalid(`'${kindOf(action)}' is not a kind of action`, {});
    }
  }

  plan(): DecisionPlan {
    return {
      accepts: [...new Set(this.#accepts.values())],
      holds: [...this.#holds.values()],
      declines: [...this.#declines.values()],
      kills: [...this.#kills.values()],
      messages: this.#messages,
      maintenance: this.#maintenance,
      wants: this.#wants,
      reconcile: this.#reconcile,
      forget: this.#forget,
      stop: this.#stop,
      wakeMs: this.#wakeMs,
    };
  }

  #accept(action: AcceptAction): void {
    const ids = action.offerIds.map(({ value }) => value);
    if (ids.length === 0) throw invalid('an accept names no offer', {});
    for (const id of ids) this.#checkFree(id, 'accept');
    this.#checkTasks(action);
    const refuseMs =
      action.refuseFor === undefined ? undefined : durationMs(action.refuseFor, 'refuseFor');
    const accept = this.#acceptOf(ids);
    for (const id of ids) {
      const offer = this.#find(id);
      if (offer === undefined) accept.isLate = true;
      else if (!accept.offers.includes(offer)) accept.offers.push(offer);
      this.#accepts.set(id, accept);
    }
    accept.operations.push(...action.operations);
    accept.tasks.push(...action.tasks);
    if (refuseMs !== undefined) accept.refuseMs = Math.min(accept.refuseMs ?? refuseMs, refuseMs);
    checkOneAgent(accept.offers);
  }

  /** The accept to which these offers belong: several are made one. */
  #acceptOf(ids: readonly string[]): PlannedAccept {
    const accept: PlannedAccept = {
      offers: [],
      operations: [],
      tasks: [],
      refuseMs: undefined,
      isLate: false,
    };
    const parts = new Set(ids.flatMap((id) => this.#accepts.get(id) ?? []));
    const [first] = parts;
    if (parts.size === 1 && first !== undefined) return first;
    for (const part of parts) {
      accept.offers.push(...part.offers);
      accept.operations.push(...part.operations);
      accept.tasks.push(...part.tasks);
      accept.refuseMs = part.refuseMs ?? accept.refuseMs;
      accept.isLate ||= part.isLate;
      for (const [id, owner] of this.#accepts) if (owner === part) this.#accepts.set(id, accept);
    }
    return accept;
  }

  #checkTasks({ tasks, operations }: AcceptAction): void {
    for (const { id } of tasks) {
      if (this.#launched.has(id) || this.#facts.ledger.get(id) !== undefined) {
        throw invalid(`task '${id}' is launched twice: give each launch an id of its own`, {
          taskId: id,
        });
      }
      this.#launched.add(id);
    }
    // Mostly the same ones in the same order.
    let place = 0;
    for (const id of launchedIds(operations)) {
      if (tasks[place++]?.id === id || tasks.some((task) => task.id === id)) continue;
      throw invalid(`task '${id}' is launched and not among the accept's tasks`, { taskId: id });
    }
  }

  #hold(ids: readonly string[], forMs: number): void {
    for (const id of ids) {
      this.#checkFree(id, 'hold');
      const offer = this.#find(id);
      if (offer !== undefined) this.#holds.set(id, { offer, forMs });
    }
  }

  #decline(ids: readonly string[], forMs: number | undefined): void {
    for (const id of ids) {
      this.#checkFree(id, 'decline');
      const offer = this.#find(id);
      if (offer !== undefined) this.#declines.set(id, { offer, forMs });
    }
  }

  #want(wants: readonly Want[], replaces: 'all' | 'some'): void {
    for (const want of wants) {
      const problem = wantProblem(want, this.#facts.roles);
      if (problem !== undefined) {
        throw invalid(`want '${want.name}': ${problem}`, { want: want.name });
      }
    }
    this.#wants = joinWants(this.#wants, { wants, replaces });
  }

  #addReconcile(taskIds: readonly string[] | undefined): void {
    const isAll = taskIds === undefined || this.#reconcile?.length === 0;
    this.#reconcile = isAll ? [] : [...(this.#reconcile ?? []), ...taskIds];
  }

  #find(id: string): Offer | undefined {
    const { hand } = this.#facts;
    const offer = hand.find(id);
    if (offer !== undefined || hand.isGone(id)) return offer;
    throw invalid(
      `offer '${id}' is not in hand: it was answered before, or never made. Decide about the offers of ` +
        'this call, or hold them',
      { offerId: id },
    );
  }

  #checkFree(id: string, use: 'accept' | 'hold' | 'decline'): void {
    const other =
      (this.#holds.has(id) && 'held') ||
      (this.#declines.has(id) && 'declined') ||
      (use !== 'accept' && this.#accepts.has(id) && 'accepted');
    if (other === false) return;
    throw invalid(`offer '${id}' is used twice: it is ${other} already`, { offerId: id });
  }
}

function checkOneAgent(offers: readonly Offer[]): void {
  const [first, ...others] = offers;
  if (first === undefined) return;
  for (const other of others) {
    const isSame = other.agent_id.value === first.agent_id.value && roleOf(other) === roleOf(first);
    if (isSame) continue;
    throw invalid(
      `offers '${first.id.value}' and '${other.id.value}' are of different agents or roles: accept ` +
        'them one by one',
      { offerId: other.id.value },
    );
  }
}

/** Ids of the tasks that operations launch. */
function launchedIds(operations: readonly OfferOperation[]): readonly string[] {
  const ids: string[] = [];
  for (const { launch, launch_group: group } of operations) {
    for (const { task_id } of launch?.task_infos ?? NO_TASKS) ids.push(task_id.value);
    for (const { task_id } of group?.task_group.tasks ?? NO_TASKS) ids.push(task_id.value);
  }
  return ids;
}

const NO_TASKS: readonly TaskInfo[] = [];

function kindOf(action: never): string {
  const kind: unknown = Reflect.get(Object(action), 'kind');
  return typeof kind === 'string' ? kind : typeof action;
}

function invalid(problem: string, context: Readonly<Record<string, string>>): PlateauError {
  return new PlateauError('INVALID_DECISION', `The decision cannot be carried out: ${problem}.`, {
    context,
  });
}
