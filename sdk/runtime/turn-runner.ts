/**
 * Runs turns: calls their handlers one after the other, applies what these decide, deals with their
 * errors by their policies, and hands the outcome to the outbox.
 */
import { PlateauError, type Random } from '../../core/base/index.js';
import { type Decision, type StopAction, actionsOf } from '../decisions/index.js';
import type { Trouble } from '../framework/index.js';
import { type CarriedOut, carryOut, completeAccepts } from './carry-out.js';
import { clearTimer, say, setTimer } from './core-context.js';
import type { CoreParts } from './core-parts.js';
import { type UnplacedRecord, recordOf, unplacedOf } from './decision-log.js';
import { type DecisionPlan, planDecision } from './decision-plan.js';
import type { Callee } from './effects.js';
import { handlerError, toError } from './errors.js';
import { type Evaluation, endHolds } from './evaluation.js';
import { calleesOf } from './event-turns.js';
import { type RetryingView, judgeFailure } from './retries.js';
import { RunningTurn, type Turn, TurnDraft, type TurnQueue } from './turns.js';

/** The handler at work is to be called again. */
export const RETRY_TIMER = 'retry';

/** How long code from outside may take. */
export const OUTSIDE_TURN_MS = 60_000;

export interface TurnRunnerPort {
  /** Whether offers can be given to handlers. */
  readonly isReady: () => boolean;
  /** A handler failed, and its policy ends the framework. */
  readonly onCrash: (error: PlateauError) => void;
  readonly onStop: (stop: StopAction) => void;
}

export class TurnRunner {
  readonly #parts: CoreParts;
  readonly #evaluation: Evaluation;
  readonly #port: TurnRunnerPort;
  readonly #queue: TurnQueue;
  readonly #jitter: Random;
  /** By method: handlers that have failed and are to be called again. */
  readonly #retrying = new Map<string, RetryingView>();
  #current: RunningTurn | undefined;
  #invocation = 0;
  #isBlocked = false;
  #isClosing = false;

  constructor(
    parts: CoreParts,
    evaluation: Evaluation,
    options: { readonly queue: TurnQueue; readonly port: TurnRunnerPort },
  ) {
    this.#parts = parts;
    this.#jitter = parts.context.world.random.fork('retry');
    this.#evaluation = evaluation;
    this.#queue = options.queue;
    this.#port = options.port;
  }

  /** Whether a turn is under way. */
  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  /** Whether a handler is waited for that has failed. */
  get isWaitingToRetry(): boolean {
    return this.#current?.isWaitingToRetry === true;
  }

  /** Handlers that have failed and are to be called again. */
  get retrying(): readonly RetryingView[] {
    return [...this.#retrying.values()];
  }

  /** Whether the next turn could begin. */
  get canRun(): boolean {
    const { outbox, context } = this.#parts;
    const hasRoom = outbox.length < context.limits.maxUncommittedTurns;
    return !this.isBusy && !this.#isBlocked && this.#queue.length > 0 && hasRoom;
  }

  /** No turn begins until `unblock`. */
  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
  }

  /** Runs turns until one has to wait for a handler. */
  pump(): void {
    while (this.canRun) {
      const turn = this.#queue.shift();
      if (turn === undefined) return;
      this.#parts.context.counters.count('turns');
      this.#takeStrayChanges();
      this.#current = new RunningTurn(turn, turn.begin());
      this.#goOn(this.#current);
    }
  }

  handled(invocation: number, decision: Decision): void {
    const running = this.#current;
    if (running === undefined || running.invocation !== invocation) return;
    const { callee } = running;
    if (callee === undefined) return;
    try {
      this.#apply(running, nameOf(callee), decision);
    } catch (error) {
      this.#fail(running, callee, toError(error));
      return;
    }
    this.#retrying.delete(nameOf(callee));
    running.next();
    this.#goOn(running);
  }

  failed(invocation: number, error: Error): void {
    const running = this.#current;
    if (running?.callee === undefined || running.invocation !== invocation) return;
    this.#fail(running, running.callee, error);
  }

  onRetryTimer(): void {
    const running = this.#current;
    if (running === undefined || !running.isWaitingToRetry) return;
    running.isWaitingToRetry = false;
    this.#goOn(running);
  }

