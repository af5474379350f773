/** Figures of the host, under the names that Mesos gave them. */
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';

/** Names start with `system/`. */
export function systemMetrics(): ReadonlyMap<string, number> {
  const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
  return new Map([
    ['system/cpus_total', availableParallelism()],
    ['system/load_15min', load15],
    ['system/load_1min', load1],
    ['system/load_5min', load5],
    ['system/mem_free_bytes', freemem()],
    ['system/mem_total_bytes', totalmem()],
  ]);
}

/** The body of `/metrics/snapshot`: names in order. */
export function snapshotText(metrics: ReadonlyMap<string, number>): string {
  const names = [...metrics.keys()].toSorted();
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, metrics.get(name) ?? 0])));
}
