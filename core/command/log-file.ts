/**
 * The log of a daemon in a file. A file that is there is appended to; one that has reached its size is
 * put aside under a number, and the oldest goes. What cannot be written is lost, and said elsewhere: a
 * full disk must not stop the program.
 */
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import { PlateauError, errorMessage } from '../base/index.js';

/** Bytes of a log file from which on it is put aside before the next line. */
export const MAX_LOG_FILE_BYTES = 64 * 1024 * 1024;
/** Log files that are kept beside the one that is written, as `.1`, the youngest, to `.4`. */
export const MAX_OLD_LOG_FILES = 4;
/** Bytes of lines that wait for a disk that takes none; further ones are lost. */
export const MAX_WAITING_LOG_BYTES = 1024 * 1024;

export interface LogFileOptions {
  /** Absolute path; its folder is made when absent. */
  readonly path: string;
  /** Told once when lines cannot be written, and again when that has worked in between. */
  readonly onFault: (message: string) => void;
  /** As `MAX_LOG_FILE_BYTES`, for tests. */
  readonly maxBytes?: number | undefined;
}

/** Takes the lines of a log. Each is in the file when `write` returns, unless it cannot be written. */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #onFault: (message: string) => void;
  readonly #destination: ReturnType<typeof pino.destination>;
  #bytes: number;
  #isFaulty = false;

  /** @throws PlateauError `INVALID_FLAG`: the file cannot be opened. */
  constructor(options: LogFileOptions) {
    this.#path = options.path;
    this.#maxBytes = options.maxBytes ?? MAX_LOG_FILE_BYTES;
    this.#onFault = options.onFault;
    try {
      mkdirSync(dirname(options.path), { recursive: true });
      this.#destination = pino.destination({
        dest: options.path,
        append: true,
        sync: true,
        maxLength: MAX_WAITING_LOG_BYTES,
      });
      this.#bytes = statSync(options.path).size;
    } catch (error) {
      throw new PlateauError(
        'INVALID_FLAG',
        `--log_dir: the log file cannot be opened: ${errorMessage(error)}`,
        { context: { flag: 'log_dir', path: options.path }, cause: error },
      );
    }
    this.#destination.on('error', (error: unknown) => this.#failed(error));
    this.#destination.on('write', () => {
      this.#isFaulty = false;
    });
  }

  /** Writes a line with its end. */
  write(line: string): void {
    if (this.#bytes >= this.#maxBytes) this.#rotate();
    this.#bytes += Buffer.byteLength(line);
    this.#destination.write(line);
  }

  /** Closes the file; nothing may be written afterwards. */
  close(): void {
    this.#destination.end();
  }

  #rotate(): void {
    try {
      for (let number = MAX_OLD_LOG_FILES - 1; number > 0; number--) {
        renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      }
      renameIfThere(this.#path, `${this.#path}.1`);
      this.#destination.reopen();
      this.#bytes = 0;
    } catch (error) {
      // The next try comes after as much again: a folder that refuses is not asked at every line.
      this.#bytes = 0;
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#isFaulty) return;
    this.#isFaulty = true;
    this.#onFault(`the log file ${this.#path} cannot be written: ${errorMessage(error)}`);
  }
}

/** Somebody may have taken a file away: that is as good as put aside. */
function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
