/** Decides which pieces of work are to be run now, from the tasks that ran them so far. */
import { PlateauError } from '../../core/base/index.js';
import {
  type TaskRecord,
  type TaskSpec,
  type TaskView,
  durationMs,
  endOf,
  isEnded,
  task,
} from '../decisions/index.js';
import { CLOCK_STEP_MS } from './backoff.js';
import { MAX_UNPLACED_KINDS, type Wish } from './place-tasks.js';
import type { CompleteOptions } from './offers.js';
import type { RefusalReason, Unplaced } from './refusals.js';

/** Runs of one key, unless the framework says otherwise. */
export const DEFAULT_MAX_ATTEMPTS = 5;

export interface CompletePlan {
  readonly wishes: readonly Wish[];
  /** What waits for something else than offers. */
  readonly waiting: readonly Unplaced[];
  /** When the next unreachable task is given up, in milliseconds from now. */
  readonly wakeMs: number | undefined;
}

type Again = NonNullable<CompleteOptions['again']>;

const AGAIN: readonly Again[] = ['never', 'lost', 'failure'];

/** The tasks of the framework, and what was placed in this turn. */
export interface CompleteContext {
  readonly nowMs: number;
  readonly tasks: TaskView;
  readonly tally: { placed(name: string): number };
  hasPlaced(name: string, key: string): boolean;
}

/** When work is run again. */
interface Rules {
  readonly again: Again;
  readonly maxAttempts: number;
  /** For how long an unreachable task is waited for; undefined: without end. */
  readonly patienceMs: number | undefined;
  readonly nowMs: number;
}

/** What is to become of a piece of work: `settled`: nothing any more; `running`: nothing now. */
type Fate = 'settled' | 'running' | 'start' | 'ATTEMPTS' | 'UNCERTAIN';

/**
 * @throws PlateauError `INVALID_TASK` when a key is missing, or occurs twice for one name;
 *   `INVALID_DECISION` when an option is not well-formed.
 */
export function planComplete(
  specs: readonly TaskSpec[],
  turn: CompleteContext,
  options: CompleteOptions,
): CompletePlan {
  const { again = 'lost', unreachableFor } = options;
  if (!AGAIN.includes(again)) {
    throw new PlateauError(
      'INVALID_DECISION',
      `complete(): 'again' is ${again}: it must be ${AGAIN.join(', ')}`,
    );
  }
  const patienceMs =
    unreachableFor === undefined ? undefined : durationMs(unreachableFor, 'unreachableFor');
  const maxAttempts = positive(options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS, 'maxAttempts');
  const parallel = positive(options.parallel ?? Number.POSITIVE_INFINITY, 'parallel');
  const free = new Map<string, number>();
  const seen = new Set<string>();
  const wishes: Wish[] = [];
  const waiting = new Waiting();
  const rules: Rules = { again, maxAttempts, patienceMs, nowMs: turn.nowMs };
  let wakeMs: number | undefined;
  for (const spec of specs) {
    const key = keyOf(spec, seen);
    if (turn.hasPlaced(spec.name, key)) continue;
    const attempts = turn.tasks.attempts(spec.name, key);
    const fate = fateOf(attempts, rules);
    if (fate === 'ATTEMPTS') waiting.add(spec, fate, `${maxAttempts}`);
    else if (fate === 'UNCERTAIN') {
      waiting.add(spec, fate, '');
      for (const attempt of attempts) {
        if (!isWaitedFor(attempt, rules) || patienceMs === undefined) continue;
        wakeMs = Math.min(wakeMs ?? Infinity, attempt.updatedAt + patienceMs - rules.nowMs);
      }
    }
    if (fate !== 'start') continue;
    const room = free.get(spec.name) ?? parallel - runningOf(spec.name, turn);
    if (room <= 0) waiting.add(spec, 'PARALLEL', `${parallel}`);
    else wishes.push({ spec, count: 1 });
    free.set(spec.name, room - 1);
  }
  return { wishes, waiting: waiting.list(), wakeMs };
}

