/** The figures of the allocator, named as in Mesos below `allocator/`. */
import type { Ledger } from './ledger.js';
import { writeQuotas } from './quota-metrics.js';
import { RunSamples } from './run-samples.js';
import type { ScalarVector } from './scalar-vectors.js';

/** Shown with zero even when no agent has any. */
const STANDARD_NAMES = ['cpus', 'mem', 'disk'] as const;

export class AllocatorMetrics {
  readonly #durationMs = new RunSamples();
  readonly #latencyMs = new RunSamples();

  /** Counts a run: how long it took, and how long it had waited. */
  noteRun(durationMs: number, latencyMs: number): void {
    this.#durationMs.add(durationMs);
    this.#latencyMs.add(latencyMs);
  }

  /** All figures as of now. */
  read(ledger: Ledger, isRunQueued: boolean): ReadonlyMap<string, number> {
    const figures = new Map<string, number>();
    figures.set('mesos/allocation_runs', ledger.runs);
    figures.set('mesos/event_queue_dispatches', isRunQueued ? 1 : 0);
    this.#durationMs.write('mesos/allocation_run_ms', figures);
    this.#latencyMs.write('mesos/allocation_run_latency_ms', figures);
    writeResources(ledger, figures);
    writeRoles(ledger, figures);
    writeQuotas(ledger, figures);
    return figures;
  }
}

function writeResources(ledger: Ledger, figures: Map<string, number>): void {
  const { names, tree } = ledger;
  for (const name of new Set([...STANDARD_NAMES, ...names.names])) {
    const index = names.indexOf(name);
    figures.set(`mesos/resources/${name}/total`, wholes(tree.total, index));
    figures.set(`mesos/resources/${name}/offered_or_allocated`, wholes(tree.allocated, index));
  }
}

function wholes(vector: ScalarVector, index: number): number {
  return (vector[index] ?? 0) / 1000;
}

function writeRoles(ledger: Ledger, figures: Map<string, number>): void {
  for (const { clients } of ledger.frameworks.values()) {
    for (const { role, filterCount } of clients.values()) {
      const filters = `mesos/offer_filters/roles/${role}/active`;
      figures.set(filters, (figures.get(filters) ?? 0) + filterCount);
      figures.set(`mesos/roles/${role}/shares/dominant`, ledger.tree.ownShare(role));
    }
  }
}
