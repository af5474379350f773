/** Carries a plan out: changes the ledger, takes offers out of hand, and makes the calls. */
import type { Offer, SchedulerCall } from '../../core/api/index.js';
import { type PlannedTask, durationMs, isEnded } from '../decisions/index.js';
import { say } from './core-context.js';
import type { CoreParts } from './core-parts.js';
import type { DecisionPlan, PlannedAccept } from './decision-plan.js';
import { groupBy } from './group-by.js';
import { killCall } from './kills.js';
import { MAX_HOLD_MS } from './limits.js';
import { roleOf } from './offers-in-hand.js';
import type { OutgoingCall } from './outbox.js';

/** What became of a plan. */
export interface CarriedOut {
  readonly launched: readonly PlannedTask[];
  readonly killed: readonly string[];
  readonly held: number;
  readonly declined: number;
  /** An offer was taken back before: what was to run on it is still wanted. */
  readonly isLate: boolean;
}

/**
 * Carries out all of a plan but wants, stop and wake, which belong to the turn. ACCEPT calls without a
 * time of their own are completed by `completeAccepts` when the wants of the turn are known.
 */
export function carryOut(parts: CoreParts, plan: DecisionPlan, calls: OutgoingCall[]): CarriedOut {
  const launched: PlannedTask[] = [];
  let isLate = false;
  for (const accept of plan.accepts) {
    isLate ||= accept.isLate;
    if (!accept.isLate) {
      calls.push(launch(parts, accept));
      launched.push(...accept.tasks);
    }
  }
  for (const { offer, forMs } of plan.holds) hold(parts, offer, forMs);
  calls.push(...declines(parts, plan));
  const killed = plan.kills.filter(({ taskId, graceMs }) =>
    kill(parts, calls, { taskId, graceMs }),
  );
  for (const message of messages(plan)) calls.push({ message });
  parts.context.counters.count('messages', plan.messages.length);
  for (const taskId of plan.forget) forget(parts, taskId);
  if (plan.reconcile?.length === 0) parts.reconciliation.askAll();
  else if (plan.reconcile !== undefined) parts.reconciliation.ask(plan.reconcile);
  return {
    launched,
    killed: killed.map(({ taskId }) => taskId),
    held: plan.holds.length,
    declined: plan.declines.length,
    isLate,
  };
}

function launch(parts: CoreParts, accept: PlannedAccept): OutgoingCall {
  const { context, ledger, hand, unsent } = parts;
  const nowMs = context.world.clock.now();
  for (const { id } of accept.offers) hand.take(id.value);
  for (const task of accept.tasks) {
    // What is spread comes last: the engine then gives all records one shape, and reads them fast.
    ledger.put({ state: 'LAUNCHING', launchedAt: nowMs, updatedAt: nowMs, ...task });
    unsent.add(task.id);
  }
  const agentId = accept.offers[0]?.agent_id.value ?? '';
  const operations = parts.operations.record(accept.operations, agentId);
  context.counters.count('offers_accepted', accept.offers.length);
  const filters =
    accept.refuseMs === undefined ? undefined : { refuse_seconds: accept.refuseMs / 1000 };
  return {
    message: {
      type: 'ACCEPT',
      accept: {
        offer_ids: accept.offers.map(({ id }) => id),
        operations,
        filters,
      },
    },
    launched: accept.tasks.map(({ id }) => id),
    operations: operations.flatMap(({ id }) => id?.value ?? []),
    session: parts.subscription.session,
    role: accept.offers[0] === undefined ? undefined : roleOf(accept.offers[0]),
  };
}

/** Gives ACCEPT calls the time for which what they leave is not wanted. */
export function completeAccepts(parts: CoreParts, calls: OutgoingCall[]): void {
  for (const [index, call] of calls.entries()) {
    const { accept } = call.message;
    if (accept === undefined || accept.filters !== undefined || call.role === undefined) continue;
    const filters = { refuse_seconds: parts.refuseMs(call.role) / 1000 };
    calls[index] = { ...call, message: { ...call.message, accept: { ...accept, filters } } };
  }
}

function hold(parts: CoreParts, offer: Offer, forMs: number): void {
  const { clock } = parts.context.world;
  parts.hand.hold(offer, clock.elapsed() + Math.min(forMs, MAX_HOLD_MS));
  parts.context.counters.count('offers_held');
}

function declines(parts: CoreParts, plan: DecisionPlan): readonly OutgoingCall[] {
  for (const { offer } of plan.declines) parts.hand.take(offer.id.value);
  const timed = plan.declines.filter(({ forMs }) => forMs !== undefined);
  const groups = groupBy(timed, ({ forMs }) => forMs ?? 0);
  const calls = [...groups].flatMap(([forMs, group]) =>
    parts.declineFor(
      group.map(({ offer }) => offer),
      forMs,
      'by_handler',
    ),
  );
  const others = plan.declines.filter(({ forMs }) => forMs === undefined);
  const derived = parts.decline(
    others.map(({ offer }) => offer),
    true,
  );
  return [...calls, ...derived];
}

/** Notes the wish in the record, and asks for it. Returns false when there is nothing to end. */
function kill(
  parts: CoreParts,
  calls: OutgoingCall[],
  { taskId, graceMs }: { readonly taskId: string; readonly graceMs: number | undefined },
): boolean {
  const { ledger, context, kills } = parts;
  const task = ledger.stored(taskId);
  if (task === undefined || isEnded(task.state)) {
    say(context, 'info', 'not killing a task that is not there', { taskId });
    return false;
  }
  const killed = {
    ...task,
    killedAt: task.killedAt ?? context.world.clock.now(),
    killGraceMs: graceMs ?? task.killGraceMs,
  };
  if (task.killedAt !== undefined && killed.killGraceMs === task.killGraceMs) return false;
  ledger.put(killed);
  kills.add(taskId);
  context.counters.count('kills');
  calls.push({ message: killCall(killed) });
  return true;
}

function messages(plan: DecisionPlan): readonly SchedulerCall[] {
  const sent = plan.messages.map((action): SchedulerCall => {
    const agent_id = { value: action.agentId };
    const executor_id = { value: action.executorId };
    return action.kind === 'message'
      ? { type: 'MESSAGE', message: { agent_id, executor_id, data: action.data } }
      : { type: 'SHUTDOWN', shutdown: { agent_id, executor_id } };
  });
  const answers = plan.maintenance.map((action): SchedulerCall => {
    const { kind, inverseOfferIds: inverse_offer_ids, refuseFor } = action;
    const filters =
      refuseFor === undefined ? undefined : { refuse_seconds: durationMs(refuseFor) / 1000 };
    const answer = { inverse_offer_ids, filters };
    return kind === 'accept-maintenance'
      ? { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: answer }
      : { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: answer };
  });
  return [...sent, ...answers];
}

function forget(parts: CoreParts, taskId: string): void {
  const { ledger, context } = parts;
  const task = ledger.get(taskId);
  if (task === undefined) return;
  if (!isEnded(task.state)) {
    say(context, 'warn', 'not forgetting a task that has not ended', { taskId, state: task.state });
    return;
  }
  ledger.forget(taskId);
  context.counters.count('tasks_forgotten');
}
