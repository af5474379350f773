/** What the runtime counts. The names are those of the metrics of a framework. */

const NAMES = [
  'events',
  'calls',
  'calls_failed',
  'turns',
  'commits',
  'offers_received',
  'offers_accepted',
  'offers_declined_unwanted',
  'offers_declined_unmatched',
  'offers_declined_not_ready',
  'offers_declined_by_handler',
  'offers_held',
  'offers_rescinded',
  'updates',
  'updates_repeated',
  'updates_outdated',
  'operation_updates',
  'operation_updates_repeated',
  'operation_updates_without_news',
  'updates_without_news',
  'updates_of_unknown_tasks',
  'acknowledgements',
  'tasks_launched',
  'tasks_not_sent',
  'tasks_forgotten',
  'kills',
  'kills_repeated',
  'messages',
  'suppresses',
  'revives',
  'reconcile_calls',
  'reconciled_tasks',
  'subscriptions',
  'disconnects',
  'handler_errors',
  'handler_retries',
  'daemon_restarts',
  'evaluations',
] as const;

export type CounterName = (typeof NAMES)[number];

export class Counters {
  readonly #values = new Map<CounterName, number>(NAMES.map((name) => [name, 0]));

  count(name: CounterName, by = 1): void {
    this.#values.set(name, this.get(name) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }

  /** All of them, by name. */
  read(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#values);
  }
}
