/**
 * A parallel word count as a small framework: map tasks on all agents count parts of the input, and
 * one reduce task, which fetches their results from the sandboxes of the agents, adds them up.
 */
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { errorMessage, systemWorld } from '../../../core/base/index.js';
import {
  AgentClient,
  type TaskRecord,
  type TaskRequest,
  TaskRunner,
  followFile,
  isOver,
  sandboxPath,
} from '../../../core/client/index.js';
import {
  type Column,
  formatSpan,
  printJson,
  printLine,
  printNotice,
  renderTable,
  startProgress,
} from '../../../core/command/index.js';
import { type InputFile, findInput, partition } from './input.js';
import { addCounts } from './words.js';

export interface WordCountOptions {
  readonly master: string;
  readonly paths: readonly string[];
  /** Number of map tasks. */
  readonly maps: number;
  /** How many words to print. */
  readonly top: number;
  readonly json: boolean;
}

const MAP_SIZE = { cpus: 0.2, memoryMiB: 64 };
const REDUCE_SIZE = { cpus: 0.2, memoryMiB: 64 };
const RESULT = 'counts.tsv';

/** Runs the job, prints its result, and returns the exit code. */
export async function wordCount(options: WordCountOptions): Promise<number> {
  const input = findInput(options.paths);
  if (input.length === 0) {
    printNotice(`no text files below ${options.paths.join(', ')}`);
    return 1;
  }
  const maps = partition(input, options.maps).map(mapTask);
  const progress = startProgress('word count', maps.length + 1);
  const runner = new TaskRunner({
    world: systemWorld(),
    masters: options.master,
    frameworkInfo: {
      user: userInfo().username,
      name: 'word-count',
      roles: ['examples'],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
      failover_timeout: 60,
    },
    onChange: () => {
      const over = runner.records.filter(isOver).length;
      progress.update(over, over < maps.length ? 'counting' : 'adding up');
    },
    onDisconnected: (reason) => printNotice(`no connection to a master: ${reason}`),
  });
  const kill = (): void => runner.kill();
  process.once('SIGINT', kill);
  try {
    runner.start();
    runner.submit(maps);
    const mapped = await succeed(runner);
    runner.submit([reduceTask(mapped)]);
    const records = await succeed(runner);
    progress.dispose();
    print(await resultOf(records), { input, records, options });
    return 0;
  } catch (error) {
    progress.dispose();
    printNotice(`the word count failed: ${errorMessage(error)}`);
    return 1;
  } finally {
    process.off('SIGINT', kill);
    await runner.close();
  }
}

function mapTask(files: readonly InputFile[], index: number): TaskRequest {
  return nodeTask(`map-${index}`, {
    size: MAP_SIZE,
    program: 'map.js',
    words: files.map(({ path }) => path),
  });
}

/** The agent fetches what each map task left in its sandbox, before it starts the reduce task. */
function reduceTask(mapped: readonly TaskRecord[]): TaskRequest {
  const task = nodeTask('reduce', { size: REDUCE_SIZE, program: 'reduce.js', words: [] });
  const uris = mapped.map((record, index) => ({
    value: `http://${record.agentAddress ?? ''}/files/download?path=${encodeURIComponent(resultPath(record))}`,
    output_file: `part-${index}.tsv`,
    extract: false,
  }));
  return { ...task, info: { ...task.info, command: { ...task.info.command, uris } } };
}

function nodeTask(
  id: string,
  what: {
    readonly size: TaskRequest['size'];
    readonly program: string;
    readonly words: readonly string[];
  },
): TaskRequest {
  const program = fileURLToPath(new URL(what.program, import.meta.url));
  return {
    id,
    size: what.size,
    info: {
      name: id,
      command: {
        shell: false,
        value: process.execPath,
        arguments: [process.execPath, program, ...what.words],
      },
    },
  };
}

async function succeed(runner: TaskRunner): Promise<readonly TaskRecord[]> {
  const records = await runner.finished();
  const failed = records.find((record) => record.state !== 'TASK_FINISHED');
  if (failed === undefined) return records;
  throw new Error(
    `${failed.taskId} ended as ${failed.state}: ${failed.status?.message ?? 'no message'}`,
  );
}

function resultPath(record: TaskRecord): string {
  const { frameworkId = '', executorId = '', containerId = '' } = record;
  return `${sandboxPath({ frameworkId, executorId, containerId })}/${RESULT}`;
}

async function resultOf(records: readonly TaskRecord[]): Promise<ReadonlyMap<string, number>> {
  const reduce = records.find(({ request }) => request.id === 'reduce');
  if (reduce === undefined) throw new Error('there was no reduce task');
  const parts: Buffer[] = [];
  const reader = new AgentClient({ address: `http://${reduce.agentAddress ?? ''}` });
  const world = systemWorld();
  const options = { world, reader, path: resultPath(reduce), isComplete: () => true };
  for await (const part of followFile(options)) parts.push(part);
  return addCounts(Buffer.concat(parts).toString('utf8'), new Map());
}

const TASK_COLUMNS: readonly Column<TaskRecord>[] = [
  { heading: 'TASK', value: (record) => record.taskId },
  {
    heading: 'WAITED',
    value: (record) => span(record.submittedMs, record.launchedMs),
    align: 'right',
  },
  {
    heading: 'STARTED IN',
    value: (record) => span(record.launchedMs, record.runningMs),
    align: 'right',
  },
  { heading: 'RAN', value: (record) => span(record.runningMs, record.endedMs), align: 'right' },
  { heading: 'WHERE', value: (record) => record.agentAddress },
];

function print(
  counts: ReadonlyMap<string, number>,
  job: {
    readonly input: readonly InputFile[];
    readonly records: readonly TaskRecord[];
    readonly options: WordCountOptions;
  },
): void {
  const top = [...counts].slice(0, job.options.top);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (job.options.json) {
    printJson({
      files: job.input.length,
      words: total,
      differentWords: counts.size,
      top: Object.fromEntries(top),
      tasks: job.records.map((record) => ({ taskId: record.taskId, agent: record.agentAddress })),
    });
    return;
  }
  const columns: readonly Column<readonly [string, number]>[] = [
    { heading: 'WORD', value: ([word]) => word },
    { heading: 'COUNT', value: ([, count]) => count, align: 'right' },
  ];
  printLine(renderTable(columns, top));
  printLine();
  printLine(renderTable(TASK_COLUMNS, job.records));
  printLine();
  const agents = new Set(job.records.map((record) => record.agentAddress)).size;
  printLine(
    `${total} words, ${counts.size} different ones, in ${job.input.length} files; ${job.records.length} tasks on ${agents} agents.`,
  );
}

function span(from: number | undefined, to: number | undefined): string {
  return from === undefined || to === undefined ? '-' : formatSpan(to - from);
}
