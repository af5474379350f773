/**
 * Draws plans of faults. Swarm testing: which kinds of faults there are, and how many of each, is drawn
 * for each plan, so that some plans have much of one kind and others a little of all. Each kind draws
 * from randomness of its own: leaving one out does not change the others.
 *
 * Only faults that the cluster is made to survive are drawn: all but some lost hosts end, within a
 * bounded time each, and most agents remain.
 */
import { PlateauError, type Random, SeededRandom, at } from '../base/index.js';
import { FAULT_KINDS, type Fault, type FaultKind, type FaultPlan } from './faults.js';

export interface DrawFaultsOptions {
  /** Agents are named `agent-0` and so on. */
  readonly agents: number;
  /** All faults begin within this time. */
  readonly durationMs: number;
  /** Names of the processes of schedulers that may be hit. Default: none. */
  readonly processes?: readonly string[];
  /** Default: all. */
  readonly kinds?: readonly FaultKind[];
  /** How many faults of a kind in a minute, in the mean over all plans that have it. Default 1. */
  readonly intensity?: number;
}

/** Faults of one plan at most. */
export const MAX_FAULTS = 500;
/** No fault lasts longer. A framework survives it with a failover timeout of three times as much. */
export const LONGEST_FAULT_MS = 120_000;
/** Lost hosts are this part of all agents at most, so that there is room for what ran on them. */
const MAX_LOST_PART = 1 / 3;
/** How likely a plan has a kind of fault at all. */
const KIND_LIKELIHOOD = 0.6;
const SHORTEST_FAULT_MS = 10;
/** Copies of subscriptions are never late: a scheduler is told to stop then, and has to. */
const LATEST_COPY_MS = 1_000;
const LONGEST_JUMP_MS = 3_600_000;
const MASTER = 'master';

/** How often a kind comes, compared with others. */
const FREQUENCIES: Readonly<Partial<Record<FaultKind, number>>> = {
  'crash-task': 3,
  reset: 2,
  lose: 0.2,
  depose: 0.5,
};

interface Draw {
  readonly random: Random;
  readonly agents: readonly string[];
  readonly processes: readonly string[];
}

/**
 * The plan of a seed: equal for equal seeds and options, in the order of time.
 * @throws PlateauError `INVALID_REQUEST` when there is no agent, or a kind is unknown.
 */
export function drawFaults(seed: string, options: DrawFaultsOptions): FaultPlan {
  const { durationMs, intensity = 1, processes = [] } = options;
  const kinds = options.kinds ?? Object.keys(FAULT_KINDS).filter(isFaultKind);
  checkOptions(options, kinds);
  const agents = Array.from({ length: options.agents }, (_, index) => `agent-${index}`);
  const root = new SeededRandom(`${seed}/faults`);
  const plan = kinds.flatMap((kind) => {
    const random = root.fork(kind);
    const isThere = random.next() < KIND_LIKELIHOOD;
    // Between a quarter and the fourfold: the mean is about 1.
    const rate = (FREQUENCIES[kind] ?? 1) * 4 ** (2 * random.next() - 1) * 0.7;
    if (!isThere) return [];
    const meanGapMs = 60_000 / (rate * intensity);
    return drawTimes(random, meanGapMs, durationMs).map((atMs) =>
      drawFault(kind, atMs, { random, agents, processes }),
    );
  });
  return boundLosses(plan, Math.floor(options.agents * MAX_LOST_PART))
    .toSorted((one, other) => one.atMs - other.atMs)
    .slice(0, MAX_FAULTS);
}

/** Whether the text names a kind of fault. */
export function isFaultKind(text: string): text is FaultKind {
  return Object.hasOwn(FAULT_KINDS, text);
}

function checkOptions(options: DrawFaultsOptions, kinds: readonly string[]): void {
  if (!Number.isInteger(options.agents) || options.agents < 1) {
    const message = `faults need at least one agent to hit, not ${options.agents}`;
    throw new PlateauError('INVALID_REQUEST', message, { context: { field: 'agents' } });
  }
  const unknown = kinds.find((kind) => !isFaultKind(kind));
  if (unknown === undefined) return;
  const message = `no fault is called '${unknown}'; there are ${Object.keys(FAULT_KINDS).join(', ')}`;
  throw new PlateauError('INVALID_REQUEST', message, { context: { field: 'kinds' } });
}

function drawTimes(random: Random, meanGapMs: number, durationMs: number): readonly number[] {
  const times: number[] = [];
  let timeMs = 0;
  while (times.length < MAX_FAULTS) {
    timeMs += -Math.log(1 - random.next()) * meanGapMs;
    if (!(timeMs < durationMs)) break;
    times.push(Math.round(timeMs));
  }
  return times;
}

function drawFault(kind: FaultKind, atMs: number, draw: Draw): Fault {
  const { random, agents } = draw;
  const target = drawTarget(kind, draw);
  switch (kind) {
    case 'reset':
      return { atMs, kind, target };
    case 'duplicate': {
      const isLate = agents.includes(target) && random.below(2) === 0;
      const amount = isLate ? 1 + random.below(LATEST_COPY_MS) : 0;
      return { atMs, kind, target, amount };
    }
    case 'half-open':
    case 'partition': {
      const direction = pick(random, ['both', 'from', 'to'] as const);
      return { atMs, kind, target, direction, durationMs: drawDuration(random) };
    }
    case 'lose':
      return { atMs, kind, target: pick(random, agents) };
    case 'crash-task':
      return { atMs, kind, target: pick(random, agents), amount: random.below(100) };
    case 'jump-clock': {
      const amount = Math.round((2 * random.next() - 1) * LONGEST_JUMP_MS);
      return { atMs, kind, target: '*', amount };
    }
    case 'slow-network':
    case 'slow-disk': {
      const amount = Math.round(10 ** (1 + 2 * random.next()));
      return { atMs, kind, target, amount, durationMs: drawDuration(random) };
    }
    default:
      return { atMs, kind, target, durationMs: drawDuration(random) };
  }
}

function drawTarget(kind: FaultKind, { random, agents, processes }: Draw): string {
  if (kind === 'depose') return MASTER;
  if (kind === 'reboot') return pick(random, agents);
  // Neither masters nor schedulers are lost among many agents.
  const isBetween = ['reset', 'duplicate', 'half-open', 'partition'].includes(kind);
  const groups = [agents, processes, isBetween ? [] : [MASTER]].filter(({ length }) => length > 0);
  return pick(random, pick(random, groups));
}

/** Times of all sizes, so that faults meet each other within a message and minutes apart. */
function drawDuration(random: Random): number {
  const ratio = LONGEST_FAULT_MS / SHORTEST_FAULT_MS;
  return Math.round(SHORTEST_FAULT_MS * ratio ** random.next());
}

function boundLosses(plan: FaultPlan, most: number): FaultPlan {
  const lost = new Set<string>();
  return plan.filter(({ kind, target }) => {
    if (kind !== 'lose') return true;
    if (lost.has(target) || lost.size >= most) return false;
    lost.add(target);
    return true;
  });
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return at(items, random.below(items.length));
}
