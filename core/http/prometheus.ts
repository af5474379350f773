/**
 * The page `/metrics` for Prometheus: the figures of the snapshot, and those of the process. Figures
 * of single frameworks and roles are left out: their names would grow without bound.
 */
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** Below these, names contain ids or roles. */
const UNBOUNDED = /^master\/frameworks\/|\/roles\//;

/** Metric names that are kept; more than a snapshot without ids and roles has. */
export const MAX_PROMETHEUS_METRICS = 2_000;

export class PrometheusPage {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'plateau_' });
  }

  /** Type of the body. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The body, from a snapshot such as `/metrics/snapshot` shows. */
  async render(snapshot: ReadonlyMap<string, number>): Promise<string> {
    for (const [key, value] of snapshot) {
      if (!UNBOUNDED.test(key)) this.#gauge(key)?.set(value);
    }
    return await this.#registry.metrics();
  }

  /** Lets go of the observers of the process. */
  dispose(): void {
    this.#registry.clear();
    this.#gauges.clear();
  }

  #gauge(key: string): Gauge | undefined {
    const known = this.#gauges.get(key);
    if (known !== undefined || this.#gauges.size >= MAX_PROMETHEUS_METRICS) return known;
    const name = `plateau_${key.replaceAll(/[^A-Za-z0-9]+/g, '_')}`;
    if (this.#registry.getSingleMetric(name) !== undefined) return undefined;
    const gauge = new Gauge({ name, help: key, registers: [this.#registry] });
    this.#gauges.set(key, gauge);
    return gauge;
  }
}
