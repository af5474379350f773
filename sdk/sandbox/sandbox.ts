/**
 * Reads the sandbox of a task from the agent that has it: a file as it is, or as it grows, in whole lines
 * with a prefix. It needs no state of the framework, so that commands can use it too.
 */
import { StringDecoder } from 'node:string_decoder';
import { type World, systemWorld } from '../../core/base/index.js';
import { AgentClient, followFile, sandboxPath } from '../../core/client/index.js';

/** Where the sandbox of a task is. */
export interface SandboxLocation {
  /** Of the agent, such as `http://10.0.0.7:5051`. */
  readonly address: string;
  readonly frameworkId: string;
  /** Tasks that are commands have an executor of the same id. */
  readonly executorId: string;
  /** Default: the latest container of the executor. */
  readonly containerId?: string | undefined;
}

export interface SandboxFile extends SandboxLocation {
  /** Such as `stdout`. */
  readonly file: string;
  /** Where to begin; negative: that many bytes before the end. Default 0. */
  readonly offset?: number | undefined;
}

/** The path under which the agent serves the folder. */
export function sandboxFolder({ frameworkId, executorId, containerId }: SandboxLocation): string {
  return sandboxPath({ frameworkId, executorId, containerId: containerId ?? 'latest' });
}

/** Milliseconds between two looks at a file that has not grown. */
const LOOK_INTERVAL_MS = 200;

export interface ReadOptions extends SandboxFile {
  /** Asked whenever all was read: true ends the reading after one more look. Default: it ends at once. */
  readonly isComplete?: (() => boolean | Promise<boolean>) | undefined;
  /** Ends the reading at once. */
  readonly signal?: AbortSignal | undefined;
  readonly world?: World;
}

/**
 * Yields what is in a file of a sandbox, and, with `isComplete`, what is added.
 * @throws PlateauError `CALL_REFUSED` when there is no such file, `AGENT_UNREACHABLE`.
 */
export async function* readSandbox(options: ReadOptions): AsyncGenerator<Buffer> {
  const { address, file, offset, isComplete, signal, world = systemWorld() } = options;
  yield* followFile({
    world,
    reader: new AgentClient({ address }),
    path: `${sandboxFolder(options)}/${file}`,
    intervalMs: LOOK_INTERVAL_MS,
    isComplete: isComplete ?? (() => true),
    ...(offset === undefined ? {} : { offset }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Where lines go: whole ones, several in one text. */
export type OutputSink = (text: string) => void;

/** Passes a file on in whole lines, each with a prefix. */
export async function followOutput(
  options: ReadOptions & { readonly prefix?: string; readonly write: OutputSink },
): Promise<void> {
  const { prefix = '', write } = options;
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const part of readSandbox(options)) {
    const lines = (rest + decoder.write(part)).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) write(lines.map((line) => `${prefix}${line}\n`).join(''));
  }
  rest += decoder.end();
  if (rest !== '') write(`${prefix}${rest}\n`);
}
