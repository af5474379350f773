/**
 * The page of tasks in the order of their first status, without sorting all of them: of very many tasks
 * a reader sees a hundred.
 */
import type { Task } from '../../api/index.js';

/** Which part of the tasks is wanted. */
export interface TaskQuery {
  readonly limit: number;
  readonly offset: number;
  /** `asc`: the oldest first. */
  readonly order: 'asc' | 'des';
  readonly frameworkId: string | undefined;
  readonly taskId: string | undefined;
}

/** Tasks that are looked at before others get their turn. */
const TASKS_PER_STEP = 512;

interface Candidate {
  readonly task: Task;
  readonly since: number;
  readonly index: number;
}

/**
 * The tasks that a query shows, in its order; equally old ones in the order given, or the reverse of it.
 * Yields now and then, so that a long search may be interrupted.
 */
export function* newestTasks(
  tasks: Iterable<Task>,
  { limit, offset, order, taskId }: TaskQuery,
): Generator<undefined, readonly Task[]> {
  const sign = order === 'asc' ? 1 : -1;
  const before = (one: Candidate, other: Candidate): number =>
    sign * (one.since - other.since || one.index - other.index);
  const wanted = offset + limit;
  // The first ones so far, and as many that may be; sorted whenever there are too many.
  let kept: Candidate[] = [];
  let last: Candidate | undefined;
  let index = 0;
  for (const task of tasks) {
    if (index++ % TASKS_PER_STEP === 0) yield undefined;
    if (taskId !== undefined && task.task_id.value !== taskId) continue;
    const candidate = { task, since: task.statuses?.[0]?.timestamp ?? 0, index };
    if (last !== undefined && before(candidate, last) > 0) continue;
    kept.push(candidate);
    if (kept.length < 2 * wanted + TASKS_PER_STEP) continue;
    kept = kept.toSorted(before).slice(0, wanted);
    last = kept.at(-1);
  }
  return kept
    .toSorted(before)
    .slice(offset, wanted)
    .map(({ task }) => task);
}
