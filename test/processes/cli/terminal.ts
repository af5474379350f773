/** Runs a program in a terminal of a given size, and types into it, as a person would. */
import { createRequire } from 'node:module';

interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** What we use of the library. */
interface Pty {
  onData(listener: (text: string) => void): void;
  onExit(listener: (end: { readonly exitCode: number }) => void): void;
  write(text: string): void;
  resize(columns: number, rows: number): void;
}

type Spawn = (
  file: string,
  argv: readonly string[],
  options: { readonly cols: number; readonly rows: number; readonly env: object },
) => Pty;

export class TerminalProgram {
  readonly #pty: Pty;
  /** Resolves with its exit status. */
  readonly ended: Promise<number>;
  /** All that it has shown. */
  shown = '';

  /** Runs Node with these arguments. */
  constructor(
    argv: readonly string[],
    { size, environment }: { readonly size: Size; readonly environment: Record<string, string> },
  ) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- loaded, so that no types are needed
    const { spawn } = createRequire(import.meta.url)('@lydell/node-pty') as { spawn: Spawn };
    this.#pty = spawn(process.execPath, argv, {
      cols: size.columns,
      rows: size.rows,
      env: { ...process.env, ...environment },
    });
    this.#pty.onData((text) => {
      this.shown += text;
    });
    this.ended = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize({ rows, columns }: Size): void {
    this.#pty.resize(columns, rows);
  }
}