  /**
   * Nothing is retried any more: a turn that waits for it, or would, is given up, and nothing of it is
   * recorded. The turn under way goes on.
   */
  close(): void {
    this.#isClosing = true;
    this.#isBlocked = false;
    if (this.#current?.isWaitingToRetry !== true) return;
    clearTimer(this.#parts.context, RETRY_TIMER);
    this.#giveUp();
  }

  /**
   * Carries a decision out at once, beside the turn under way. What that one has noted so far is not written
   * with it: should the process die before the turn is over, the event comes again.
   * @throws PlateauError `INVALID_DECISION`, `INVALID_STATE`: nothing has been changed then, and changes of
   *   repositories are undone.
   */
  decide(decision: Decision, onDurable: () => void): void {
    const { ledger, operations, repositories } = this.#parts;
    const draft = new TurnDraft();
    const putBack = [ledger.setAside(), operations.setAside()];
    try {
      this.#apply({ draft, turn: { label: 'decide', begin: () => [] } }, 'decide', decision);
      this.#commit(draft, onDurable);
    } catch (error) {
      repositories.rollback();
      throw toError(error);
    } finally {
      for (const each of putBack) each();
    }
    this.#evaluation.soon();
  }

  /** Tells `@OnError`, and the log. */
  tell(trouble: Trouble): void {
    const { error, where, policy } = trouble;
    const level = policy === 'crash' ? 'error' : 'warn';
    say(this.#parts.context, level, 'something went wrong', {
      where,
      policy,
      error: error.message,
    });
    const callees = calleesOf(this.#parts, 'error', trouble);
    if (callees.length > 0) this.#queue.push({ label: 'error', begin: () => callees });
  }

  /** Writes what was changed in repositories while no turn was under way. */
  #takeStrayChanges(): void {
    const { repositories, outbox } = this.#parts;
    if (!repositories.isChanged) return;
    try {
      outbox.add(repositories.takeChanges());
    } catch (error) {
      repositories.rollback();
      this.tell({ error: toError(error), where: 'repositories', policy: 'skip' });
    }
  }

  #goOn(running: RunningTurn): void {
    const { callee } = running;
    if (callee === undefined) {
      this.#finish(running, true);
      return;
    }
    this.#invocation++;
    running.invocation = this.#invocation;
    const timeoutMs = 'handler' in callee ? callee.handler.timeoutMs : OUTSIDE_TURN_MS;
    this.#parts.context.emit({ kind: 'invoke', invocation: this.#invocation, callee, timeoutMs });
  }

