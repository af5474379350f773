/** Prints what came out of a word count. */
import {
  type Column,
  formatSpan,
  printJson,
  printLine,
  renderTable,
} from '../../../core/command/index.js';
import type { TaskRecord } from '../../../sdk/index.js';
import type { Outcome } from './job.js';
import { addCounts } from './words.js';

export interface ReportOptions {
  /** How many words to print. */
  readonly top: number;
  readonly json: boolean;
}

type Counted = Extract<Outcome, { readonly kind: 'counted' }>;

/** @throws Error when the result is not of the form that the reduce task writes. */
export function report(outcome: Counted, options: ReportOptions): void {
  const { parts, tasks } = outcome;
  const counts = addCounts(outcome.text, new Map());
  const top = [...counts].slice(0, options.top);
  const words = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const files = parts.flat().length;
  if (options.json) {
    printJson({
      files,
      words,
      differentWords: counts.size,
      top: Object.fromEntries(top),
      tasks: tasks.map((task) => ({ taskId: task.id, agent: agentOf(task) })),
    });
    return;
  }
  printLine(renderTable(WORD_COLUMNS, top));
  printLine();
  printLine(renderTable(taskColumns(outcome), tasks));
  printLine();
  const agents = new Set(tasks.map(agentOf)).size;
  printLine(
    `${words} words, ${counts.size} different ones, in ${files} files; ${tasks.length} tasks on ${agents} agents.`,
  );
}

const WORD_COLUMNS: readonly Column<readonly [string, number]>[] = [
  { heading: 'WORD', value: ([word]) => word },
  { heading: 'COUNT', value: ([, count]) => count, align: 'right' },
];

function taskColumns({ tasks, startedAt, runningSince }: Counted): readonly Column<TaskRecord>[] {
  // The reduce task is wanted from the end of the last map task on.
  const mappedAt = Math.max(startedAt, ...tasks.slice(0, -1).map(({ updatedAt }) => updatedAt));
  const wantedAt = ({ name }: TaskRecord): number => (name === 'reduce' ? mappedAt : startedAt);
  const span = (from: number | undefined, to: number | undefined): string =>
    from === undefined || to === undefined ? '-' : formatSpan(Math.max(0, to - from));
  return [
    { heading: 'TASK', value: ({ name, key }) => (name === 'map' ? `map-${key}` : name) },
    {
      heading: 'WAITED',
      value: (task) => span(wantedAt(task), task.launchedAt),
      align: 'right',
    },
    {
      heading: 'STARTED IN',
      value: ({ id, launchedAt }) => span(launchedAt, runningSince.get(id)),
      align: 'right',
    },
    {
      heading: 'RAN',
      value: ({ id, updatedAt }) => span(runningSince.get(id), updatedAt),
      align: 'right',
    },
    { heading: 'WHERE', value: agentOf },
  ];
}

/** `host:port` of the agent. */
function agentOf({ agentUrl, hostname }: TaskRecord): string {
  return agentUrl?.replace(/^https?:\/\//, '') ?? hostname;
}
