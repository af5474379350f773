/** What the parts of one turn want, together. */
import type { Want } from '../decisions/index.js';

export interface StatedWants {
  readonly wants: readonly Want[];
  readonly replaces: 'all' | 'some';
}

/**
 * Adds a statement to what was stated in the same turn. Those that replace all wants are parts of one whole,
 * such as two placements: for one name they add up. One that replaces some has the last word on its names.
 */
export function joinWants(before: StatedWants | undefined, next: StatedWants): StatedWants {
  if (before === undefined && next.wants.length <= 1) return next;
  const joined = new Map((before?.wants ?? []).map((want) => [want.name, want]));
  for (const want of next.wants) {
    const known = next.replaces === 'all' ? joined.get(want.name) : undefined;
    joined.set(want.name, known === undefined ? want : sumOf(known, want));
  }
  const isAll = before?.replaces === 'all' || next.replaces === 'all';
  return { wants: [...joined.values()], replaces: isAll ? 'all' : 'some' };
}

/** Both counts, and the least that one of either takes; without a role when the two differ. */
function sumOf(one: Want, other: Want): Want {
  const cpus = least(one.cpus, other.cpus);
  const memMiB = least(one.memMiB, other.memMiB);
  return {
    name: one.name,
    count: one.count + other.count,
    ...(one.role !== undefined && one.role === other.role ? { role: one.role } : undefined),
    ...(cpus === undefined ? undefined : { cpus }),
    ...(memMiB === undefined ? undefined : { memMiB }),
  };
}

/** Undefined: anything will do. */
function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.min(one, other);
}
