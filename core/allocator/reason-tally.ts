/** One reason: how many agents it refuses, the nearest of them, and who holds what they lack. */
import type { ReasonExplanation, WhyReason } from './decisions.js';
import { WHY_REASONS } from './decisions.js';
import { type MissContext, describeMiss } from './near-miss.js';
import { type Candidate, NearestCandidates } from './nearest.js';
import type { Wanted } from './wanted.js';
import { whatToChange } from './what-to-change.js';

/** Who an answer names as holding what agents lack. */
export const MAX_HOLDERS = 3;

export interface ReasonTallyOptions {
  readonly reason: WhyReason;
  readonly wanted: Wanted;
  /** How many of the nearest agents are kept. */
  readonly bound: number;
}

export class ReasonTally {
  readonly #options: ReasonTallyOptions;
  readonly #nearest: NearestCandidates;
  /** Framework and role, joined by a character that neither contains: on how many of the agents. */
  readonly #heldBy = new Map<string, number>();
  /** For agents that are too small: the most that any of them has. */
  readonly #most = new Map<string, number>();
  agents = 0;

  constructor(options: ReasonTallyOptions) {
    this.#options = options;
    this.#nearest = new NearestCandidates(options.bound);
  }

  /** The nearest first. */
  get nearest(): readonly Candidate[] {
    return this.#nearest.kept;
  }

  add(candidate: Candidate): void {
    this.agents++;
    this.#nearest.add(candidate);
    const { reason } = this.#options;
    if (IS_ABOUT_HOLDERS.has(reason)) this.#noteHolders(candidate);
    if (reason === 'TASK_TOO_LARGE_FOR_AGENT') this.#noteMost(candidate);
  }

  explain(context: MissContext): ReasonExplanation {
    const { reason } = this.#options;
    const nearest = this.nearest.map((one) => describeMiss(one, context));
    const first = nearest[0];
    const agents = this.agents;
    const facts = { context, agents, most: this.#most };
    return {
      reason,
      meaning: WHY_REASONS[reason],
      agents,
      change: first === undefined ? '' : whatToChange(first, facts),
      nearest,
      heldBy: IS_ABOUT_HOLDERS.has(reason) ? this.#readHolders() : undefined,
    };
  }

  #noteHolders({ agent }: Candidate): void {
    for (const [frameworkId, held] of agent.held) {
      for (const role of held.allocationRoles()) {
        const key = `${frameworkId}\0${role}`;
        this.#heldBy.set(key, (this.#heldBy.get(key) ?? 0) + 1);
      }
    }
  }

  #noteMost({ available }: Candidate): void {
    const { wanted } = this.#options;
    for (const name of wanted.names) {
      const has = wanted.available(available, name);
      this.#most.set(name, Math.max(has, this.#most.get(name) ?? 0));
    }
  }

  #readHolders(): NonNullable<ReasonExplanation['heldBy']> {
    return [...this.#heldBy]
      .toSorted(([one, many], [other, more]) => more - many || (one < other ? -1 : 1))
      .slice(0, MAX_HOLDERS)
      .map(([key, agents]) => {
        const [frameworkId = '', role = ''] = key.split('\0');
        return { frameworkId, role, agents };
      });
  }
}

const IS_ABOUT_HOLDERS: ReadonlySet<WhyReason> = new Set<WhyReason>([
  'NOTHING_FREE',
  'LOWER_SHARE_FIRST',
  'TASK_NOT_ENOUGH_FREE',
]);
