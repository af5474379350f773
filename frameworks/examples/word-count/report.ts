/** Prints what came out of a word count. */
import {
  type Column,
  formatSpan,
  printJson,
  printLine,
  renderTable,
} from '../../../core/command/index.js';
import { addCounts } from './words.js';

export interface ReportOptions {
  /** How many words to print. */
  readonly top: number;
  readonly json: boolean;
}

/** A task that has done its part. Times are milliseconds; undefined: not known. */
export interface CountedTask {
  readonly taskId: string;
  /** Such as `map-3`. */
  readonly name: string;
  /** `host:port` of its agent. */
  readonly agent: string;
  /** From the moment when it could begin until it was launched. */
  readonly waitedMs?: number | undefined;
  /** From then until it ran. */
  readonly startedInMs?: number | undefined;
  /** Until its end; from the launch on, when it is not known since when it ran. */
  readonly ranMs?: number | undefined;
}

export interface Counted {
  /** Lines `count<TAB>word`. */
  readonly text: string;
  /** How many were counted. */
  readonly files: number;
  readonly tasks: readonly CountedTask[];
}

/** @throws Error when the result is not of the form that the reduce task writes. */
export function report({ text, files, tasks }: Counted, options: ReportOptions): void {
  const counts = addCounts(text, new Map());
  const top = [...counts].slice(0, options.top);
  const words = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (options.json) {
    printJson({
      files,
      words,
      differentWords: counts.size,
      top: Object.fromEntries(top),
      tasks: tasks.map(({ taskId, agent }) => ({ taskId, agent })),
    });
    return;
  }
  printLine(renderTable(WORD_COLUMNS, top));
  printLine();
  printLine(renderTable(TASK_COLUMNS, tasks));
  printLine();
  const agents = new Set(tasks.map(({ agent }) => agent)).size;
  printLine(
    `${words} words, ${counts.size} different ones, in ${files} files; ${tasks.length} tasks on ${agents} agents.`,
  );
}

const WORD_COLUMNS: readonly Column<readonly [string, number]>[] = [
  { heading: 'WORD', value: ([word]) => word },
  { heading: 'COUNT', value: ([, count]) => count, align: 'right' },
];

const TASK_COLUMNS: readonly Column<CountedTask>[] = [
  { heading: 'TASK', value: ({ name }) => name },
  { heading: 'WAITED', value: ({ waitedMs }) => span(waitedMs), align: 'right' },
  { heading: 'STARTED IN', value: ({ startedInMs }) => span(startedInMs), align: 'right' },
  { heading: 'RAN', value: ({ ranMs }) => span(ranMs), align: 'right' },
  { heading: 'WHERE', value: ({ agent }) => agent },
];

function span(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : formatSpan(milliseconds);
}
