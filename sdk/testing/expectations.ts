/**
 * Assertions about a framework under test that read like a story. They look at the state of things, not
 * at calls; what they throw shows every task, so that a failed test explains itself.
 */
import type { TaskRecord, TaskStateName, TaskView } from '../decisions/index.js';

/** What expectations look at. */
export interface ExpectationSubject {
  readonly name: string;
  readonly view: {
    readonly tasks: TaskView;
    readonly connection: string;
    readonly wants: readonly { readonly name: string; readonly count: number }[] | undefined;
    readonly unplaced: readonly { readonly name: string }[];
  };
  disagreements(): readonly string[];
}

/** A story that went otherwise. Test runners show `actual` and `expected` side by side. */
export class ExpectationError extends Error {
  readonly actual: unknown;
  readonly expected: unknown;
  readonly showDiff = true;

  constructor(message: string, figures: { readonly actual: unknown; readonly expected: unknown }) {
    super(message);
    this.name = 'ExpectationError';
    this.actual = figures.actual;
    this.expected = figures.expected;
  }
}

/** Tasks that are shown in the message of a failed expectation at most. */
const MAX_SHOWN_TASKS = 50;

export class Expectations {
  readonly #subject: ExpectationSubject;

  constructor(subject: ExpectationSubject) {
    this.#subject = subject;
  }

  /** So many tasks run now, of a name or of all. */
  running(count: number, name?: string): this {
    return this.inState('RUNNING', count, name);
  }

  finished(count: number, name?: string): this {
    return this.inState('FINISHED', count, name);
  }

  failed(count: number, name?: string): this {
    return this.inState('FAILED', count, name);
  }

  /** So many tasks are in a state. */
  inState(state: TaskStateName, count: number, name?: string): this {
    const found = this.#tasks(name).filter((task) => task.state === state).length;
    const what = name === undefined ? 'tasks' : `tasks of ${name}`;
    return this.#check(found, count, `${count} ${what} in state ${state}`);
  }

  /** Tasks run on these hosts, in any number on each, and on no other. */
  runningOn(...hostnames: readonly string[]): this {
    const hosts = new Set(
      this.#tasks()
        .filter((task) => task.state === 'RUNNING')
        .map((task) => task.hostname),
    );
    const sorted = (names: Iterable<string>): string[] => [...names].toSorted();
    return this.#check(sorted(hosts), sorted(hostnames), 'tasks run on exactly these hosts');
  }

  /** Each of these keys has come to a good end. */
  completed(name: string, keys: Iterable<string>): this {
    const { tasks } = this.#subject.view;
    const missing = [...keys].filter(
      (key) => !tasks.attempts(name, key).some((task) => task.state === 'FINISHED'),
    );
    return this.#check(missing, [], `all keys of ${name} finished`);
  }

  /** It wants no offers. */
  wantsNothing(): this {
    const open = (this.#subject.view.wants ?? []).filter(({ count }) => count > 0);
    const isSaid = this.#subject.view.wants !== undefined;
    return this.#check(isSaid ? open : 'it has not said', [], 'it wants nothing');
  }

  /** What it wants it has, or it says why not. */
  settled(): this {
    const { wants = [], unplaced } = this.#subject.view;
    const explained = new Set(unplaced.map(({ name }) => name));
    const open = wants.filter(({ name, count }) => count > 0 && !explained.has(name));
    return this.#check(open, [], 'it wants nothing that it does not explain');
  }

  /** It, the master and the hosts agree on what runs. */
  agreed(): this {
    const found = this.#subject.disagreements();
    return this.#check(found, [], 'the master and the hosts agree with it on what runs');
  }

  connected(): this {
    return this.#check(this.#subject.view.connection, 'subscribed', 'it is subscribed');
  }

  #tasks(name?: string): readonly TaskRecord[] {
    return this.#subject.view.tasks.all(name);
  }

  #check(actual: unknown, expected: unknown, what: string): this {
    if (JSON.stringify(actual) === JSON.stringify(expected)) return this;
    const { name, view } = this.#subject;
    const lines = [
      `${name}: expected that ${what}, but found ${JSON.stringify(actual)}.`,
      `Connection: ${view.connection}. Wants: ${JSON.stringify(view.wants ?? 'not said')}.`,
      ...describeTasks(this.#tasks()),
    ];
    if (view.unplaced.length > 0) lines.push(`Not placed: ${JSON.stringify(view.unplaced)}`);
    throw new ExpectationError(lines.join('\n'), { actual, expected });
  }
}

function describeTasks(tasks: readonly TaskRecord[]): readonly string[] {
  if (tasks.length === 0) return ['It has no tasks.'];
  const shown = tasks.slice(-MAX_SHOWN_TASKS).map((task) => {
    const reason = task.reason === undefined ? '' : ` (${task.reason}: ${task.message ?? ''})`;
    return `  ${task.id} ${task.state} on ${task.hostname}${reason}`;
  });
  const rest = tasks.length - shown.length;
  return rest > 0 ? [`  … and ${rest} older ones`, ...shown] : shown;
}
