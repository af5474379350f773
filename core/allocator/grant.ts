/**
 * What quota leaves of resources that a client could be offered. A run has two stages: first roles
 * are given what they lack of their guarantees, then everybody a fair share of what is not needed to
 * keep the remaining guarantees possible. Reservations, ranges, sets and revocable resources are
 * neither limited nor held back.
 */
import type { Random } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { QuotaBook } from './quota-book.js';
import { isDivided } from './quota-part.js';
import { shrink } from './shrink.js';

export type Stage = 'guarantees' | 'fair-share';

export interface GrantOptions {
  readonly role: string;
  readonly quotas: QuotaBook;
  /** See `shrink`. */
  readonly random: Random | undefined;
}

export interface Grant {
  readonly resources: Resources;
  /** What it would be without holding back headroom for others. */
  readonly withinLimit: Resources;
}

/**
 * In the second stage: everything within the limit of the role and the headroom.
 * @param usable what is free for the role and usable by the framework.
 */
export function grantShare(usable: Resources, { role, quotas, random }: GrantOptions): Grant {
  const pool = usable.filter(isDivided);
  const limited = shrink(pool, (name) => quotas.room(role, name), random);
  const granted = shrink(limited, (name) => quotas.spare(name), random);
  if (granted === pool) return { resources: usable, withinLimit: usable };
  const rest = usable.filter((item) => !isDivided(item));
  const withinLimit = limited === pool ? usable : rest.plus(limited);
  return { resources: rest.plus(granted), withinLimit };
}

/**
 * In the first stage: what the role lacks of its guarantee, with the role's own reservations and what
 * is neither guaranteed nor held back. Empty when it holds nothing that is guaranteed: reservations
 * alone wait for the second stage.
 */
export function grantGuarantee(
  usable: Resources,
  { role, quotas, random }: GrantOptions,
): Resources {
  const pool = usable.filter(isDivided);
  const guaranteed = shrink(pool, (name) => quotas.unmet(role, name), random);
  if (guaranteed.isEmpty) return Resources.EMPTY;
  const isAll = guaranteed === pool && (!usable.hasReserved || usable === pool);
  if (isAll) return usable;
  const within = shrink(
    pool.minus(guaranteed),
    (name) => quotas.room(role, name) - guaranteed.scalar(name),
    random,
  );
  const extra = shrink(within, (name) => quotas.spare(name), random);
  const rest = usable.filter(
    (item) => !isDivided(item) && (!item.isReserved || item.role === role),
  );
  return rest.plus(guaranteed).plus(extra);
}
