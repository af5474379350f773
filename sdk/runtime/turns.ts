/**
 * One turn after another: an event, the handlers that it concerns, what they decide, and what of it
 * is to be written and sent. A turn that waits for a handler holds the others up, so that
 * events are dealt with in their order.
 */
import type { StopAction } from '../decisions/index.js';
import type { UnplacedRecord } from './decision-log.js';
import type { DecisionPlan } from './decision-plan.js';
import type { Callee } from './effects.js';
import type { OutgoingCall } from './outbox.js';
import type { Changes } from './task-ledger.js';
import { type StatedWants, joinWants } from './wants.js';

/** What happens in one turn. */
export interface Turn {
  /** For logs and errors. */
  readonly label: string;
  /** Notes what has happened in the ledger, and says who is to be called, one after the other. */
  readonly begin: () => readonly Callee[];
  /** All handlers are done: adds what else is to be sent. */
  readonly end?: (draft: TurnDraft) => void;
  /** `@OnOffers` is called: it is not called again with the same offers after an error. */
  readonly isEvaluation?: boolean;
  /** It was asked for from outside, where errors go. */
  readonly request?: number;
}

/** What a turn gathers until it ends. */
export class TurnDraft {
  readonly puts: { readonly key: string; readonly value: string }[] = [];
  readonly deletes: string[] = [];
  readonly calls: OutgoingCall[] = [];
  /** What its handlers say is wanted, together. */
  wants: StatedWants | undefined;
  readonly unplaced: UnplacedRecord[] = [];
  stop: StopAction | undefined;

  add({ puts, deletes }: Changes): void {
    this.puts.push(...puts);
    this.deletes.push(...deletes);
  }

  /** What several handlers of a turn want adds up, also when each replaces what was wanted before. */
  addWants(said: DecisionPlan['wants']): void {
    if (said !== undefined) this.wants = joinWants(this.wants, said);
  }
}

/** A turn under way. */
export class RunningTurn {
  readonly turn: Turn;
  readonly draft = new TurnDraft();
  readonly #callees: readonly Callee[];
  #index = 0;
  /** Calls of the present handler that failed. */
  failures = 0;
  /** Number of the call that is awaited. */
  invocation = 0;
  isWaitingToRetry = false;

  constructor(turn: Turn, callees: readonly Callee[]) {
    this.turn = turn;
    this.#callees = callees;
  }

  get callee(): Callee | undefined {
    return this.#callees[this.#index];
  }

  /** The present handler is dealt with. */
  next(): void {
    this.#index++;
    this.failures = 0;
  }
}

/** Turns that wait, the first first. */
export class TurnQueue {
  #turns: Turn[] = [];
  #first = 0;

  get length(): number {
    return this.#turns.length - this.#first;
  }

  push(turn: Turn): void {
    this.#turns.push(turn);
  }

  /** This one comes before all that wait. */
  pushFirst(turn: Turn): void {
    this.#turns = [turn, ...this.#turns.slice(this.#first)];
    this.#first = 0;
  }

  shift(): Turn | undefined {
    const turn = this.#turns[this.#first];
    if (turn === undefined) return undefined;
    this.#first++;
    if (this.#first > 1_000 && this.#first * 2 > this.#turns.length) {
      this.#turns = this.#turns.slice(this.#first);
      this.#first = 0;
    }
    return turn;
  }

  clear(): readonly Turn[] {
    const waiting = this.#turns.slice(this.#first);
    this.#turns = [];
    this.#first = 0;
    return waiting;
  }
}
