/**
 * Writes what passes between a framework and its master to a file, for `plateau replay`: what is stored when
 * the framework begins, then every event and call of its first term. The framework never waits for the file,
 * and a file that cannot be written ends the recording alone.
 */
import { type WriteStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { PlateauError, type Store, type World, errorMessage } from '../../core/base/index.js';
import { type Interceptor, record } from '../runtime/index.js';

/** Largest recording; it ends there (1 GiB). */
export const MAX_RECORDING_BYTES = 1024 ** 3;
/** What waits to be written to the file at most; a slower disk ends the recording (64 MiB). */
export const MAX_RECORDING_BACKLOG_BYTES = 64 * 1024 ** 2;

const NOTHING: Interceptor = (traffic, next) => next(traffic);

export class RecordingFile {
  readonly #path: string;
  readonly #world: World;
  readonly #file: WriteStream;
  #bytes = 0;
  #isOver = false;
  #hasBegun = false;

  /**
   * Makes the file, which only its owner can read: messages have data of tasks in them.
   * @throws PlateauError `INVALID_FLAG` when it cannot be made, or is there already.
   */
  static async create(path: string, world: World): Promise<RecordingFile> {
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    try {
      await once(file, 'open');
    } catch (error) {
      throw new PlateauError(
        'INVALID_FLAG',
        `--record: '${path}' cannot be made: ${errorMessage(error)}. Name a file that is not there yet.`,
        { context: { flag: 'record', path }, cause: error },
      );
    }
    return new RecordingFile(path, { world, file });
  }

  private constructor(
    path: string,
    { world, file }: { readonly world: World; readonly file: WriteStream },
  ) {
    this.#path = path;
    this.#world = world;
    this.#file = file;
    file.on('error', (error) => this.#stop(errorMessage(error)));
  }

  /**
   * The interceptor of the term that begins; a recording is of one term, since what another copy does between
   * two is not in it.
   * @param store what the framework has stored is read from it.
   */
  async begin(store: Store): Promise<Interceptor> {
    if (this.#hasBegun) {
      this.#stop('a further term of this copy is not recorded');
      return NOTHING;
    }
    this.#hasBegun = true;
    const state = await store.list('');
    return record(this.#world.clock, (line) => this.#write(line), state);
  }

  /** Resolves when all of it is written. */
  async close(): Promise<void> {
    this.#isOver = true;
    if (this.#file.closed) return;
    this.#file.end();
    await once(this.#file, 'close');
  }

  #write(line: string): void {
    if (this.#isOver) return;
    const text = `${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > MAX_RECORDING_BYTES) {
      this.#stop(`it has ${MAX_RECORDING_BYTES} bytes`);
    } else if (this.#file.writableLength > MAX_RECORDING_BACKLOG_BYTES) {
      this.#stop('the disk is too slow');
    } else {
      this.#file.write(text);
    }
  }

  #stop(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.log.warn('the recording has ended', { path: this.#path, reason });
  }
}
