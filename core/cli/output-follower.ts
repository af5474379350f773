/**
 * Prints the output of tasks as it grows, standard output and standard error each to its own, whole
 * lines only, with the task as a prefix when there are several.
 */
import { StringDecoder } from 'node:string_decoder';
import { type Disposable, errorMessage } from '../base/index.js';
import { AgentClient, type TaskRecord, followFile, isOver, sandboxPath } from '../client/index.js';
import { printNotice } from '../command/index.js';
import { commandWorld } from './client-options.js';

/** Milliseconds between two looks at a file. */
const LOOK_INTERVAL_MS = 200;

export class OutputFollower implements Disposable {
  readonly #options: { readonly prefix: boolean };
  readonly #abort = new AbortController();
  readonly #following = new Map<string, Promise<void>>();
  readonly #over = new Set<string>();

  constructor(options: { readonly prefix: boolean }) {
    this.#options = options;
  }

  /** To be told of every change of a task: follows it as soon as it runs. */
  changed(record: TaskRecord): void {
    if (isOver(record)) this.#over.add(record.taskId);
    // Until it runs there may be no sandbox yet, and if it never does there is no output.
    if (record.runningMs === undefined || this.#following.has(record.taskId)) return;
    this.#following.set(record.taskId, this.#follow(record));
  }

  /** Resolves when the output of all tasks that have ended is printed. */
  async finished(): Promise<void> {
    await Promise.all(this.#following.values());
  }

  dispose(): void {
    this.#abort.abort();
  }

  async #follow(record: TaskRecord): Promise<void> {
    await Promise.all([
      this.#followFile(record, 'stdout', process.stdout),
      this.#followFile(record, 'stderr', process.stderr),
    ]);
  }

  async #followFile(
    record: TaskRecord,
    name: 'stdout' | 'stderr',
    target: NodeJS.WritableStream,
  ): Promise<void> {
    const prefix = this.#options.prefix ? `[${record.taskId}] ` : '';
    const { taskId, frameworkId = '', containerId = '', executorId = taskId } = record;
    const path = `${sandboxPath({ frameworkId, executorId, containerId })}/${name}`;
    const decoder = new StringDecoder('utf8');
    let rest = '';
    try {
      for await (const part of followFile({
        world: commandWorld(),
        reader: new AgentClient({ address: `http://${record.agentAddress ?? ''}` }),
        path,
        intervalMs: LOOK_INTERVAL_MS,
        signal: this.#abort.signal,
        isComplete: () => this.#over.has(taskId),
      })) {
        const lines = (rest + decoder.write(part)).split('\n');
        rest = lines.pop() ?? '';
        target.write(lines.map((line) => `${prefix}${line}\n`).join(''));
      }
      if (rest !== '') target.write(`${prefix}${rest}\n`);
    } catch (error) {
      if (!this.#abort.signal.aborted) {
        printNotice(`the output of ${taskId} cannot be read: ${errorMessage(error)}`);
      }
    }
  }
}
