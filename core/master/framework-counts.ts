/**
 * What a framework has done and was told, counted where it happens and named as Mesos names it. All
 * that a count costs is one addition; how many tasks are in which state is kept, not looked up. The
 * counts end with the framework: nothing is shown of one that was removed.
 */
import type {
  OfferOperationType,
  SchedulerCallType,
  SchedulerEvent,
  SchedulerEventType,
  TaskState,
} from '../api/index.js';
import type { OfferAnswerLog } from './offer-answers.js';

const CALLS: readonly SchedulerCallType[] = [
  'SUBSCRIBE',
  'TEARDOWN',
  'ACCEPT',
  'DECLINE',
  'ACCEPT_INVERSE_OFFERS',
  'DECLINE_INVERSE_OFFERS',
  'REVIVE',
  'KILL',
  'SHUTDOWN',
  'ACKNOWLEDGE',
  'ACKNOWLEDGE_OPERATION_STATUS',
  'RECONCILE',
  'RECONCILE_OPERATIONS',
  'MESSAGE',
  'REQUEST',
  'SUPPRESS',
  'UPDATE_FRAMEWORK',
];

const EVENTS: readonly SchedulerEventType[] = [
  'SUBSCRIBED',
  'OFFERS',
  'INVERSE_OFFERS',
  'RESCIND',
  'RESCIND_INVERSE_OFFER',
  'UPDATE',
  'UPDATE_OPERATION_STATUS',
  'MESSAGE',
  'FAILURE',
  'ERROR',
  'HEARTBEAT',
];

const OPERATIONS: readonly OfferOperationType[] = [
  'LAUNCH',
  'LAUNCH_GROUP',
  'RESERVE',
  'UNRESERVE',
  'CREATE',
  'DESTROY',
  'GROW_VOLUME',
  'SHRINK_VOLUME',
  'CREATE_DISK',
  'DESTROY_DISK',
];

const ACTIVE_STATES: readonly TaskState[] = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_UNREACHABLE',
  'TASK_UNKNOWN',
];

const END_STATES: readonly TaskState[] = [
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
];

/** What is measured of a framework. */
export interface MeasuredFramework {
  readonly id: string;
  readonly info: { readonly name: string };
  readonly roles: readonly string[];
  readonly suppressedRoles: ReadonlySet<string>;
  readonly isConnected: boolean;
  readonly unreachableTasks: { readonly size: number };
  readonly answers: Pick<OfferAnswerLog, 'totals'>;
  readonly counts: FrameworkCounts;
}

/** How often each of a fixed set of things happened. */
class Tally<Name extends string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name, change = 1): void {
    this.#counts.set(name, this.get(name) + change);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  get sum(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }
}

/** The counts of one framework, since this master has known it. */
export class FrameworkCounts {
  readonly #calls = new Tally<SchedulerCallType>();
  readonly #events = new Tally<SchedulerEventType>();
  readonly #operations = new Tally<OfferOperationType>();
  readonly #present = new Tally<TaskState>();
  readonly #ended = new Tally<TaskState>();
  #offersSent = 0;

  /** It made a call that came to be handled. */
  call(type: SchedulerCallType): void {
    this.#calls.add(type);
  }

  /** It was sent an event. */
  event(event: SchedulerEvent): void {
    this.#events.add(event.type ?? 'UNKNOWN');
    if (event.offers !== undefined) this.#offersSent += event.offers.offers?.length ?? 0;
  }

  /** It asked for an operation on offers that were valid. */
  operation(type: OfferOperationType): void {
    this.#operations.add(type);
  }

  /**
   * A task came from one state into another; undefined is off the books. A task that has ended counts
   * as being in that state until it leaves the books.
   */
  moved(from: TaskState | undefined, to: TaskState | undefined): void {
    if (from !== undefined) this.#present.add(from, -1);
    if (to !== undefined) this.#present.add(to);
  }

  /** A task came to its end, whether it was ever on the books or not. */
  ended(state: TaskState): void {
    this.#ended.add(state);
  }

  /** Tasks on the books in a state. */
  tasksIn(state: TaskState): number {
    return this.#present.get(state);
  }

  /** All figures below the prefix of the framework, sorted by name, zeros included. */
  *entries(framework: MeasuredFramework): Iterable<readonly [string, number]> {
    const { calls, events, operations, active, terminal } = KEYS;
    yield ['calls', this.#calls.sum];
    for (const [key, type] of calls) yield [key, this.#calls.get(type)];
    yield ['events', this.#events.sum];
    for (const [key, type] of events) yield [key, this.#events.get(type)];
    const { ACCEPTED, DECLINED, RESCINDED } = framework.answers.totals;
    yield ['offers/accepted', ACCEPTED];
    yield ['offers/declined', DECLINED];
    yield ['offers/rescinded', RESCINDED];
    yield ['offers/sent', this.#offersSent];
    yield ['operations', this.#operations.sum];
    for (const [key, type] of operations) yield [key, this.#operations.get(type)];
    for (const role of framework.roles.toSorted()) {
      yield [`roles/${role}/suppressed`, framework.suppressedRoles.has(role) ? 1 : 0];
    }
    yield ['subscribed', framework.isConnected ? 1 : 0];
    for (const [key, state] of active) {
      const isAway = state === 'TASK_UNREACHABLE';
      yield [key, isAway ? framework.unreachableTasks.size : this.tasksIn(state)];
    }
    for (const [key, state] of terminal) yield [key, this.#ended.get(state)];
  }
}

type Keys<Name extends string> = readonly (readonly [string, Name])[];

/** Names of figures, sorted; made once. */
function keysOf<Name extends string>(folder: string, names: readonly Name[]): Keys<Name> {
  return names.toSorted().map((name) => [`${folder}/${name.toLowerCase()}`, name] as const);
}

const KEYS = {
  calls: keysOf('calls', CALLS),
  events: keysOf('events', EVENTS),
  operations: keysOf('operations', OPERATIONS),
  active: keysOf('tasks/active', ACTIVE_STATES),
  terminal: keysOf('tasks/terminal', END_STATES),
};

/** Frameworks that the metrics show: a snapshot of many more would hold up the master. */
export const MAX_MEASURED_FRAMEWORKS = 1_000;

/** What the names of all figures of frameworks begin with. */
export const FRAMEWORK_FIGURES = 'master/frameworks/';

/** What the figures of a framework begin with: its name, encoded, and its id. */
export function frameworkPrefix({ info, id }: MeasuredFramework): string {
  const name = encodedName(info.name);
  return `${FRAMEWORK_FIGURES}${name === '' ? '' : `${name}/`}${id}/`;
}

/** A name as one part of a figure's name: what Mesos reserves is written as `%` and two digits. */
function encodedName(name: string): string {
  return encodeURI(name.replaceAll(/\p{Surrogate}/gu, '\uFFFD')).replaceAll(
    /[$&+,/:;=?@#~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The figures of frameworks, sorted by framework and name. Of more than `MAX_MEASURED_FRAMEWORKS` the
 * first ones are taken.
 */
export function* frameworkFigures(
  frameworks: Iterable<MeasuredFramework>,
): Iterable<readonly [string, number]> {
  const prefixed: (readonly [string, MeasuredFramework])[] = [];
  for (const framework of frameworks) {
    if (prefixed.length === MAX_MEASURED_FRAMEWORKS) break;
    prefixed.push([frameworkPrefix(framework), framework]);
  }
  for (const [prefix, framework] of prefixed.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    for (const [key, value] of framework.counts.entries(framework)) yield [prefix + key, value];
  }
}
