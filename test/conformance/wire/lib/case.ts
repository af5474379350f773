/** The form of a case. Cases of further folders have the same, with a context of their own library. */
import type { Context } from './context.js';

/** P0 is what every client needs, P1 what known frameworks and tools use, P2 corners. */
export type Priority = 'P0' | 'P1' | 'P2';

export interface WireCase<C = Context> {
  /** Two letters of the area, a dash and a number; never used for another case. */
  readonly id: string;
  readonly area: string;
  readonly priority: Priority;
  /** What holds when the case passes. */
  readonly title: string;
  /** How long it may take; most have the limit of the runner. */
  readonly timeout?: number;
  /** Resolves when everything held. */
  run(context: C): Promise<void>;
}

type CaseRow = readonly [
  id: string,
  priority: Priority,
  title: string,
  run: (context: Context) => Promise<void>,
  timeoutSeconds?: number,
];

/** The cases of one area, each given as a row. */
export function casesOf(area: string, rows: readonly CaseRow[]): readonly WireCase[] {
  return rows.map(([id, priority, title, run, timeout]) => ({
    id,
    area,
    priority,
    title,
    run,
    ...(timeout === undefined ? {} : { timeout }),
  }));
}
