/**
 * Offers by the value over which GROUP_BY spreads tasks: the best offer of the value with fewest tasks,
 * without looking at all offers for each task.
 */
import { ScoreHeap } from './score-heap.js';
import type { Cell } from './tally.js';

interface Group {
  readonly cell: Cell;
  readonly heap: ScoreHeap;
  /** The best offer of the value, -1: there is none. True until `isStale`. */
  top: number;
  isStale: boolean;
}

export class EvenGroups {
  readonly #scores: Float64Array;
  readonly #groups: readonly Group[];
  readonly #groupOf: readonly (Group | undefined)[];

  /**
   * @param scores the present score of each offer, below 0 for refused ones; they may change.
   * @param cells the tasks of the value of each offer.
   */
  constructor(scores: Float64Array, cells: readonly (Cell | undefined)[]) {
    this.#scores = scores;
    const members = new Map<Cell, number[]>();
    for (const [index, cell] of cells.entries()) {
      if (cell === undefined) continue;
      const known = members.get(cell);
      if (known === undefined) members.set(cell, [index]);
      else known.push(index);
    }
    const groupOf: (Group | undefined)[] = Array.from({ length: scores.length });
    this.#groups = [...members].map(([cell, indices]) => {
      const heap = new ScoreHeap(scores, indices);
      const group: Group = { cell, heap, top: -1, isStale: true };
      for (const index of indices) groupOf[index] = group;
      return group;
    });
    this.#groupOf = groupOf;
  }

  /** The score of an offer is another one. */
  changed(index: number): void {
    const group = this.#groupOf[index];
    if (group === undefined) return;
    group.isStale = true;
    if ((this.#scores[index] ?? -1) >= 0) group.heap.push(index);
  }

  /**
   * The best offer of the value with fewest tasks; -1: there is none.
   * @param mayGrow whether that value may have one more; if it may not, none may that has more.
   * @param accepts false for an offer that will be refused for the rest of the turn.
   */
  best(mayGrow: (cell: Cell) => boolean, accepts: (index: number) => boolean): number {
    for (;;) {
      const group = this.#leading();
      if (group === undefined || !mayGrow(group.cell)) return -1;
      if (accepts(group.top)) return group.top;
      group.heap.drop();
      group.isStale = true;
    }
  }

  #leading(): Group | undefined {
    let best: Group | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    let bestScore = -1;
    for (const group of this.#groups) {
      const { count } = group.cell;
      if (count > fewest) continue;
      if (group.isStale) {
        group.top = group.heap.peek();
        group.isStale = false;
      }
      const { top } = group;
      if (top < 0) continue;
      const score = this.#scores[top] ?? -1;
      if (count === fewest && best !== undefined) {
        if (score < bestScore || (score === bestScore && top > best.top)) continue;
      }
      best = group;
      fewest = count;
      bestScore = score;
    }
    return best;
  }
}
