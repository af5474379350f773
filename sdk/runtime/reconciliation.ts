/**
 * Asking the master for the truth. After each subscription every task that has not ended is asked
 * about by its id until it was answered; from time to time all are, and sooner those that are out of reach. There
 * is one round at a time, and in a round one batch at a time, so that a large framework does not flood the master.
 */
import type { SchedulerCall, SchedulerCallReconcileTask } from '../../core/api/index.js';
import { type TaskRecord, isEnded } from '../decisions/index.js';
import { type CoreContext, clearTimer, setTimer } from './core-context.js';
import {
  MAX_RECONCILED_PER_CALL,
  RECONCILE_BASE_MS,
  RECONCILE_DOUBTS_MS,
  RECONCILE_MAX_MS,
  RECONCILE_PACE_MS,
} from './limits.js';
import type { TaskLedger } from './task-ledger.js';

/** The next batch, or the next round, is due. */
export const RECONCILE_TIMER = 'reconcile';
/** All tasks are due again. */
export const RECONCILE_ALL_TIMER = 'reconcile-all';
/** Tasks that are out of reach are due again. */
export const RECONCILE_DOUBTS_TIMER = 'reconcile-doubts';

export class Reconciliation {
  readonly #context: CoreContext;
  readonly #ledger: TaskLedger;
  readonly #send: (message: SchedulerCall) => void;
  /** Tasks whose launch has not been sent: the master cannot know them. */
  readonly #unsent: ReadonlySet<string>;
  /** Asked about, or to be. */
  readonly #unanswered = new Set<string>();
  #round: string[] = [];
  readonly #batch = new Set<string>();
  #waitMs = RECONCILE_BASE_MS;
  #isConnected = false;

  constructor(
    context: CoreContext,
    options: {
      readonly ledger: TaskLedger;
      readonly unsent: ReadonlySet<string>;
      readonly send: (message: SchedulerCall) => void;
    },
  ) {
    this.#context = context;
    this.#ledger = options.ledger;
    this.#unsent = options.unsent;
    this.#send = options.send;
  }

  /** Tasks that the master has not said anything about. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** Whether the master has not been asked about the task, or has answered. */
  isAnswered(taskId: string): boolean {
    return !this.#unanswered.has(taskId);
  }

  /** Every task that has not ended is asked about, from the first on. */
  subscribed(): void {
    this.#isConnected = true;
    this.#unanswered.clear();
    this.#round = [];
    this.#batch.clear();
    this.ask(this.#ledger.live().map((task) => task.id));
    setTimer(this.#context, RECONCILE_ALL_TIMER, this.#context.settings.reconcileEveryMs);
    setTimer(this.#context, RECONCILE_DOUBTS_TIMER, RECONCILE_DOUBTS_MS);
  }

  disconnected(): void {
    this.#isConnected = false;
    clearTimer(this.#context, RECONCILE_TIMER);
    clearTimer(this.#context, RECONCILE_ALL_TIMER);
    clearTimer(this.#context, RECONCILE_DOUBTS_TIMER);
  }

  /** Asks about these tasks, until they are answered. */
  ask(taskIds: readonly string[]): void {
    if (!this.#isConnected) return;
    for (const id of taskIds) {
      if (this.#unsent.has(id) || this.#unanswered.has(id)) continue;
      this.#unanswered.add(id);
      this.#round.push(id);
    }
    this.#waitMs = RECONCILE_BASE_MS;
    if (this.#batch.size === 0) this.#askNext();
  }

  /** Asks what the master knows of; then, by id, about what it did not mention. */
  askAll(): void {
    if (!this.#isConnected) return;
    setTimer(this.#context, RECONCILE_ALL_TIMER, this.#context.settings.reconcileEveryMs);
    this.#context.counters.count('reconcile_calls');
    this.#send({ type: 'RECONCILE', reconcile: { tasks: [] } });
    for (const { id } of this.#ledger.live()) {
      if (!this.#unsent.has(id)) this.#unanswered.add(id);
    }
    // What it does not mention is asked about soon, however long the last round had come to wait. A round
    // that is under way goes on first.
    this.#waitMs = RECONCILE_BASE_MS;
    if (this.#unanswered.size === 0 || this.#round.length > 0) return;
    setTimer(this.#context, RECONCILE_TIMER, this.#waitMs);
  }

  /**
   * Asks about tasks that are out of reach. A master that was started since does not remember them, and does not tell
   * when an operator says that their agent is gone. They count as answered: the last answer still holds.
   */
  askAboutDoubts(): void {
    if (!this.#isConnected) return;
    setTimer(this.#context, RECONCILE_DOUBTS_TIMER, RECONCILE_DOUBTS_MS);
    const doubts = this.#ledger.live().filter((task) => isInDoubt(task));
    for (let from = 0; from < doubts.length; from += MAX_RECONCILED_PER_CALL) {
      this.#sendQuestion(doubts.slice(from, from + MAX_RECONCILED_PER_CALL).map(questionOf));
    }
  }

  /** The master has said something about the task. */
  answered(taskId: string): void {
    this.#unanswered.delete(taskId);
    if (this.#batch.delete(taskId) && this.#batch.size === 0) this.#askNext();
  }

  onTimer(): void {
    if (!this.#isConnected) return;
    if (this.#round.length === 0) this.#round = [...this.#unanswered];
    this.#askNext();
  }

  #askNext(): void {
    this.#batch.clear();
    const tasks: SchedulerCallReconcileTask[] = [];
    while (tasks.length < MAX_RECONCILED_PER_CALL && this.#round.length > 0) {
      const id = this.#round.pop();
      const task = id === undefined ? undefined : this.#openTask(id);
      if (task !== undefined) tasks.push(task);
    }
    if (tasks.length > 0) this.#sendQuestion(tasks);
    this.#armNext(tasks.length > 0);
  }

  #sendQuestion(tasks: readonly SchedulerCallReconcileTask[]): void {
    const { counters } = this.#context;
    counters.count('reconcile_calls');
    counters.count('reconciled_tasks', tasks.length);
    this.#send({ type: 'RECONCILE', reconcile: { tasks } });
  }

  /** What to ask about a task, if it is still to be asked about. */
  #openTask(id: string): SchedulerCallReconcileTask | undefined {
    const task = this.#ledger.get(id);
    if (!this.#unanswered.has(id)) return undefined;
    if (task === undefined || isEnded(task.state)) {
      this.#unanswered.delete(id);
      return undefined;
    }
    this.#batch.add(id);
    return questionOf(task);
  }

  #armNext(hasAsked: boolean): void {
    if (this.#unanswered.size === 0) {
      clearTimer(this.#context, RECONCILE_TIMER);
    } else if (this.#round.length > 0) {
      setTimer(this.#context, RECONCILE_TIMER, RECONCILE_PACE_MS);
    } else {
      setTimer(this.#context, RECONCILE_TIMER, this.#waitMs);
      if (hasAsked) this.#waitMs = Math.min(RECONCILE_MAX_MS, this.#waitMs * 2);
    }
  }
}

/** Whether it may run or not, as far as the master could tell. */
function isInDoubt({ state }: TaskRecord): boolean {
  return state === 'UNREACHABLE' || state === 'UNKNOWN';
}

function questionOf({ id, agentId }: TaskRecord): SchedulerCallReconcileTask {
  const agent = agentId === '' ? {} : { agent_id: { value: agentId } };
  return { task_id: { value: id }, ...agent };
}