/** How many count against `parallel`: all that may run. */
function runningOf(name: string, { tasks, tally }: CompleteContext): number {
  return tasks.live(name).length + tally.placed(name);
}

function keyOf(spec: TaskSpec, seen: Set<string>): string {
  const { name, key } = task(spec);
  if (key === undefined) {
    throw new PlateauError(
      'INVALID_TASK',
      `Task '${name}' has no 'key': complete() runs each key once, so give every task one of its own`,
      { context: { name } },
    );
  }
  const both = `${name}\0${key}`;
  if (seen.has(both)) {
    throw new PlateauError(
      'INVALID_TASK',
      `Task '${name}' occurs twice with the key '${key}': give every task a key of its own`,
      { context: { name, key } },
    );
  }
  seen.add(both);
  return key;
}

function positive(value: number, option: string): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value > 0)) return value;
  throw new PlateauError(
    'INVALID_DECISION',
    `complete(): '${option}' is ${value}: it must be a whole number from 1`,
  );
}

function fateOf(attempts: readonly TaskRecord[], rules: Rules): Fate {
  const { again, maxAttempts } = rules;
  if (attempts.length === 0) return 'start';
  if (attempts.some(({ state }) => state === 'FINISHED')) return 'settled';
  let isUncertain = false;
  for (const attempt of attempts) {
    const { state } = attempt;
    if (isWaitedFor(attempt, rules)) isUncertain = true;
    else if (state !== 'UNKNOWN' && state !== 'UNREACHABLE' && !isEnded(state)) return 'running';
  }
  if (isUncertain) return 'UNCERTAIN';
  if (!attempts.every((attempt) => mayRunAgain(attempt, again))) return 'settled';
  const runs = attempts.filter(({ state }) => state !== 'DROPPED').length;
  return runs >= maxAttempts ? 'ATTEMPTS' : 'start';
}

/** Whether a task that may still run is waited for, not replaced. */
function isWaitedFor({ state, updatedAt }: TaskRecord, rules: Rules): boolean {
  const { again, patienceMs, nowMs } = rules;
  if (state === 'UNKNOWN') return again === 'never';
  if (state !== 'UNREACHABLE') return false;
  if (again === 'never' || patienceMs === undefined) return true;
  const leftMs = updatedAt + patienceMs - nowMs;
  return leftMs > 0 && leftMs <= patienceMs + CLOCK_STEP_MS;
}

/** Whether another task may do the work of one that has ended or is lost. */
function mayRunAgain(attempt: TaskRecord, again: Again): boolean {
  const { state, killedAt } = attempt;
  if (state === 'DROPPED' || state === 'ERROR') return true;
  if (again === 'never') return false;
  // Of a host that starts again its tasks are told as failed, though nothing is wrong with them.
  if (state === 'FAILED') return again === 'failure' || endOf(attempt)?.kind === 'infrastructure';
  // Whoever killed it on purpose does not want it again.
  return state === 'KILLED' ? killedAt === undefined : true;
}

/** Counts what waits, by name and reason. */
class Waiting {
  readonly #entries = new Map<string, { spec: TaskSpec; count: number; unplaced: Unplaced }>();

  add(spec: TaskSpec, reason: RefusalReason, detail: string): void {
    const key = `${spec.name}\0${reason}`;
    const known = this.#entries.get(key);
    if (known !== undefined) known.count++;
    else if (this.#entries.size < MAX_UNPLACED_KINDS) {
      const unplaced = { spec, count: 1, refusals: [{ reason, detail, offers: 0 }] };
      this.#entries.set(key, { spec, count: 1, unplaced });
    }
  }

  list(): readonly Unplaced[] {
    return [...this.#entries.values()].map(({ count, unplaced }) => ({ ...unplaced, count }));
  }
}
