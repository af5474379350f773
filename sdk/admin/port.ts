/** What the admin interface needs of a running framework. `sdk/hosting` makes it from the runtime. */
import type { TaskRecord, TaskView, Want } from '../decisions/index.js';
import type { ConnectionState, Context } from '../framework/index.js';

/** What is shown. A view: it tells what is true when it is read. */
export interface AdminView {
  readonly connection: ConnectionState;
  readonly isPaused: boolean;
  readonly frameworkId: string | undefined;
  readonly tasks: TaskView;
  /** Undefined: the framework has not said what it wants. */
  readonly wants: readonly Want[] | undefined;
  /** The last decisions with what found no place and why, the newest first. */
  readonly decisions: readonly unknown[];
  /** For each name of a task that is waiting: the latest reasons. */
  readonly explanations: readonly unknown[];
  readonly heldOffers: readonly unknown[];
  /** Handlers that have failed and are to be called again. */
  readonly retrying: readonly { readonly handler: string }[];
  /** What runs beside the handlers, with its state. */
  readonly daemons: readonly unknown[];
  /** What only grows, by name, such as `offers_received`. */
  readonly counters: ReadonlyMap<string, number>;
  /** What goes up and down. */
  readonly gauges: ReadonlyMap<string, number>;
  /** Events that wait for their turn. */
  readonly queued: number;
}

export interface AdminRuntime {
  readonly view: AdminView;
  /** What handlers of routes are given. */
  readonly context: Context;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
  /** Gives the place up: another copy that stands by takes over; without one, this copy begins anew. */
  resign(): void;
  /** Runs a handler of a route as a turn: resolves when what it changed is durable. */
  turn<T>(run: () => T | Promise<T>): Promise<T>;
}

/** An active framework: its runtime, and the object whose methods are called. */
export interface ActiveFramework {
  readonly runtime: AdminRuntime;
  readonly framework: object;
  /** Makes an object of a class with routes, with the framework as argument. */
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever has @Admin
  readonly make: (theClass: Function) => object;
}

/** Tasks by state, for overviews. */
export function countByState(tasks: readonly TaskRecord[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
