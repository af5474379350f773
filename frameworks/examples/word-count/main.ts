/** `plateau example word-count`: runs the framework in this process, and prints its result. */
import { fileURLToPath } from 'node:url';
import { printNotice, startProgress } from '../../../core/command/index.js';
import { type TaskRecord, runFramework } from '../../../sdk/index.js';
import { WordCount } from './framework.js';
import { findInput, partition } from './input.js';
import type { Outcome } from './job.js';
import { type Counted, type CountedTask, type ReportOptions, report } from './report.js';

export interface WordCountOptions extends ReportOptions {
  readonly master: string;
  /** Where the job is remembered: `memory:`, or `lmdb:` and a folder. */
  readonly store: string;
  readonly paths: readonly string[];
  /** Number of map tasks. */
  readonly maps: number;
}

/** Runs the job, prints its result, and returns the exit code. */
export async function wordCount(options: WordCountOptions): Promise<number> {
  const input = findInput(options.paths);
  if (input.length === 0) {
    printNotice(`no text files below ${options.paths.join(', ')}`);
    return 1;
  }
  const parts = partition(input, options.maps).map((files) => files.map(({ path }) => path));
  const progress = startProgress('word count', parts.length + 1);
  const framework = new WordCount({
    parts,
    programs: { map: (files) => program('map.js', files), reduce: program('reduce.js', []) },
    read,
    onProgress: (done, note) => progress.update(done, note),
    onDisconnected: (reason) => printNotice(`no connection to a master: ${reason}`),
  });
  try {
    await runToItsEnd(framework, options);
    const { outcome } = framework;
    if (outcome?.kind !== 'counted') throw new Error(outcome?.reason ?? 'it was interrupted');
    progress.update(parts.length + 1);
    progress.dispose();
    report(countedOf(outcome), options);
    return 0;
  } catch (error) {
    progress.dispose();
    printNotice(`the word count failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** The first Ctrl-C ends the job and its tasks, a second one does not wait for the master. */
async function runToItsEnd(
  framework: WordCount,
  { master, store }: WordCountOptions,
): Promise<void> {
  const running = await runFramework(framework, { masters: master, store, admin: false });
  let isAsked = false;
  const onInterrupt = (): void => {
    if (isAsked) void running.close();
    else void framework.cancel().catch(() => running.close());
    isAsked = true;
  };
  process.on('SIGINT', onInterrupt);
  try {
    await running.ended;
  } finally {
    process.off('SIGINT', onInterrupt);
    await running.close();
  }
}

function countedOf(outcome: Extract<Outcome, { readonly kind: 'counted' }>): Counted {
  const { text, parts, tasks, startedAt, runningSince } = outcome;
  // The reduce task is wanted from the end of the last map task on.
  const mappedAt = Math.max(startedAt, ...tasks.slice(0, -1).map(({ updatedAt }) => updatedAt));
  const timed = (task: TaskRecord): CountedTask => {
    const { id, name, key, launchedAt, updatedAt, agentUrl, hostname } = task;
    const ranAt = runningSince.get(id);
    return {
      taskId: id,
      name: name === 'map' ? `map-${key}` : name,
      agent: agentUrl?.replace(/^https?:\/\//, '') ?? hostname,
      waitedMs: span(name === 'reduce' ? mappedAt : startedAt, launchedAt),
      startedInMs: span(launchedAt, ranAt),
      ranMs: span(ranAt, updatedAt),
    };
  };
  return { text, files: parts.flat().length, tasks: tasks.map(timed) };
}

function span(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from);
}

function program(name: string, words: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, fileURLToPath(new URL(name, import.meta.url)), ...words];
}

async function read(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}
