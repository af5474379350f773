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

/** Figures that are handled in one step. */
const FIGURES_PER_STEP = 200;

/** The body of `/metrics/snapshot`, in steps of a fraction of a millisecond. */
export function* snapshotText(
  figures: Iterable<readonly [string, number]>,
): Generator<undefined, string> {
  let text = '';
  let part: (readonly [string, number])[] = [];
  for (const figure of figures) {
    part.push(figure);
    if (part.length < FIGURES_PER_STEP) continue;
    text += `${membersText(part)},`;
    part = [];
    yield;
  }
  return `{${part.length === 0 ? text.slice(0, -1) : text + membersText(part)}}`;
}

function membersText(figures: readonly (readonly [string, number])[]): string {
  return JSON.stringify(Object.fromEntries(figures)).slice(1, -1);
}

/** Figures in order of names. */
export function sortedFigures(
  figures: Iterable<readonly [string, number]>,
): readonly (readonly [string, number])[] {
  return [...figures].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** Puts a few more figures among very many, which are in order already; those win. In steps. */
export function* withMore(
  figures: ReadonlyMap<string, number>,
  more: readonly (readonly [string, number])[],
): Generator<undefined, ReadonlyMap<string, number>> {
  const all = new Map<string, number>();
  const rest = sortedFigures(more).filter(([name]) => !figures.has(name));
  let next = 0;
  for (const [name, value] of figures) {
    for (let one = rest[next]; one !== undefined && one[0] < name; one = rest[++next]) {
      all.set(one[0], one[1]);
    }
    all.set(name, value);
    if (all.size % FIGURES_PER_STEP === 0) yield;
  }
  for (const [name, value] of rest.slice(next)) all.set(name, value);
  return all;
}
