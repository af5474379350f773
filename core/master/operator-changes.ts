/**
 * Changes of operators that are recorded: one at a time, each decided when those before it are done,
 * done when it is durable, and answered then. So two operators cannot both be told that they
 * were first, and nobody is told of what a crash could undo.
 */
import type { CallAnswer } from '../api/index.js';
import type { Registry, RegistryChange } from './registry.js';

/** A refusal, or what is to be written, and what happens when it is durable. */
export type OperatorDecision = CallAnswer | RecordedChange;

export interface RecordedChange {
  readonly change: RegistryChange;
  /** Changes the cluster and gives the answer. */
  readonly apply: () => CallAnswer;
}

/** Changes that wait for others at most; further ones are refused. */
export const MAX_WAITING_OPERATOR_CHANGES = 1_000;

const TOO_MANY: CallAnswer = {
  status: 503,
  message: 'Too many changes wait to be recorded: try again',
};

interface WaitingChange {
  readonly decide: () => OperatorDecision;
  readonly answer: (answer: CallAnswer) => void;
}

/** Nobody waits for the answer. */
const unheard = (): void => {};

export class OperatorChanges {
  readonly #registry: Registry;
  readonly #waiting: WaitingChange[] = [];
  #isWriting = false;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Decides now, or after the changes that were asked for before. The promise never settles when the
   * master ends first: nobody knows then whether the change was recorded.
   */
  submit(decide: () => OperatorDecision): Promise<CallAnswer> {
    if (this.#waiting.length >= MAX_WAITING_OPERATOR_CHANGES) return Promise.resolve(TOO_MANY);
    return new Promise((answer) => {
      this.#waiting.push({ decide, answer });
      this.#next();
    });
  }

  /**
   * As `submit`, for what follows from an earlier change by itself: it is not counted against the
   * bound, and nobody is answered.
   */
  follow(decide: () => OperatorDecision): void {
    this.#waiting.push({ decide, answer: unheard });
    this.#next();
  }

  #next(): void {
    while (!this.#isWriting) {
      const first = this.#waiting.shift();
      if (first === undefined) return;
      const decision = first.decide();
      if ('status' in decision) first.answer(decision);
      else this.#record(decision, first.answer);
    }
  }

  #record({ change, apply }: RecordedChange, answer: (answer: CallAnswer) => void): void {
    this.#isWriting = true;
    this.#registry.commit(change, () => {
      this.#isWriting = false;
      answer(apply());
      this.#next();
    });
  }
}
