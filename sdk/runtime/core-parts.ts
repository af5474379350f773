/** The parts of the core, put together, and the few things that several of them need. */
import type { Offer, SchedulerCall } from '../../core/api/index.js';
import type { Random } from '../../core/base/index.js';
import type { FrameworkDefinition, HandlerDefinition, HandlerKind } from '../framework/index.js';
import type { OfferView, Offers } from '../matching/index.js';
import type { CoreContext } from './core-context.js';
import { DecisionLog } from './decision-log.js';
import { Demand } from './demand.js';
import { groupBy } from './group-by.js';
import { Kills } from './kills.js';
import type { LoadedState } from './load-state.js';
import { DECLINE_JITTER, MAX_OFFERS_PER_CALL, UNWANTED_MS } from './limits.js';
import { OperationLedger } from './operation-ledger.js';
import { OffersInHand, roleOf, rolesOf } from './offers-in-hand.js';
import { Outbox, type OutgoingCall } from './outbox.js';
import { Reconciliation } from './reconciliation.js';
import { Repositories } from './repositories.js';
import { Subscription } from './subscription.js';
import { TaskLedger } from './task-ledger.js';

/** What the core needs of matching. */
export interface Matching {
  /** The offers of one turn as handlers see them. */
  readonly offersOf: (offers: readonly Offer[]) => Offers;
  readonly viewOf: (offer: Offer) => OfferView;
}

/** Why offers are declined. */
export type DeclineReason = 'unwanted' | 'unmatched' | 'not_ready' | 'by_handler';

const NO_CALLS: readonly OutgoingCall[] = [];

export interface PartsOptions {
  readonly context: CoreContext;
  readonly definition: FrameworkDefinition;
  readonly loaded: LoadedState;
  readonly epoch: number | undefined;
  readonly send: (call: OutgoingCall) => void;
}

export class CoreParts {
  readonly context: CoreContext;
  readonly ledger: TaskLedger;
  readonly repositories: Repositories;
  readonly outbox: Outbox;
  readonly hand = new OffersInHand();
  readonly demand: Demand;
  readonly kills: Kills;
  readonly operations: OperationLedger;
  readonly reconciliation: Reconciliation;
  readonly subscription: Subscription;
  readonly log: DecisionLog;
  /** Tasks whose launch is recorded and not sent yet. */
  readonly unsent = new Set<string>();
  readonly #jitter: Random;
  readonly #handlers: ReadonlyMap<HandlerKind, readonly HandlerDefinition[]>;

  constructor({ context, definition, loaded, epoch, send }: PartsOptions) {
    this.context = context;
    this.#jitter = context.world.random.fork('decline');
    this.#handlers = groupBy(definition.handlers, ({ kind }) => kind);
    this.ledger = new TaskLedger(context.limits, loaded.tasks);
    this.repositories = new Repositories(definition.stored, loaded.values);
    this.outbox = new Outbox(context, { epoch, send });
    const say = (message: SchedulerCall): void => this.say(message);
    this.demand = new Demand(context, {
      isAnythingWanted: this.handlers('offers').length > 0,
      send: say,
    });
    this.kills = new Kills(context, this.ledger, say);
    this.operations = new OperationLedger(context, { stored: loaded.operations, send: say });
    const { ledger, unsent } = this;
    this.reconciliation = new Reconciliation(context, { ledger, unsent, send: say });
    this.subscription = new Subscription(context);
    this.log = new DecisionLog(context.limits.maxDecisions);
  }

  handlers(kind: HandlerKind): readonly HandlerDefinition[] {
    return this.#handlers.get(kind) ?? [];
  }

  /** Sends a call when what was decided before it is durable. */
  say(message: SchedulerCall): void {
    this.outbox.add({ calls: [{ message }] });
  }

  /** Declines offers, each for the time that its role and the reason call for. */
  decline(offers: readonly Offer[], isReady: boolean): readonly OutgoingCall[] {
    const { settings } = this.context;
    if (offers.length === 0) return NO_CALLS;
    const groups = isReady ? this.#byDemand(offers) : [['not_ready', offers] as const];
    const calls: OutgoingCall[] = [];
    for (const [reason, group] of groups) {
      const forMs = {
        unwanted: UNWANTED_MS,
        unmatched: settings.unmatchedForMs,
        not_ready: settings.notReadyForMs,
        by_handler: settings.unmatchedForMs,
      }[reason];
      calls.push(...this.declineFor(group, forMs, reason));
    }
    return calls;
  }

  /** Apart, when some are of roles that want offers, and some are not. */
  #byDemand(offers: readonly Offer[]): Iterable<readonly [DeclineReason, readonly Offer[]]> {
    const reasons = new Map<string, DeclineReason>();
    for (const role of rolesOf(offers)) {
      reasons.set(role, this.demand.isWanted(role) ? 'unmatched' : 'unwanted');
    }
    const [first, ...others] = new Set(reasons.values());
    if (first !== undefined && others.length === 0) return [[first, offers]];
    return groupBy(offers, (offer) => reasons.get(roleOf(offer)) ?? 'unmatched');
  }

  /** Declines offers for a time. */
  declineFor(
    offers: readonly Offer[],
    forMs: number,
    reason: DeclineReason,
  ): readonly OutgoingCall[] {
    this.context.counters.count(`offers_declined_${reason}`, offers.length);
    const ms = reason === 'by_handler' ? forMs : this.jittered(forMs);
    for (const role of rolesOf(offers)) this.demand.declined(role, ms);
    const calls: OutgoingCall[] = [];
    for (let from = 0; from < offers.length; from += MAX_OFFERS_PER_CALL) {
      const offer_ids = offers.slice(from, from + MAX_OFFERS_PER_CALL).map(({ id }) => id);
      const filters = { refuse_seconds: ms / 1000 };
      const { session } = this.subscription;
      calls.push({ message: { type: 'DECLINE', decline: { offer_ids, filters } }, session });
    }
    return calls;
  }

  /** For how long what an ACCEPT leaves is not wanted. */
  refuseMs(role: string): number {
    const { unmatchedForMs } = this.context.settings;
    const ms = this.jittered(this.demand.isWanted(role) ? unmatchedForMs : UNWANTED_MS);
    this.demand.used(role, ms);
    return ms;
  }

  /** A little longer, so that many offers do not come back at one moment. */
  jittered(ms: number): number {
    return Math.round(ms * (1 + this.#jitter.next() * DECLINE_JITTER));
  }
}