  /** Checks a decision, then carries it out. Throws before anything is changed. */
  #apply(
    running: { readonly draft: TurnDraft; readonly turn: Turn },
    by: string,
    decision: Decision,
  ): void {
    const { hand, ledger, repositories, context } = this.#parts;
    const { draft, turn } = running;
    const { roles } = context.settings;
    const plan = planDecision(readActions(decision), { hand, ledger, roles });
    const changes = repositories.takeChanges();
    draft.add(changes);
    const done = carryOut(this.#parts, plan, draft.calls);
    const unplaced = unplacedOf(decision).map(recordOf);
    draft.unplaced.push(...unplaced);
    this.#note({ by, done, turn, unplaced });
    draft.addWants(plan.wants);
    draft.stop = plan.stop ?? draft.stop;
    if (plan.wakeMs !== undefined) this.#evaluation.wake(plan.wakeMs);
    const hasChanged = changes.puts.length + changes.deletes.length > 0;
    const isOther = turn.isEvaluation !== true && hasEffect(plan, hasChanged);
    if (isOther || done.isLate) this.#evaluation.soon();
  }

  #note(facts: {
    readonly by: string;
    readonly done: CarriedOut;
    readonly turn: Turn;
    readonly unplaced: readonly UnplacedRecord[];
  }): void {
    const { by, done, turn, unplaced } = facts;
    const { log, context } = this.#parts;
    context.counters.count('tasks_launched', done.launched.length);
    log.note({
      at: context.world.clock.now(),
      by,
      offers: turn.isEvaluation === true ? this.#evaluation.shownCount : 0,
      launched: done.launched.map(({ id, name, hostname }) => ({ taskId: id, name, hostname })),
      held: done.held,
      declined: done.declined,
      killed: done.killed,
      unplaced,
    });
  }

  #fail(running: RunningTurn, callee: Callee, error: Error): void {
    const { repositories, context } = this.#parts;
    repositories.rollback();
    if ('request' in callee) {
      context.emit({ kind: 'settle', request: callee.request, error });
      this.#current = undefined;
      return;
    }
    context.counters.count('handler_errors');
    const { handler } = callee;
    running.failures++;
    const failures =
      running.turn.isEvaluation === true ? this.#evaluation.failures + 1 : running.failures;
    const verdict = judgeFailure(handler, { error, failures, jitter: this.#jitter });
    const { policy } = verdict;
    const { method } = handler;
    // What goes wrong in `@OnError` is in the log only: it must not be told about itself.
    if (handler.kind !== 'error') this.tell({ error, where: method, policy });
    else say(context, 'error', 'an error handler failed', { error: error.message });
    if (verdict.policy === 'retry') {
      this.#retrying.set(method, { handler: method, failures, error: error.message });
      if (this.#isClosing) this.#giveUp();
      else this.#retry(running, verdict.waitMs);
      return;
    }
    this.#retrying.delete(method);
    if (policy === 'skip') this.#skip(running);
    else this.#crash(handlerError(method, error));
  }

  #skip(running: RunningTurn): void {
    running.next();
    this.#goOn(running);
  }

  #retry(running: RunningTurn, waitMs: number): void {
    const { context, hand, outbox } = this.#parts;
    context.counters.count('handler_retries');
    if (running.turn.isEvaluation === true) {
      this.#evaluation.backOff(waitMs);
      this.#finish(running, false);
      return;
    }
    running.isWaitingToRetry = true;
    setTimer(context, RETRY_TIMER, waitMs);
    const waiting = hand.takeWaiting();
    if (waiting.length > 0) outbox.add({ calls: this.#parts.decline(waiting, false) });
  }

  #crash(error: PlateauError): void {
    this.#giveUp();
    this.#port.onCrash(error);
  }

  /** What the handler should have dealt with is not noted: it comes again. */
  #giveUp(): void {
    this.#current = undefined;
    this.#parts.ledger.dropChanges();
    this.#parts.operations.dropChanges();
  }

  #finish(running: RunningTurn, isDone: boolean): void {
    const { turn, draft } = running;
    this.#current = undefined;
    turn.end?.(draft);
    if (turn.isEvaluation === true && isDone) {
      this.#evaluation.succeeded();
      const at = this.#parts.context.world.clock.now();
      this.#parts.log.explain(at, draft.unplaced);
    }
    const { request } = turn;
    this.#commit(
      draft,
      () => {
        if (request !== undefined) this.#parts.context.emit({ kind: 'settle', request });
      },
      turn.isEvaluation === true,
    );
  }

  /** The turn is over: what it changed is to be written, and its calls sent. */
  #commit(draft: TurnDraft, onDurable: () => void, isEvaluation = false): void {
    const { demand, ledger, operations, outbox, hand } = this.#parts;
    if (draft.wants !== undefined) demand.state(draft.wants.wants, draft.wants.replaces);
    completeAccepts(this.#parts, draft.calls);
    if (isEvaluation) {
      draft.calls.push(...this.#parts.decline(hand.takeShown(), this.#port.isReady()));
    }
    draft.add(ledger.takeChanges());
    draft.add(operations.takeChanges());
    const { stop } = draft;
    outbox.add({
      puts: draft.puts,
      deletes: draft.deletes,
      calls: draft.calls,
      onDurable: () => {
        onDurable();
        if (stop !== undefined) this.#port.onStop(stop);
      },
    });
    if (isEvaluation || hand.heldCount > 0) endHolds(this.#parts);
  }
}

function readActions(decision: Decision): ReturnType<typeof actionsOf> {
  try {
    const actions: unknown = actionsOf(decision);
    if (Array.isArray(actions)) return actions;
  } catch {
    // Told below.
  }
  const isList = Array.isArray(decision);
  const what = isList ? 'a list with an entry that is none' : `a ${typeof decision}`;
  throw new PlateauError(
    'INVALID_DECISION',
    `The decision cannot be carried out: it is ${decision === null ? 'null' : what}. Return actions, ` +
      'placements, lists of them, or nothing.',
  );
}

/** Whether something was decided that may change what is wanted. */
function hasEffect(plan: DecisionPlan, hasChanged: boolean): boolean {
  return (
    hasChanged || plan.accepts.length > 0 || plan.wants !== undefined || plan.forget.length > 0
  );
}

function nameOf(callee: Callee): string {
  return 'handler' in callee ? callee.handler.method : 'turn';
}
