/**
 * What the host of a terminal reads on its standard input: frames of one byte that says what it is, four
 * of a length, and that many bytes. What the terminal shows comes back as plain bytes.
 */

/** What can be asked of the host of a terminal. */
export type TerminalFrame =
  /** Bytes that are typed. */
  | { readonly kind: 'input'; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly size: TerminalSize }
  /** The process has the terminal: the host lets go of that end. */
  | { readonly kind: 'release' }
  /** From now on somebody looks at what is shown, or no more. */
  | { readonly kind: 'watch' }
  | { readonly kind: 'unwatch' }
  /** The process has ended, and its end is known: nobody is hung up on any more. */
  | { readonly kind: 'reaped' };

/** Of a window, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The most rows or columns that the system knows. */
export const MAX_TERMINAL_LENGTH = 65_535;

/** Bytes of one frame: more comes in several. */
export const MAX_TERMINAL_FRAME_BYTES = 64 * 1024;

const KINDS = { input: 0, resize: 1, release: 2, watch: 3, unwatch: 4, reaped: 5 } as const;
const HEAD_BYTES = 5;

/** One frame, or several where there is more input than fits in one. */
export function encodeTerminalFrame(frame: TerminalFrame): Buffer {
  if (frame.kind === 'resize') {
    const { rows, columns } = frame.size;
    return encode(KINDS.resize, Buffer.from(JSON.stringify({ rows, columns })));
  }
  if (frame.kind !== 'input') return encode(KINDS[frame.kind], Buffer.alloc(0));
  const frames: Buffer[] = [];
  for (let from = 0; from < frame.bytes.length; from += MAX_TERMINAL_FRAME_BYTES) {
    frames.push(encode(KINDS.input, frame.bytes.subarray(from, from + MAX_TERMINAL_FRAME_BYTES)));
  }
  return Buffer.concat(frames);
}

function encode(kind: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Cuts a stream of bytes into frames. */
export class TerminalFrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** The frames that these bytes complete. @throws Error for what is no frame. */
  push(chunk: Buffer): TerminalFrame[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const frames: TerminalFrame[] = [];
    while (this.#held.length >= HEAD_BYTES) {
      const length = this.#held.readUInt32BE(1);
      if (length > MAX_TERMINAL_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
      if (this.#held.length < HEAD_BYTES + length) break;
      const payload = this.#held.subarray(HEAD_BYTES, HEAD_BYTES + length);
      frames.push(decode(this.#held.readUInt8(0), payload));
      this.#held = this.#held.subarray(HEAD_BYTES + length);
    }
    return frames;
  }
}

function decode(kind: number, payload: Buffer): TerminalFrame {
  if (kind === KINDS.input) return { kind: 'input', bytes: payload };
  for (const plain of ['release', 'watch', 'unwatch', 'reaped'] as const) {
    if (kind === KINDS[plain]) return { kind: plain };
  }
  const size: unknown = kind === KINDS.resize ? JSON.parse(payload.toString('utf8')) : undefined;
  if (!isTerminalSize(size)) throw new Error(`a frame of kind ${kind} that nobody knows`);
  return { kind: 'resize', size };
}

/** Whether these are rows and columns that the system takes. */
export function isTerminalSize(value: unknown): value is TerminalSize {
  if (typeof value !== 'object' || value === null) return false;
  return 'rows' in value && 'columns' in value && isLength(value.rows) && isLength(value.columns);
}

function isLength(value: unknown): boolean {
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= MAX_TERMINAL_LENGTH
  );
}
