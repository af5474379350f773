/** Why apps wait for instances: counted per app from what the matcher said. In memory: it is about now. */
import type { OfferView, Unplaced } from '../../../sdk/matching/index.js';
import { type App, portsOf } from '../apps/app.js';

/** Offers that were of no use which are shown for an app; the last of each agent. */
export const MAX_UNUSED_OFFERS = 10;

/** Marathon's reasons in its order; each offer is counted once, under the first that applies. */
const REASONS = [
  'UnfulfilledRole',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const;

export type Reason = (typeof REASONS)[number];

const BY_RESOURCE: ReadonlyMap<string, Reason> = new Map([
  ['cpus', 'InsufficientCpus'],
  ['mem', 'InsufficientMemory'],
  ['disk', 'InsufficientDisk'],
  ['gpus', 'InsufficientGpus'],
]);

const BY_REFUSAL: ReadonlyMap<string, Reason> = new Map([
  ['ROLE', 'UnfulfilledRole'],
  ['CONSTRAINT', 'UnfulfilledConstraint'],
  ['UNAVAILABLE', 'AgentMaintenance'],
  ['PORTS', 'InsufficientPorts'],
  ['PREDICATE', 'DeclinedScarceResources'],
]);

type Counts = Map<Reason, number>;

/** What one app waits for. */
export interface Waiting {
  count: number;
  /** Since when, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Nothing is launched before. */
  delayedUntilMs: number | undefined;
  processed: number;
  unused: number;
  lastUnusedAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  lastProcessed: number;
  readonly last: Counts;
  readonly attempt: Counts;
  /** The latest reasons in words. */
  words: readonly string[];
  /** The last offers that were of no use. */
  readonly offers: Map<string, UnusedOffer>;
}

/** An offer that an app could not use. */
export interface UnusedOffer {
  readonly offer: OfferView['offer'];
  readonly atMs: number;
  readonly reasons: readonly Reason[];
}

export interface RejectStep {
  readonly reason: Reason;
  readonly declined: number;
  readonly processed: number;
}

export class LaunchQueue {
  readonly #waiting = new Map<string, Waiting>();

  get(appId: string): Waiting | undefined {
    return this.#waiting.get(appId);
  }

  /** Ids of the apps that wait. */
  ids(): Iterable<string> {
    return this.#waiting.keys();
  }

  entries(): readonly (readonly [string, Waiting])[] {
    return [...this.#waiting].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }

  /** The app has all that it needs, or is gone. */
  done(appId: string): void {
    this.#waiting.delete(appId);
  }

  /** The app waits for a delay to pass. */
  delayed(appId: string, count: number, times: { nowMs: number; untilMs: number }): void {
    const waiting = this.#open(appId, times.nowMs);
    waiting.count = count;
    waiting.delayedUntilMs = times.untilMs;
  }

  /** Offers were looked at for the app. */
  looked(
    appId: string,
    result: {
      readonly offers: number;
      readonly unused?: readonly UnusedOffer[];
      readonly placed: number;
      readonly unplaced: readonly Unplaced[];
    },
    nowMs: number,
  ): void {
    const waiting = this.#open(appId, nowMs);
    const { offers, placed, unplaced } = result;
    waiting.delayedUntilMs = undefined;
    waiting.count = unplaced.reduce((sum, { count }) => sum + count, 0);
    waiting.processed += offers;
    if (placed > 0) waiting.lastUsedAtMs = nowMs;
    const refused = refusalsOf(unplaced);
    const total = [...refused.values()].reduce((sum, count) => sum + count, 0);
    waiting.unused += total;
    if (total > 0) waiting.lastUnusedAtMs = nowMs;
    if (offers > 0) {
      waiting.lastProcessed = total;
      waiting.last.clear();
      for (const [reason, count] of refused) {
        waiting.last.set(reason, count);
        waiting.attempt.set(reason, (waiting.attempt.get(reason) ?? 0) + count);
      }
      waiting.words = wordsOf(unplaced);
      for (const unused of result.unused ?? []) keepUnused(waiting.offers, unused);
    } else if (waiting.words.length === 0) {
      waiting.words = ['no offers have come yet'];
    }
    if (waiting.count === 0) this.done(appId);
  }

  #open(appId: string, nowMs: number): Waiting {
    const known = this.#waiting.get(appId);
    if (known !== undefined) return known;
    const waiting: Waiting = {
      count: 0,
      sinceMs: nowMs,
      delayedUntilMs: undefined,
      processed: 0,
      unused: 0,
      lastUnusedAtMs: undefined,
      lastUsedAtMs: undefined,
      lastProcessed: 0,
      last: new Map(),
      attempt: new Map(),
      words: [],
      offers: new Map(),
    };
    this.#waiting.set(appId, waiting);
    return waiting;
  }
}

/** The last of each agent, the oldest forgotten first. */
function keepUnused(offers: Map<string, UnusedOffer>, unused: UnusedOffer): void {
  const agent = unused.offer.agent_id.value;
  offers.delete(agent);
  offers.set(agent, unused);
  if (offers.size <= MAX_UNUSED_OFFERS) return;
  for (const oldest of offers.keys()) {
    offers.delete(oldest);
    return;
  }
}

/** Why each of some offers is of no use: what it lacks, or else what the matcher said of all of them. */
export function unusedOffers(
  views: Iterable<OfferView>,
  app: App,
  more: { readonly unplaced: readonly Unplaced[]; readonly nowMs: number },
): readonly UnusedOffer[] {
  const refused = [...refusalsOf(more.unplaced)];
  const total = refused.reduce((sum, [, count]) => sum + count, 0);
  const others = refused.flatMap(([reason]) => (reason.startsWith('Insufficient') ? [] : [reason]));
  const ofAll = refused.flatMap(([reason, count]) => (count === total ? [reason] : []));
  const unused: UnusedOffer[] = [];
  for (const view of views) {
    if (unused.length >= MAX_UNUSED_OFFERS) break;
    const lacking = lackingOf(view, app);
    const known = new Set([...ofAll, ...lacking]);
    const reasons = known.size > 0 ? [...known] : others;
    unused.push({ offer: view.offer, atMs: more.nowMs, reasons });
  }
  return unused;
}

function lackingOf(view: OfferView, app: App): readonly Reason[] {
  if (view.role !== app.role) return ['UnfulfilledRole'];
  const needs: readonly (readonly [Reason, number, number])[] = [
    ['InsufficientCpus', view.cpus, app.cpus],
    ['InsufficientMemory', view.memMiB, app.mem],
    ['InsufficientDisk', view.left('disk'), app.disk],
    ['InsufficientGpus', view.left('gpus'), app.gpus],
    ['InsufficientPorts', view.ports(portsOf(app).length).length, portsOf(app).length],
  ];
  return needs.flatMap(([reason, left, wanted]) => (left < wanted ? [reason] : []));
}

function refusalsOf(unplaced: readonly Unplaced[]): Counts {
  const counts: Counts = new Map();
  for (const { refusals } of unplaced) {
    for (const { reason, detail, offers } of refusals) {
      const known = reason === 'RESOURCE' ? BY_RESOURCE.get(detail) : BY_REFUSAL.get(reason);
      if (known !== undefined) counts.set(known, (counts.get(known) ?? 0) + offers);
    }
  }
  return counts;
}

function wordsOf(unplaced: readonly Unplaced[]): readonly string[] {
  return unplaced.flatMap(({ refusals }) =>
    refusals.map(({ reason, detail, offers, nearest }) => {
      const most =
        nearest === undefined
          ? ''
          : `: ${nearest.wanted} wanted, at most ${nearest.left} left (${nearest.hostname})`;
      return `${reason}${detail === '' ? '' : ` ${detail}`} in ${offers} offers${most}`;
    }),
  );
}

/** The funnel: every reason in order, each with what the ones before let through. */
export function funnelOf(counts: ReadonlyMap<Reason, number>): readonly RejectStep[] {
  let processed = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return REASONS.map((reason) => {
    const declined = counts.get(reason) ?? 0;
    const step = { reason, declined, processed };
    processed -= declined;
    return step;
  });
}
