/** Reading a file on another host as it grows, such as the output of a task. */
import type { World } from '../base/index.js';
import type { FilePart } from './api-client.js';
import { Pause } from './backoff.js';

/** Milliseconds between two looks at a file that has not grown. */
export const FOLLOW_INTERVAL_MS = 500;

/** Whatever can read files: `AgentClient` and `OperatorClient` do. */
export interface FileReader {
  readFile(path: string, offset: number, length?: number): Promise<FilePart>;
}

export interface FollowOptions {
  readonly world: World;
  readonly reader: FileReader;
  readonly path: string;
  /** Where to begin; negative: that many bytes before the end. Default 0. */
  readonly offset?: number;
  readonly intervalMs?: number;
  /** Asked whenever all was read: true ends the following after one more look. */
  readonly isComplete?: () => boolean | Promise<boolean>;
  /** Ends the following at once. */
  readonly signal?: AbortSignal;
}

/**
 * Yields what is in the file, and then what is added. A file that became shorter was rotated: it is
 * read again from its start. Nothing is skipped or told twice otherwise.
 * @throws PlateauError what the reader throws: a file that is gone is `CALL_REFUSED`.
 */
export async function* followFile(options: FollowOptions): AsyncGenerator<Buffer> {
  const { reader, path, signal } = options;
  const pause = new Pause(options.world.clock);
  const onAbort = (): void => pause.end();
  signal?.addEventListener('abort', onAbort);
  try {
    let offset = await firstOffset(options);
    let isLastLook = false;
    while (!isAborted(signal)) {
      const { size, data } = await reader.readFile(path, offset);
      if (size < offset) {
        offset = 0;
        continue;
      }
      offset += data.length;
      if (data.length > 0) yield data;
      if (offset < size && data.length > 0) continue;
      if (isLastLook) return;
      isLastLook = (await options.isComplete?.()) ?? false;
      if (!isLastLook && !isAborted(signal))
        await pause.wait(options.intervalMs ?? FOLLOW_INTERVAL_MS);
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    pause.end();
  }
}

/** A function, since the signal changes between two looks at it. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}

async function firstOffset({ reader, path, offset = 0 }: FollowOptions): Promise<number> {
  if (offset >= 0) return offset;
  const { size } = await reader.readFile(path, 0, 0);
  return Math.max(0, size + offset);
}
