/** The page `/metrics` for Prometheus: figures of the runtime, and those of the process. */
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { type AdminView, countByState } from './port.js';

/** A figure of the framework's own. */
export interface Metric {
  /** Such as `cron_runs_active`: `plateau_` comes before it, and `_total` behind a counter. */
  readonly name: string;
  /** A line that says what it is. */
  readonly help: string;
  /** A counter only grows while the framework is active; a gauge goes up and down. */
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

/** A framework with figures of its own, which `/metrics` shows beside those of the runtime. */
export interface HasMetrics {
  /** Must be quick: it is called for each reading. */
  metrics(): readonly Metric[];
}

/** The figures of a framework, if it has any. */
export function ownMetrics(framework: object | undefined): readonly Metric[] {
  if (framework === undefined || !('metrics' in framework)) return [];
  return typeof framework.metrics === 'function' ? framework.metrics() : [];
}

/** Metric names that are kept; the runtime has far fewer. */
const MOST_METRICS = 1_000;

export class MetricsPage {
  readonly #registry = new Registry();
  readonly #named = new Map<string, Counter | Gauge>();
  readonly #tasks: Gauge<'state'>;
  readonly #connected: Gauge;
  readonly #queued: Gauge;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'plateau_' });
    this.#tasks = new Gauge({
      name: 'plateau_framework_tasks',
      help: 'tasks that are known, by state',
      labelNames: ['state'],
      registers,
    });
    this.#connected = new Gauge({
      name: 'plateau_framework_subscribed',
      help: '1 while the framework is subscribed to a master',
      registers,
    });
    this.#queued = new Gauge({
      name: 'plateau_framework_queued_events',
      help: 'events that wait for their turn',
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page; without a view only the figures of the process are new. */
  async render(view: AdminView | undefined, own: readonly Metric[] = []): Promise<string> {
    this.#tasks.reset();
    this.#connected.set(view?.connection === 'subscribed' ? 1 : 0);
    this.#queued.set(view?.queued ?? 0);
    for (const [state, count] of Object.entries(countByState(view?.tasks.all() ?? []))) {
      this.#tasks.set({ state }, count);
    }
    for (const [name, value] of view?.counters ?? []) {
      const counter = this.#metric(Counter, `${snakeCase(name)}_total`);
      counter?.reset();
      counter?.inc(value);
    }
    for (const [name, value] of view?.gauges ?? []) {
      const gauge = this.#metric(Gauge, snakeCase(name));
      gauge?.reset();
      gauge?.inc(value);
    }
    for (const metric of own) this.#show(metric);
    return await this.#registry.metrics();
  }

  /** Lets go of the observers of the process. */
  dispose(): void {
    this.#registry.clear();
    this.#named.clear();
  }

  #show({ name, help, kind, value }: Metric): void {
    const key = `plateau_${snakeCase(name)}${kind === 'counter' ? '_total' : ''}`;
    const metric = this.#named.get(key) ?? this.#newMetric(kind, key, help);
    metric?.reset();
    if (Number.isFinite(value)) metric?.inc(value);
  }

  #newMetric(kind: Metric['kind'], name: string, help: string): Counter | Gauge | undefined {
    if (this.#named.size >= MOST_METRICS) return undefined;
    if (this.#registry.getSingleMetric(name) !== undefined) return undefined;
    const registers = [this.#registry];
    const options = { name, help, registers };
    const metric = kind === 'counter' ? new Counter(options) : new Gauge(options);
    this.#named.set(name, metric);
    return metric;
  }

  /** The metric of a name; undefined when there are too many. */
  #metric(Kind: typeof Counter | typeof Gauge, key: string): Counter | Gauge | undefined {
    const known = this.#named.get(key);
    if (known !== undefined || this.#named.size >= MOST_METRICS) return known;
    const name = `plateau_framework_${key}`;
    if (this.#registry.getSingleMetric(name) !== undefined) return undefined;
    const help = key.replaceAll('_', ' ');
    const metric = new Kind({ name, help, registers: [this.#registry] });
    this.#named.set(key, metric);
    return metric;
  }
}

/** `offersReceived`, `offers.received` and `offers/received` are all `offers_received`. */
function snakeCase(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}
